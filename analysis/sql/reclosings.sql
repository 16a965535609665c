-- Which hosts closed again after they had been open again?
-- One row per host, agent and observation that finds the host at level all after one that found it open,
-- where a still earlier one had found it at level all; in the default dialect, over outcome_runs. An agent's
-- number is the sum of sign over its own rows and those of *: all agents begin with what * says, and those
-- that a file of the host answers apart are moved.
--
-- agent: *, or a tracked agent or label that a file of the host answers apart
-- host: Host of the study
-- closed_on: Start of the snapshot in which it was found closed again
-- sign: 1, or -1 where a row of * does not hold for the agent
WITH named AS (
    SELECT DISTINCT host, agent FROM outcome_runs JOIN outcome_levels USING (outcome) WHERE agent <> '*'
),
histories AS (
    SELECT '*' AS agent, host, run, first_on, level = 'all' AS is_closed
    FROM outcome_runs JOIN outcome_levels USING (outcome) WHERE agent = '*'
    UNION ALL
    SELECT named.agent, host, run, first_on, coalesce(own.level, star.level) = 'all'
    FROM outcome_runs AS runs JOIN named USING (host)
    JOIN outcome_levels AS star ON star.outcome = runs.outcome AND star.agent = '*'
    LEFT JOIN outcome_levels AS own ON own.outcome = runs.outcome AND own.agent = named.agent
),
followed AS (
    SELECT
        *,
        lag(is_closed) OVER so_far AS was_closed,
        count(*) FILTER (is_closed) OVER so_far AS n_closed_runs
    FROM histories WINDOW so_far AS (PARTITION BY agent, host ORDER BY run)
),
closings AS MATERIALIZED (
    SELECT agent, host, first_on AS closed_on
    FROM followed WHERE is_closed AND NOT was_closed AND n_closed_runs >= 2
)
SELECT agent, host, closed_on, 1 AS sign FROM closings
UNION ALL
SELECT named.agent, host, closed_on, -1 FROM closings JOIN named USING (host) WHERE closings.agent = '*'
ORDER BY agent, host, closed_on, sign
