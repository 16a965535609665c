-- How many hosts close to each agent, and how many open again?
-- One row per snapshot, agent, stratum and corpus in which a host was observed that had been observed
-- before, in the default dialect. A host's observation is compared with its last one before that, whenever
-- that was; carrying forward never makes a change. Open means none, some or absent (nothing declared),
-- closed means all. Observations in which robots.txt could not be read are passed over, so that a host that
-- closed while it could not be read is counted when it can be: transitions has no new block there.
--
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- agent: Tracked agent, or a label in brackets that stands for several (the strictest answer counts)
-- stratum: (all), or a stratum of the study, or (none)
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- n_at_risk_open: Hosts observed in the snapshot that were open when last observed before
-- n_closed: Those of them that are closed now
-- n_closed_named: Those of n_closed where a group names the agent
-- n_reclosed: Those of n_closed that had been closed at a still earlier observation
-- n_at_risk_closed: Hosts observed in the snapshot that were closed when last observed before
-- n_reopened: Those of them that are open now
-- n_reopened_named: Those of n_reopened where a group had named the agent
-- n_removed_robots: Those of n_reopened that have no robots.txt now (absent)
-- net_closed: n_closed less n_reopened
-- share_closed: n_closed over n_at_risk_open; empty when no host was at risk
-- share_reopened: n_reopened over n_at_risk_closed; empty when no host was at risk
-- host_years_open: Years between the two observations, summed over n_at_risk_open; empty when a start is
--   not known
-- closed_per_host_year: n_closed over host_years_open; empty when that is 0 or empty
-- host_years_closed: The same sum over n_at_risk_closed
-- reopened_per_host_year: n_reopened over host_years_closed; empty when that is 0 or empty
-- weight_at_risk_open: Weight of n_at_risk_open
-- weight_closed: Weight of n_closed
-- weight_at_risk_closed: Weight of n_at_risk_closed
-- weight_reopened: Weight of n_reopened
WITH star AS (
    SELECT outcome, level, group_match FROM outcome_levels
    WHERE agent = '*' AND level IN ('none', 'some', 'all', 'absent')
),
named AS (
    SELECT outcome, agent, level, group_match FROM outcome_levels WHERE agent <> '*'
),
seen AS (
    SELECT host, snapshot, snapshot_order.position, starts_on, outcome
    FROM host_snapshots JOIN snapshot_order USING (snapshot)
    WHERE is_observed AND outcome IN (SELECT outcome FROM star)
),
pairs AS (
    SELECT
        host, snapshot, outcome AS outcome_to,
        lag(outcome) OVER before AS outcome_from,
        date_diff('day', lag(starts_on) OVER before, starts_on) AS days
    FROM seen
    WINDOW before AS (PARTITION BY host ORDER BY position)
    QUALIFY outcome_from IS NOT NULL
),
cells AS MATERIALIZED (
    SELECT
        snapshot, stratum, corpus, outcome_from, outcome_to,
        count(*) AS n, sum(days) AS days, bool_and(days IS NOT NULL) AS is_dated, sum(weight) AS w
    FROM pairs JOIN site_groups USING (host) GROUP BY ALL
),
star_pairs AS MATERIALIZED (
    SELECT
        outcome_from, outcome_to,
        earlier.level AS level_from, later.level AS level_to,
        earlier.group_match AS match_from, later.group_match AS match_to
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
        outcome_from, outcome_to, named_pairs.agent,
        coalesce(earlier.level, level_from) AS level_from,
        coalesce(later.level, level_to) AS level_to,
        if(earlier.agent IS NULL, match_from, earlier.group_match) AS match_from,
        if(later.agent IS NULL, match_to, later.group_match) AS match_to
    FROM named_pairs
    JOIN star_pairs USING (outcome_from, outcome_to)
    LEFT JOIN named AS earlier ON earlier.outcome = outcome_from AND earlier.agent = named_pairs.agent
    LEFT JOIN named AS later ON later.outcome = outcome_to AND later.agent = named_pairs.agent
),
moves AS (
    SELECT *, 1 AS sign FROM own_pairs
    UNION ALL BY NAME
    SELECT *, -1 AS sign FROM named_pairs JOIN star_pairs USING (outcome_from, outcome_to)
),
by_star AS (
    SELECT
        snapshot, stratum, corpus, level_from, level_to, match_from, match_to,
        sum(n) AS n, sum(days) AS days, bool_and(is_dated) AS is_dated, sum(w) AS w
    FROM cells JOIN star_pairs USING (outcome_from, outcome_to) GROUP BY ALL
),
steps AS (
    SELECT agent, by_star.* FROM by_star CROSS JOIN (SELECT DISTINCT agent FROM agent_groups)
    UNION ALL BY NAME
    SELECT
        agent, snapshot, stratum, corpus, level_from, level_to, match_from, match_to,
        sum(sign * n) AS n, sum(sign * days) AS days, bool_and(is_dated) AS is_dated, sum(sign * w) AS w
    FROM cells JOIN moves USING (outcome_from, outcome_to) GROUP BY ALL
),
reclosed AS (
    SELECT agent, snapshot, stratum, corpus, sum(sign) AS n_again
    FROM (
        SELECT agents.agent, host, closed_on, sign
        FROM reclosings CROSS JOIN (SELECT DISTINCT agent FROM agent_groups) AS agents
        WHERE reclosings.agent IN ('*', agents.agent)
    )
    JOIN snapshot_order ON starts_on = closed_on
    JOIN site_groups USING (host)
    GROUP BY ALL
),
summed AS (
    SELECT
        snapshot, agent, stratum, corpus,
        bool_and(is_dated) AS is_dated,
        sum(n) FILTER (level_from <> 'all') AS n_open,
        sum(n) FILTER (level_from <> 'all' AND level_to = 'all') AS n_to,
        sum(n) FILTER (level_from <> 'all' AND level_to = 'all' AND match_to = 'specific') AS n_to_named,
        sum(n) FILTER (level_from = 'all') AS n_shut,
        sum(n) FILTER (level_from = 'all' AND level_to <> 'all') AS n_back,
        sum(n) FILTER (level_from = 'all' AND level_to <> 'all' AND match_from = 'specific') AS n_back_named,
        sum(n) FILTER (level_from = 'all' AND level_to = 'absent') AS n_back_absent,
        sum(days) FILTER (level_from <> 'all') AS days_open,
        sum(days) FILTER (level_from = 'all') AS days_shut,
        sum(w) FILTER (level_from <> 'all') AS w_open,
        sum(w) FILTER (level_from <> 'all' AND level_to = 'all') AS w_to,
        sum(w) FILTER (level_from = 'all') AS w_shut,
        sum(w) FILTER (level_from = 'all' AND level_to <> 'all') AS w_back
    FROM steps GROUP BY ALL
)
SELECT
    snapshot,
    agent,
    stratum,
    corpus,
    coalesce(n_open, 0)::BIGINT AS n_at_risk_open,
    coalesce(n_to, 0)::BIGINT AS n_closed,
    coalesce(n_to_named, 0)::BIGINT AS n_closed_named,
    coalesce(n_again, 0)::BIGINT AS n_reclosed,
    coalesce(n_shut, 0)::BIGINT AS n_at_risk_closed,
    coalesce(n_back, 0)::BIGINT AS n_reopened,
    coalesce(n_back_named, 0)::BIGINT AS n_reopened_named,
    coalesce(n_back_absent, 0)::BIGINT AS n_removed_robots,
    n_closed - n_reopened AS net_closed,
    n_closed / nullif(n_at_risk_open, 0) AS share_closed,
    n_reopened / nullif(n_at_risk_closed, 0) AS share_reopened,
    CASE WHEN is_dated THEN coalesce(days_open, 0)::DOUBLE / 365.25 END AS host_years_open,
    n_closed / nullif(host_years_open, 0) AS closed_per_host_year,
    CASE WHEN is_dated THEN coalesce(days_shut, 0)::DOUBLE / 365.25 END AS host_years_closed,
    n_reopened / nullif(host_years_closed, 0) AS reopened_per_host_year,
    coalesce(w_open, 0)::DOUBLE AS weight_at_risk_open,
    coalesce(w_to, 0)::DOUBLE AS weight_closed,
    coalesce(w_shut, 0)::DOUBLE AS weight_at_risk_closed,
    coalesce(w_back, 0)::DOUBLE AS weight_reopened
FROM summed LEFT JOIN reclosed USING (snapshot, agent, stratum, corpus)
WHERE coalesce(n_open, 0) + coalesce(n_shut, 0) > 0
ORDER BY snapshot, agent, stratum, corpus
