-- Which domains does an estimate hang on?
--
-- corpus: Weight of the hosts; in hosts, each weighs one
-- estimator: study's or design-based
-- part: whole, or head: the sources taken for certain
-- place: Place of the domain among those that move the estimate, 1 moves it most
-- domain: Registrable domain left out
-- n_sources: Sources of the site list that belong to it
-- share: Share closed to any agent that the 2024 study combined in the last snapshot
-- share_without: The same for the corpus without the domain
-- influence_points: What the domain adds, in percentage points
-- moves_headline: Whether that is more than one point up or down
SELECT
    coalesce(title, corpus) AS corpus,
    if(estimator = 'study', 'study''s', 'design-based') AS estimator,
    part,
    place,
    domain,
    n_sources,
    estimate_points / 100 AS share,
    estimate_points_without / 100 AS share_without,
    influence_points,
    moves_headline
FROM level_influences JOIN corpora USING (corpus)
WHERE of = 'level' AND agent = '(study combined)' AND basis = 'carried' AND place <= 5
    AND influence_points IS NOT NULL
ORDER BY corpora.corpus = 'hosts', corpora.corpus, part DESC, level_influences.estimator, place
