-- What level does each ruleset mean for each agent or label while its members come to be listed one by one?
-- As outcome_levels, but a member counts from the day of its first listing on. One row per ruleset of the
-- default dialect, agent or label of which it names a member, and stretch of days with one answer. Before
-- its first row an agent or label has the row of * in outcome_levels, if any member is listed; so has one
-- without a row.
--
-- outcome: Ruleset
-- agent: Agent or label of listed_members
-- listed_from: First day of the stretch: the listing that made the answer what it is
-- listed_until: First day after it; empty when the answer stands
-- level: none, some or all: of the strictest member that is listed
-- group_match: specific, wildcard or none: of the strictest member, specific before wildcard
WITH members AS (
    SELECT DISTINCT agent, lower(member) AS member, listed_on FROM listed_members WHERE listed_on IS NOT NULL
),
graded AS MATERIALIZED (
    SELECT
        ruleset, lower(agent) AS member,
        10 * list_position(['none', 'some', 'all'], restriction)
            + list_position(['none', 'wildcard', 'specific'], group_match) AS grade
    FROM rulesets
    SEMI JOIN (
        SELECT ruleset FROM readings
        WHERE dialect = (SELECT dialect FROM dialects WHERE is_default)
    ) USING (ruleset)
),
named AS MATERIALIZED (
    SELECT ruleset, agent, member, listed_on, grade FROM graded JOIN members USING (member)
),
-- The group of * speaks for a label from the day on which a member is listed that the file does not name.
not_named AS (
    SELECT ruleset, agent, min(members.listed_on) AS listed_on
    FROM (SELECT DISTINCT ruleset, agent FROM named) JOIN members USING (agent)
    ANTI JOIN named USING (ruleset, agent, member)
    GROUP BY ruleset, agent
),
votes AS (
    SELECT ruleset, agent, listed_on, grade FROM named
    UNION ALL
    SELECT not_named.ruleset, agent, listed_on, grade
    FROM not_named JOIN graded ON graded.ruleset = not_named.ruleset AND graded.member = '*'
),
best AS (
    SELECT
        ruleset, agent, listed_on,
        max(max(grade)) OVER (PARTITION BY ruleset, agent ORDER BY listed_on) AS grade
    FROM votes GROUP BY ruleset, agent, listed_on
),
stretches AS (
    SELECT ruleset, agent, grade, min(listed_on) AS listed_from FROM best GROUP BY ruleset, agent, grade
)
SELECT
    ruleset AS outcome,
    agent,
    listed_from,
    lead(listed_from) OVER (PARTITION BY ruleset, agent ORDER BY listed_from) AS listed_until,
    ['none', 'some', 'all'][grade // 10] AS level,
    ['none', 'wildcard', 'specific'][grade % 10] AS group_match
FROM stretches
ORDER BY outcome, agent, listed_from
