-- Which outcomes close a host, to every agent and to some apart?
-- The rows of * say which outcomes are closed to an agent that no group names; those of an agent what is
-- to be added for it. So the closed weight of an agent is the sum over the rows of * and its own.
--
-- outcome: Outcome of a host, as in outcome_levels
-- agent: *, a tracked agent, or a label of agent_groups
-- measure: all (every path is closed) or some_or_all (at least some are)
-- step: 1 where the outcome is closed to *, or to the agent and not to *; -1 where it is closed to * and
--   not to the agent
WITH measures AS (
    SELECT measure, unnest(levels) AS level
    FROM (VALUES ('all', ['all']), ('some_or_all', ['some', 'all'])) AS v (measure, levels)
),
closed AS (
    SELECT outcome, agent, level, measures.measure IS NOT NULL AS is_closed, kinds.measure
    FROM outcome_levels
    CROSS JOIN (SELECT DISTINCT measure FROM measures) AS kinds
    LEFT JOIN measures USING (measure, level)
)
SELECT
    own.outcome,
    own.agent,
    own.measure,
    own.is_closed::INTEGER - (own.agent <> '*' AND star.is_closed)::INTEGER AS step
FROM closed AS own
JOIN closed AS star ON star.outcome = own.outcome AND star.measure = own.measure AND star.agent = '*'
WHERE step <> 0
