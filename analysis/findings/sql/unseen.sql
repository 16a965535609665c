-- How far does the estimate rest on what was not seen?
--
-- snapshot: The last snapshot of the study
-- corpus: Weight of the hosts; in hosts, each weighs one
-- basis: What counts as known: captured in this very snapshot, or carried for at most a year, or without limit
-- share: Design-based estimate of the share closed to any agent that the 2024 study combined
-- share_if_unknown_open: The same if every host that is not known were open
-- share_if_unknown_closed: The same if every host that is not known were closed
-- n_hosts: Hosts known
SELECT
    snapshot,
    coalesce(title, corpus) AS corpus,
    CASE basis
        WHEN 'observed' THEN 'captured in the snapshot'
        WHEN 'carried_1y' THEN 'or carried up to a year'
        ELSE 'or carried without limit'
    END AS basis,
    share,
    share_if_unknown_open,
    share_if_unknown_closed,
    n_hosts
FROM level_estimates JOIN snapshot_order USING (snapshot) JOIN corpora USING (corpus)
WHERE is_last AND agent = '(study combined)' AND estimator = 'design' AND part = 'whole' AND measure = 'all'
    AND share IS NOT NULL
ORDER BY corpora.corpus = 'hosts', corpora.corpus, list_position(['observed', 'carried_1y', 'carried'], level_estimates.basis)
