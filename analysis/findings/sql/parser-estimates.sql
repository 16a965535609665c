-- How much of the headline is the parser?
--
-- snapshot: The last snapshot of the study
-- series: Corpus and part: the whole, or its head, the sources taken for certain
-- reading: The parser; with +longpre2024-rule, its groups under the rule of Longpre et al. (2024)
-- share: The study's estimate of the share closed to any agent that it combined (ours for a corpus without
--   head, sample and total), carried without limit
-- difference_points: share less that of the reference reading, in percentage points
-- explained_share: Part of share that is not there under the reference; negative where it finds more
-- change_12m_points: Change over twelve months under this reading, in percentage points
-- change_12m_explained_share: Part of that change that is not there under the reference
WITH latest AS (
    SELECT *, row_number() OVER (
        PARTITION BY corpus, part, reading ORDER BY estimator = 'study' DESC
    ) AS choice
    FROM parser_estimates JOIN snapshot_order USING (snapshot)
    WHERE is_last AND agent = '(study combined)' AND basis = 'carried' AND share IS NOT NULL
)
SELECT
    snapshot,
    concat(coalesce(title, corpus), ', ', part) AS series,
    reading,
    share,
    difference_points,
    explained AS explained_share,
    change_12m_points,
    change_12m_explained AS change_12m_explained_share
FROM latest JOIN corpora USING (corpus)
WHERE choice = 1
ORDER BY corpora.corpus = 'hosts', corpora.corpus, part DESC, reading
