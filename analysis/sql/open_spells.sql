-- From when to when was each host open to each agent?
-- One row per agent and host that was observed open (none, some, absent or empty) on or after the day on
-- which the agent's clock starts, in the default dialect: its first such spell. Filter on the agent.
--
-- agent: Tracked agent, or a label in brackets that stands for several (the strictest answer counts)
-- host: Host of the study
-- origin_on: Day 0 of the agent's clock
-- entered_on: Start of the first snapshot, on or after that day, in which the host was observed open
-- last_open_on: Start of the last snapshot of the spell in which it was
-- closed_on: Start of the first snapshot after it in which the host was observed at level all; empty when
--   it never was: then the spell is censored at last_open_on. The change itself fell between the two.
WITH levels AS (
    SELECT
        clocks.agent, runs.host, clocks.origin_on, runs.first_on, runs.last_on,
        coalesce(own.level, star.level) = 'all' AS is_closed
    FROM survival_origins AS clocks
    JOIN outcome_runs AS runs ON runs.first_on >= clocks.origin_on
    JOIN outcome_levels AS star ON star.outcome = runs.outcome AND star.agent = '*'
    LEFT JOIN outcome_levels AS own ON own.outcome = runs.outcome AND own.agent = clocks.agent
),
entered AS (
    SELECT *, min(first_on) FILTER (NOT is_closed) OVER (PARTITION BY agent, host) AS entered_on
    FROM levels
),
closed AS (
    SELECT
        *,
        min(first_on) FILTER (is_closed AND first_on > entered_on) OVER (PARTITION BY agent, host) AS closed_on
    FROM entered WHERE entered_on IS NOT NULL
)
SELECT
    agent,
    host,
    any_value(origin_on) AS origin_on,
    any_value(entered_on) AS entered_on,
    max(last_on) FILTER (NOT is_closed AND (closed_on IS NULL OR last_on < closed_on)) AS last_open_on,
    any_value(closed_on) AS closed_on
FROM closed
GROUP BY agent, host
