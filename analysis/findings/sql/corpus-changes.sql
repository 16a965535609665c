-- By how much did each corpus close, and how sure is that?
--
-- period: The two snapshots: first and last of the study, or the last and the one twelve months before
-- corpus: Corpus and part: the whole, or its head, the sources taken for certain
-- estimator: study's or design-based
-- share_from: Share closed to any agent that the 2024 study combined in the earlier snapshot
-- share_to: The same in the later
-- change_points: The difference, in percentage points
-- change_low_points: Lower end of a 95 % interval by registrable domain, the same domains for both ends
-- change_high_points: Upper end of it
WITH changes AS (
    SELECT *, is_endpoints AS is_whole_study FROM change_estimates
    WHERE agent = '(study combined)' AND part IN ('whole', 'head') AND basis = 'carried'
        AND change_points IS NOT NULL
        AND (is_endpoints OR is_12_months AND snapshot_to = (SELECT snapshot FROM snapshot_order WHERE is_last))
)
SELECT
    concat(snapshot_from, ' to ', snapshot_to) AS period,
    concat(coalesce(title, corpus), ', ', part) AS corpus,
    if(estimator = 'study', 'study''s', 'design-based') AS estimator,
    share_from,
    share_to,
    change_points,
    change_low AS change_low_points,
    change_high AS change_high_points
FROM changes JOIN corpora USING (corpus)
ORDER BY is_whole_study DESC, corpora.corpus = 'hosts', corpora.corpus, part DESC, changes.estimator
