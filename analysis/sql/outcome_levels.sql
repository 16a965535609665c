-- What level does each outcome mean for each agent?
-- An outcome is either a ruleset, or an access state in brackets where there is no file to read. One row
-- per outcome for * and for each agent (or label of agent_groups) that the ruleset answers apart from *;
-- an agent without a row gets the row of *.
--
-- outcome: Ruleset; or (empty), (absent), (refused), (server_error), (not_robots), (unresolved_redirect),
--   (not_captured); or (not_read) for a body without a reading in the dialect
-- agent: *, a tracked agent, or a label of agent_groups
-- level: The restriction (none, some, all) where a file declares one or is empty; else the access state
-- group_match: specific, wildcard or none; empty where nothing is declared. For a label: of its strictest
--   member, specific before wildcard
-- restriction: none, some or all by the rules' effect; empty where nothing is declared
-- restriction_longpre2024: The same by the rule of Longpre et al. (2024)
-- crawl_delay: Crawl-delay in seconds; empty when none is stated. For a label: the longest of its members
WITH asked AS (
    SELECT agent, lower(member) AS member, count(*) OVER (PARTITION BY agent) AS n_members FROM agent_groups
),
named AS (
    SELECT asked.agent, n_members, rulesets.* EXCLUDE (agent)
    FROM rulesets JOIN asked ON lower(rulesets.agent) = asked.member
),
star AS (
    SELECT * FROM rulesets WHERE agent = '*'
),
partly_named AS (
    SELECT ruleset, agent FROM named GROUP BY ruleset, agent HAVING count(*) < any_value(n_members)
),
votes AS (
    SELECT * EXCLUDE (n_members) FROM named
    UNION ALL BY NAME
    SELECT partly_named.agent, star.* EXCLUDE (agent) FROM partly_named JOIN star USING (ruleset)
    UNION ALL BY NAME
    SELECT * FROM star
),
ranked AS (
    SELECT
        *,
        list_position(['none', 'some', 'all'], restriction) AS strictness,
        list_position(['none', 'some', 'all'], restriction_longpre2024) AS strictness_longpre2024,
        list_position(['none', 'wildcard', 'specific'], group_match) AS nearness
    FROM votes
)
SELECT
    ruleset AS outcome,
    agent,
    max_by(restriction, strictness) AS level,
    max_by(group_match, 10 * strictness + nearness) AS group_match,
    max_by(restriction, strictness) AS restriction,
    max_by(restriction_longpre2024, strictness_longpre2024) AS restriction_longpre2024,
    max(crawl_delay) AS crawl_delay
FROM ranked
GROUP BY ruleset, agent
UNION ALL
SELECT '(empty)', '*', 'none', 'none', 'none', 'none', NULL
UNION ALL
SELECT '(' || state || ')', '*', state, NULL, NULL, NULL, NULL
FROM unnest([
    'absent', 'refused', 'server_error', 'not_robots', 'unresolved_redirect', 'not_captured', 'not_read'
]) AS states (state)
ORDER BY outcome, agent
