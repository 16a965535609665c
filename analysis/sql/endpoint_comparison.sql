-- What became of the hosts that stood at one level in an earlier snapshot, in a later one?
-- Compared are the first and the last snapshot of the study, and the last snapshots of one year and the
-- next year that has any. One row per pair, agent, stratum, corpus and pair of levels that occurs, in the
-- default dialect. Hosts never captured by the earlier snapshot are not compared.
--
-- snapshot_from: The earlier snapshot
-- snapshot_to: The later snapshot
-- is_endpoints: Whether the pair is the first and the last snapshot of the study
-- agent: Tracked agent, or a label in brackets that stands for several (the strictest answer counts)
-- stratum: (all), or a stratum of the study, or (none)
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- level_from: Level in the earlier snapshot: none, some, all, or the access state, or not_read
-- level_to: Level in the later snapshot
-- group_match_to: specific, wildcard or none in the later snapshot; empty where nothing is declared there
-- n_hosts_observed: Hosts captured in both snapshots
-- n_hosts_carried: Hosts of which at least one side is carried from a still earlier snapshot
-- weight_observed: Weight of the hosts captured in both
-- weight_carried: Weight of the hosts of which a side is carried
-- share_of_level_from: weight_observed over the weight of all hosts captured in both that stood at
--   level_from; empty when none did
WITH year_ends AS (
    SELECT snapshot, lead(snapshot) OVER (ORDER BY position) AS next_snapshot
    FROM snapshot_order WHERE is_last_of_year
),
pairs AS (
    SELECT snapshot AS snapshot_from, next_snapshot AS snapshot_to FROM year_ends WHERE next_snapshot IS NOT NULL
    UNION
    SELECT first.snapshot, last.snapshot
    FROM snapshot_order AS first JOIN snapshot_order AS last ON first.is_first AND last.is_last
    WHERE NOT first.is_last
),
outcomes AS MATERIALIZED (
    SELECT snapshot, host, outcome, is_observed FROM host_snapshots
    WHERE snapshot IN (SELECT unnest([snapshot_from, snapshot_to]) FROM pairs)
),
cells AS MATERIALIZED (
    SELECT
        snapshot_from, snapshot_to, stratum, corpus,
        earlier.outcome AS outcome_from, later.outcome AS outcome_to,
        earlier.is_observed AND later.is_observed AS is_observed,
        count(*) AS n, sum(weight) AS w
    FROM pairs
    JOIN outcomes AS earlier ON earlier.snapshot = snapshot_from AND earlier.outcome <> '(not_captured)'
    JOIN outcomes AS later ON later.snapshot = snapshot_to AND later.host = earlier.host
    JOIN site_groups ON site_groups.host = earlier.host
    GROUP BY ALL
),
star AS (
    SELECT outcome, level, group_match FROM outcome_levels WHERE agent = '*'
),
named AS (
    SELECT outcome, agent, level, group_match FROM outcome_levels WHERE agent <> '*'
),
star_pairs AS MATERIALIZED (
    SELECT
        outcome_from, outcome_to,
        earlier.level AS level_from, later.level AS level_to, later.group_match AS group_match_to
    FROM (SELECT DISTINCT outcome_from, outcome_to FROM cells)
    JOIN star AS earlier ON earlier.outcome = outcome_from
    JOIN star AS later ON later.outcome = outcome_to
),
-- As in declared_levels: all agents begin with the answers to *, those named on a side are moved.
named_pairs AS (
    SELECT outcome_from, outcome_to, agent FROM star_pairs JOIN named ON outcome = outcome_from
    UNION
    SELECT outcome_from, outcome_to, agent FROM star_pairs JOIN named ON outcome = outcome_to
),
own_pairs AS (
    SELECT
        star_pairs.outcome_from, star_pairs.outcome_to, named_pairs.agent,
        coalesce(earlier.level, star_pairs.level_from) AS level_from,
        coalesce(later.level, star_pairs.level_to) AS level_to,
        coalesce(later.group_match, star_pairs.group_match_to) AS group_match_to
    FROM named_pairs
    JOIN star_pairs USING (outcome_from, outcome_to)
    LEFT JOIN named AS earlier ON earlier.outcome = outcome_from AND earlier.agent = named_pairs.agent
    LEFT JOIN named AS later ON later.outcome = outcome_to AND later.agent = named_pairs.agent
),
moves AS (
    SELECT *, true AS is_own FROM own_pairs
    UNION ALL BY NAME
    SELECT *, false AS is_own FROM named_pairs JOIN star_pairs USING (outcome_from, outcome_to)
),
by_star AS (
    SELECT
        snapshot_from, snapshot_to, stratum, corpus, level_from, level_to, group_match_to, is_observed,
        sum(n) AS n, sum(w) AS w
    FROM cells JOIN star_pairs USING (outcome_from, outcome_to) GROUP BY ALL
),
counted AS (
    SELECT agent, by_star.* FROM by_star CROSS JOIN (SELECT DISTINCT agent FROM agent_groups)
    UNION ALL BY NAME
    SELECT
        agent, snapshot_from, snapshot_to, stratum, corpus, level_from, level_to, group_match_to,
        is_observed, sum(if(is_own, n, -n)) AS n, sum(if(is_own, w, -w)) AS w
    FROM cells JOIN moves USING (outcome_from, outcome_to)
    GROUP BY ALL
),
compared AS (
    SELECT
        snapshot_from, snapshot_to, agent, stratum, corpus, level_from, level_to, group_match_to,
        coalesce(sum(n) FILTER (is_observed), 0)::BIGINT AS n_hosts_observed,
        coalesce(sum(n) FILTER (NOT is_observed), 0)::BIGINT AS n_hosts_carried,
        coalesce(sum(w) FILTER (is_observed), 0) AS w_observed,
        coalesce(sum(w) FILTER (NOT is_observed), 0) AS w_carried
    FROM counted GROUP BY ALL HAVING sum(n) > 0
)
SELECT
    snapshot_from,
    snapshot_to,
    earlier.is_first AND later.is_last AS is_endpoints,
    agent,
    stratum,
    corpus,
    level_from,
    level_to,
    group_match_to,
    n_hosts_observed,
    n_hosts_carried,
    w_observed::DOUBLE AS weight_observed,
    w_carried::DOUBLE AS weight_carried,
    w_observed::DOUBLE / nullif(sum(w_observed) OVER (
        PARTITION BY snapshot_from, snapshot_to, agent, stratum, corpus, level_from
    ), 0)::DOUBLE AS share_of_level_from
FROM compared
JOIN snapshot_order AS earlier ON earlier.snapshot = snapshot_from
JOIN snapshot_order AS later ON later.snapshot = snapshot_to
ORDER BY snapshot_from, snapshot_to, agent, stratum, corpus, level_from, level_to, group_match_to
