-- How many hosts, and how much weight, stand at each level for each agent over time?
-- One row per snapshot, agent, stratum, corpus, level and group match that occurs, in the default dialect.
-- Observed and carried are counted apart; a host never captured so far is in n_hosts and weight only.
--
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- agent: Tracked agent, or a label in brackets that stands for several (the strictest answer counts)
-- stratum: (all), or a stratum of the study, or (none)
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- level: none, some or all where a file declares it or is empty; else the access state, or not_read
-- group_match: specific, wildcard or none; empty where nothing is declared
-- n_hosts: Hosts at this level that have a weight in the corpus: observed, carried and never captured
-- n_hosts_observed: Those captured in this very snapshot
-- n_hosts_carried: Those known from an earlier snapshot only
-- weight: Their weight in the corpus
-- weight_observed: The weight of those observed
-- weight_carried: The weight of those carried
-- share_of_observed: weight_observed over the weight of all hosts observed in the snapshot; empty when
--   none is
-- share_of_known: weight of the observed and carried over that of all hosts observed so far; empty when
--   none is
WITH cells AS MATERIALIZED (
    SELECT
        snapshot, stratum, corpus, outcome,
        CASE WHEN is_observed THEN 'observed' WHEN is_carried THEN 'carried' ELSE 'never' END AS basis,
        count(*) AS n,
        sum(weight) AS w
    FROM host_snapshots JOIN site_groups USING (host)
    GROUP BY ALL
),
totals AS (
    SELECT
        snapshot, stratum, corpus,
        sum(w) FILTER (basis = 'observed') AS w_observed,
        sum(w) FILTER (basis <> 'never') AS w_known
    FROM cells GROUP BY ALL
),
star AS (
    SELECT outcome, level, group_match FROM outcome_levels WHERE agent = '*'
),
by_star AS (
    SELECT snapshot, stratum, corpus, level, group_match, basis, sum(n) AS n, sum(w) AS w
    FROM cells JOIN star USING (outcome) GROUP BY ALL
),
-- A file names few agents: all begin with the answer to *, then those it names are moved to their own.
moves AS (
    SELECT outcome, agent, level, group_match, true AS is_own FROM outcome_levels WHERE agent <> '*'
    UNION ALL
    SELECT outcome, named.agent, star.level, star.group_match, false
    FROM outcome_levels AS named JOIN star USING (outcome) WHERE named.agent <> '*'
),
counted AS (
    SELECT agent, by_star.* FROM by_star CROSS JOIN (SELECT DISTINCT agent FROM agent_groups)
    UNION ALL BY NAME
    SELECT
        agent, snapshot, stratum, corpus, level, group_match, basis,
        sum(if(is_own, n, -n)) AS n,
        sum(if(is_own, w, -w)) AS w
    FROM cells JOIN moves USING (outcome) GROUP BY ALL
),
by_level AS (
    SELECT
        snapshot, agent, stratum, corpus, level, group_match,
        sum(n)::BIGINT AS n_hosts,
        coalesce(sum(n) FILTER (basis = 'observed'), 0)::BIGINT AS n_hosts_observed,
        coalesce(sum(n) FILTER (basis = 'carried'), 0)::BIGINT AS n_hosts_carried,
        sum(w)::DOUBLE AS weight,
        coalesce(sum(w) FILTER (basis = 'observed'), 0)::DOUBLE AS weight_observed,
        coalesce(sum(w) FILTER (basis = 'carried'), 0)::DOUBLE AS weight_carried
    FROM counted GROUP BY ALL HAVING sum(n) > 0
)
SELECT
    by_level.*,
    weight_observed / nullif(w_observed, 0)::DOUBLE AS share_of_observed,
    (weight_observed + weight_carried) / nullif(w_known, 0)::DOUBLE AS share_of_known
FROM by_level JOIN totals USING (snapshot, stratum, corpus)
ORDER BY snapshot, agent, stratum, corpus, level, group_match
