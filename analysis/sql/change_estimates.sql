-- By how much did the closed share of each corpus change, and how sure is that?
-- One row per pair of change_pairs, agent, corpus, estimator, part and basis, for the measure all. Both ends
-- of a change are drawn from the same domains, so that what does not change does not blur it.
--
-- snapshot_from: The earlier snapshot
-- snapshot_to: The later snapshot
-- is_endpoints: Whether the pair is the first and the last snapshot of the study
-- is_year_ends: Whether the pair is the last snapshots of two years
-- is_12_months: Whether the later snapshot is the one nearest to twelve months after the earlier
-- agent: Tracked agent, or a label in brackets that stands for several (the strictest answer counts)
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- estimator: study or design, as in level_estimates
-- part: whole; or, where the corpus has more than one part, head, sample or listed
-- basis: observed, carried_1y, carried; for study also carried_files
-- share_from: Share that is closed in the earlier snapshot; empty when it has no estimate
-- share_to: Share that is closed in the later snapshot; empty when it has no estimate
-- change_points: share_to less share_from, in percentage points
-- change_low: Lower limit of 95 %, were the registrable domains of every part drawn anew, the same for both
--   snapshots
-- change_high: Upper limit of the same
-- interval_method: How these limits were found: bootstrap; effective_n (few domains tell, or few changed: no
--   narrower than exact limits of what was gained and lost); or mixed (of a whole with parts of both kinds)
SELECT
    pairs.*,
    earlier.agent,
    earlier.corpus,
    earlier.estimator,
    earlier.part,
    earlier.basis,
    earlier.share AS share_from,
    later.share AS share_to,
    round(100 * (later.share - earlier.share), 10) + 0.0 AS change_points,
    if(change_points IS NULL, NULL, coalesce(own.change_low, star.change_low)) AS change_low,
    if(change_points IS NULL, NULL, coalesce(own.change_high, star.change_high)) AS change_high,
    if(change_points IS NULL, NULL, coalesce(own.interval_method, star.interval_method)) AS interval_method
FROM change_pairs AS pairs
JOIN level_estimates AS earlier ON earlier.snapshot = pairs.snapshot_from AND earlier.measure = 'all'
JOIN level_estimates AS later
    ON later.snapshot = pairs.snapshot_to AND later.measure = 'all' AND later.agent = earlier.agent
    AND later.corpus = earlier.corpus AND later.estimator = earlier.estimator
    AND later.part = earlier.part AND later.basis = earlier.basis
LEFT JOIN change_intervals AS own
    ON own.snapshot_from = pairs.snapshot_from AND own.snapshot_to = pairs.snapshot_to
    AND own.agent = earlier.agent AND own.corpus = earlier.corpus AND own.estimator = earlier.estimator
    AND own.part = earlier.part AND own.basis = earlier.basis
LEFT JOIN change_intervals AS star
    ON star.snapshot_from = pairs.snapshot_from AND star.snapshot_to = pairs.snapshot_to
    AND star.agent = '*' AND star.corpus = earlier.corpus AND star.estimator = earlier.estimator
    AND star.part = earlier.part AND star.basis = earlier.basis
ORDER BY snapshot_from, snapshot_to, agent, corpus, estimator, part, basis
