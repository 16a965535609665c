-- When did the share that is closed to an agent break with what came before?
-- One row per break of a series of monthly_levels (newest stretch, at least 24 months). A segment is a
-- straight line of at least six months, so that a steady rise is no break. Breaks proposed by PELT are kept
-- when two lines fit better than one by more than autocorrelated noise would bring about, p <= 0.01.
--
-- agent: Tracked agent, or a label in brackets that stands for several (the strictest answer counts)
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- month: First month after the break
-- snapshot: Snapshot that the share of that month is from
-- n_months: Months of the series
-- level_before: Share at level all that the line before the break gives for the month
-- level_after: Share that the line after it gives for the month
-- size_points: level_after less level_before, in percentage points
-- slope_before: Points per year of the line before
-- slope_after: Points per year of the line after
-- p_value: Share of 999 draws of one line with AR(1) noise in which some place fits two lines as much better
-- share_found_again: Share of draws with the break and noise anew that find it within a month
SELECT
    breaks.agent,
    breaks.corpus,
    breaks.month,
    snapshot,
    n_months,
    level_before,
    level_after,
    round(100 * (level_after - level_before), 4) AS size_points,
    slope_before,
    slope_after,
    p_value,
    share_found_again
FROM level_breaks AS breaks JOIN monthly_levels USING (agent, corpus, month)
ORDER BY agent, corpus, month
