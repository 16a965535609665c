-- From which day is each agent's exposure counted?
-- One row per agent whose clock starts within the study. Before an agent was first listed nobody could
-- close to it by name, so its clock starts on that day; where the listing lies before the study, or is not
-- dated, it starts with the first snapshot.
--
-- agent: Tracked agent, or a label in brackets that stands for several: of these the earliest counts
-- origin_on: Day 0 of the agent's clock
-- origin_basis: first_listed, or first_snapshot
WITH study AS (
    SELECT min(starts_on) AS first_on, max(starts_on) AS last_on FROM snapshot_order
),
listed AS (
    SELECT
        groups.agent,
        -- A member without a date may be older than all that have one.
        CASE WHEN bool_and(dated.listed_on IS NOT NULL) THEN min(dated.listed_on) END AS listed_on
    FROM agent_groups AS groups
    LEFT JOIN (
        SELECT
            lower(agent) AS member,
            coalesce(try_cast(first_listed AS DATE), try_cast(first_listed || '-01-01' AS DATE)) AS listed_on
        FROM agents
    ) AS dated ON dated.member = lower(groups.member)
    GROUP BY groups.agent
)
SELECT
    agent,
    if(listed_on >= first_on, listed_on, first_on) AS origin_on,
    if(listed_on >= first_on, 'first_listed', 'first_snapshot') AS origin_basis
FROM listed CROSS JOIN study
WHERE origin_on <= last_on
ORDER BY agent
