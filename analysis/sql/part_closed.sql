-- How much of each part of a corpus is closed to each agent in each snapshot, on each basis?
-- One row per snapshot, agent, corpus, part, basis and measure, in the default dialect.
--
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- agent: Tracked agent, or a label in brackets that stands for several (the strictest answer counts)
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- part: head, sample or listed, as in estimate_hosts
-- basis: observed, carried_1y, carried or carried_files, as in observation_bases
-- measure: all (every path is closed) or some_or_all (at least some are)
-- n_hosts_restricted: Hosts known to be closed
-- closed_weight: Their weight, exact
WITH cells AS MATERIALIZED (
    SELECT snapshot, corpus, part, outcome, freshness, count(*) AS n, sum(weight) AS w
    FROM known_outcomes JOIN estimate_hosts USING (host)
    WHERE dialect = (SELECT dialect FROM dialects WHERE is_default)
    GROUP BY ALL
),
stepped AS MATERIALIZED (
    SELECT snapshot, agent, corpus, part, freshness, measure, sum(n * step) AS n, sum(w * step) AS w
    FROM cells JOIN closure_steps USING (outcome) GROUP BY ALL
),
asked AS (
    SELECT DISTINCT agent FROM agent_groups
),
-- As in declared_levels: all agents begin with the answers to *, what differs for an agent is added.
counted AS (
    SELECT asked.agent, stepped.* EXCLUDE (agent) FROM stepped CROSS JOIN asked WHERE stepped.agent = '*'
    UNION ALL BY NAME
    SELECT * FROM stepped WHERE agent <> '*'
),
summed AS (
    SELECT snapshot, agent, corpus, part, basis, measure, sum(n) AS n, sum(w) AS w
    FROM counted JOIN observation_bases USING (freshness) GROUP BY ALL
)
SELECT
    snapshot,
    agent,
    corpus,
    part,
    basis,
    measure,
    coalesce(n, 0)::BIGINT AS n_hosts_restricted,
    coalesce(w, 0)::DECIMAL(38, 12) AS closed_weight
FROM (SELECT snapshot FROM snapshot_order)
CROSS JOIN asked
CROSS JOIN (SELECT corpus, part FROM corpus_parts)
CROSS JOIN (SELECT DISTINCT basis FROM observation_bases)
CROSS JOIN (SELECT unnest(['all', 'some_or_all']) AS measure)
LEFT JOIN summed USING (snapshot, agent, corpus, part, basis, measure)
ORDER BY snapshot, agent, corpus, part, basis, measure
