-- How much of each training corpus stands on hosts that restrict agents in full?
--
-- corpus: A weight of the study's hosts; in the corpus called hosts, each weighs one
-- agent: A label that stands for several agents; the strictest answer to any of them counts
-- snapshot: The first or the last snapshot that captured hosts of the corpus
-- n_hosts: Hosts captured in the snapshot that have a weight in the corpus
-- share: Weight of those that close every path, over the weight of all captured
WITH ends AS (
    SELECT DISTINCT unnest([min(snapshot), max(snapshot)]) AS snapshot
    FROM coverage WHERE n_hosts_observed > 0
)
SELECT
    coalesce(any_value(title), declared_levels.corpus) AS corpus,
    agent,
    snapshot,
    sum(n_hosts_observed)::BIGINT AS n_hosts,
    coalesce(sum(share_of_observed) FILTER (level = 'all'), 0) AS share
FROM declared_levels JOIN ends USING (snapshot) LEFT JOIN corpora USING (corpus)
WHERE stratum = '(all)' AND agent LIKE '(%'
    AND EXISTS (SELECT 1 FROM declared_levels WHERE corpus <> 'hosts')
GROUP BY declared_levels.corpus, agent, snapshot
HAVING sum(n_hosts_observed) > 0
ORDER BY declared_levels.corpus <> 'hosts', declared_levels.corpus, agent, snapshot
