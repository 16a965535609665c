-- How much of each training corpus is closed, and how sure is that?
--
-- snapshot: Common Crawl release
-- starts_on: Day the release began to crawl
-- series: Corpus and part: the whole, or its head, the sources taken for certain
-- estimator: study's (that of Longpre et al. (2024)) or design-based (web hosts only, what is not known is
--   missing, the sample stands for the rest)
-- share: Estimated share of the weight that is closed to any agent that the 2024 study combined
-- share_low: Lower end of a 95 % interval by registrable domain, wide where few domains tell
-- share_high: Upper end of it
-- share_bound_low: Least share over what is carried: nothing, up to a year, without limit
-- share_bound_high: Greatest share over the same
-- n_hosts: Hosts counted
-- n_domains: Their registrable domains
-- kish_n: How many hosts of equal weight would be as sure (Kish)
SELECT
    snapshot,
    starts_on,
    concat(coalesce(title, corpus), ', ', part) AS series,
    if(estimator = 'study', 'study''s', 'design-based') AS estimator,
    share,
    share_low,
    share_high,
    bound_low AS share_bound_low,
    bound_high AS share_bound_high,
    n_hosts,
    n_domains,
    kish_n
FROM level_estimates JOIN snapshot_order USING (snapshot) JOIN corpora USING (corpus)
WHERE agent = '(study combined)' AND part IN ('whole', 'head') AND basis = 'carried' AND measure = 'all'
    AND share IS NOT NULL AND starts_on IS NOT NULL
ORDER BY corpus = 'hosts', corpus, part DESC, estimator, starts_on, snapshot
