-- What does a crawler hold that has been at work since a year began, against what one that starts today may
-- fetch? One row per agent, stratum, corpus and start: the first snapshot of each year of the study, and its
-- last snapshot (the newcomer), in the default dialect. Hosts never captured are left out.
-- Open means none, some or absent (nothing declared): it was there for the taking. A host is held when it
-- was open in a snapshot from the start on in which it was captured, or is open by the last that is known of
-- it. Before an agent was listed, the file answered it as it answers any token: by the group that names it,
-- else by *; an incumbent of that time used that answer.
--
-- agent: * (a crawler that no file names), a tracked agent, or a label in brackets: one who must be open to
--   every member (the strictest answer counts)
-- stratum: (all), or a stratum of the study, or (none)
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- snapshot_from: First snapshot in which the incumbent crawled
-- year: Year in its name, else of its start; empty when neither is known
-- is_newcomer: Whether it is the last snapshot of the study, so that nothing is held but what is open now
-- snapshot_now: Last snapshot of the study
-- n_hosts_known: Hosts captured in the study
-- n_hosts_held: Hosts held
-- n_hosts_open_now: Hosts open by the last that is known of them: what a newcomer may fetch
-- n_hosts_held_closed_now: Hosts held that are at level all now
-- n_hosts_held_unreadable_now: Hosts held whose robots.txt cannot be read now, which is neither
-- weight_known: Weight of the hosts captured
-- weight_held: Weight of the hosts held
-- weight_open_now: Weight of the hosts open now
-- weight_held_closed_now: Weight of the hosts held that are at level all now
-- weight_held_unreadable_now: Weight of the hosts held whose robots.txt cannot be read now
-- weight_advantage: weight_held less weight_open_now: what the incumbent has and no newcomer can have
-- share_held: weight_held over weight_known; empty when that is 0
-- share_open_now: weight_open_now over weight_known; empty when that is 0
WITH starts AS (
    SELECT snapshot AS snapshot_from, position AS position_from, year, is_last AS is_newcomer
    FROM snapshot_order
    QUALIFY is_last OR year IS NOT NULL AND row_number() OVER (PARTITION BY year ORDER BY position) = 1
),
start_of AS (
    SELECT snapshot, coalesce(position_from, 0) AS position_from
    FROM snapshot_order ASOF LEFT JOIN starts ON position >= position_from
),
states AS MATERIALIZED (
    SELECT
        outcome, agent,
        CASE WHEN level IN ('none', 'some', 'absent') THEN 'open' WHEN level = 'all' THEN 'closed' ELSE 'unreadable' END
            AS state
    FROM outcome_levels
),
star AS (
    SELECT outcome, state FROM states WHERE agent = '*'
),
own AS MATERIALIZED (
    SELECT states.* FROM states JOIN star USING (outcome) WHERE states.state <> star.state
),
-- Outcomes that are open to the same agents are one, and so are hosts of the same history of them.
alike AS MATERIALIZED (
    SELECT outcome, min(outcome) OVER (PARTITION BY state, agents) AS standing_for
    FROM star LEFT JOIN (SELECT outcome, list(agent ORDER BY agent) AS agents FROM own GROUP BY outcome)
        USING (outcome)
),
met AS (
    SELECT snapshot, host, standing_for, is_observed
    FROM host_snapshots JOIN alike USING (outcome)
    WHERE outcome <> '(not_captured)'
),
observed AS (
    SELECT host, standing_for, max(position_from) AS last_start
    FROM met JOIN start_of USING (snapshot) WHERE is_observed GROUP BY host, standing_for
),
lists AS (
    SELECT host, list((standing_for, last_start) ORDER BY standing_for) AS seen FROM observed GROUP BY host
),
histories AS MATERIALIZED (
    SELECT host, standing_for AS outcome_now, seen, min(host) OVER (PARTITION BY standing_for, seen) AS history
    FROM met LEFT JOIN lists USING (host)
    WHERE snapshot = (SELECT snapshot FROM snapshot_order WHERE is_last)
),
cells AS MATERIALIZED (
    SELECT history, stratum, corpus, count(*) AS n, sum(weight) AS w
    FROM histories JOIN site_groups USING (host) GROUP BY ALL
),
steps AS MATERIALIZED (
    SELECT history, outcome_now, step[1] AS outcome, step[2] AS last_start
    FROM (SELECT history, outcome_now, unnest(seen) AS step FROM histories WHERE host = history)
),
by_star AS MATERIALIZED (
    SELECT history, now.state AS state_now, max(last_start) FILTER (star.state = 'open') AS held_start
    FROM steps JOIN star USING (outcome) JOIN star AS now ON now.outcome = outcome_now
    GROUP BY history, state_now
),
named AS (
    SELECT DISTINCT history, agent FROM steps JOIN own USING (outcome)
),
by_name AS (
    SELECT
        history, named.agent,
        coalesce(own_now.state, now.state) AS state_now,
        max(last_start) FILTER (coalesce(own.state, star.state) = 'open') AS held_start
    FROM named
    JOIN steps USING (history)
    JOIN star USING (outcome)
    JOIN star AS now ON now.outcome = outcome_now
    LEFT JOIN own ON own.outcome = steps.outcome AND own.agent = named.agent
    LEFT JOIN own AS own_now ON own_now.outcome = outcome_now AND own_now.agent = named.agent
    GROUP BY ALL
),
-- As in declared_levels: all agents begin with the histories of *, those that files name are moved.
moves AS (
    SELECT *, true AS is_own FROM by_name
    UNION ALL BY NAME
    SELECT named.agent, by_star.*, false AS is_own FROM named JOIN by_star USING (history)
),
counted AS (
    SELECT agent, star_cells.*
    FROM (
        SELECT stratum, corpus, state_now, held_start, sum(n) AS n, sum(w) AS w
        FROM cells JOIN by_star USING (history) GROUP BY ALL
    ) AS star_cells
    CROSS JOIN (SELECT agent FROM agent_groups UNION SELECT '*')
    UNION ALL BY NAME
    SELECT
        agent, stratum, corpus, state_now, held_start,
        sum(if(is_own, n, -n)) AS n, sum(if(is_own, w, -w)) AS w
    FROM cells JOIN moves USING (history) GROUP BY ALL
),
followed AS (
    SELECT
        counted.*, starts.*,
        state_now = 'open' OR coalesce(held_start >= position_from, false) AS is_held
    FROM counted CROSS JOIN starts
)
SELECT
    agent,
    stratum,
    corpus,
    snapshot_from,
    year,
    is_newcomer,
    (SELECT snapshot FROM snapshot_order WHERE is_last) AS snapshot_now,
    sum(n)::BIGINT AS n_hosts_known,
    sum(if(is_held, n, 0))::BIGINT AS n_hosts_held,
    sum(if(state_now = 'open', n, 0))::BIGINT AS n_hosts_open_now,
    sum(if(is_held AND state_now = 'closed', n, 0))::BIGINT AS n_hosts_held_closed_now,
    sum(if(is_held AND state_now = 'unreadable', n, 0))::BIGINT AS n_hosts_held_unreadable_now,
    sum(w)::DOUBLE AS weight_known,
    sum(if(is_held, w, 0))::DOUBLE AS weight_held,
    sum(if(state_now = 'open', w, 0))::DOUBLE AS weight_open_now,
    sum(if(is_held AND state_now = 'closed', w, 0))::DOUBLE AS weight_held_closed_now,
    sum(if(is_held AND state_now = 'unreadable', w, 0))::DOUBLE AS weight_held_unreadable_now,
    sum(if(is_held AND state_now <> 'open', w, 0))::DOUBLE AS weight_advantage,
    weight_held / nullif(weight_known, 0) AS share_held,
    weight_open_now / nullif(weight_known, 0) AS share_open_now
FROM followed
GROUP BY agent, stratum, corpus, snapshot_from, year, is_newcomer
ORDER BY agent, stratum, corpus, snapshot_from
