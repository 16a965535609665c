-- Whose answers does a breakdown count for an agent or a label, and from which day on?
-- One row per agent or label and member: the agents and labels of agent_groups, one label per operator, and
-- labels that tell what is fetched for models from what is not.
--
-- agent: Tracked agent, or a label in brackets that stands for several, or (any of OPERATOR)
-- kind: agent, purpose, operator or study (the agents that Longpre et al. (2024) combined)
-- category: What the label stands for: the purpose, the operator or the study; for an agent itself
-- member: Agent whose answer counts
-- listed_on: Day of its first public listing; the first of January where only the year is known; empty
--   when no date is known, and then it never counts
WITH tracked AS (
    -- Search engines of long standing are there to compare with; the registry has no purpose of their own.
    SELECT
        agent, operator, purpose,
        agent IN ('Googlebot', 'bingbot', 'Applebot', 'PetalBot', 'Bravebot') AS is_search_engine
    FROM agents WHERE is_tracked
),
labelled AS (
    SELECT
        agent,
        CASE WHEN agent = '(study combined)' THEN 'study' WHEN agent LIKE '(any %' THEN 'purpose' ELSE 'agent' END
            AS kind,
        CASE kind WHEN 'study' THEN 'study' WHEN 'purpose' THEN agent[6:-2] ELSE agent END AS category,
        member
    FROM agent_groups
    UNION ALL
    SELECT '(any of ' || operator || ')', 'operator', operator, agent FROM tracked WHERE operator IS NOT NULL
    UNION ALL
    SELECT '(any AI)', 'purpose', 'AI', agent FROM tracked
    WHERE purpose IN ('training', 'search', 'user', 'agent', 'data') AND NOT is_search_engine
    UNION ALL
    SELECT '(any AI search)', 'purpose', 'AI search', agent FROM tracked
    WHERE purpose = 'search' AND NOT is_search_engine
    UNION ALL
    SELECT '(any search engine)', 'purpose', 'search engine', agent FROM tracked WHERE is_search_engine
)
SELECT
    labelled.*,
    coalesce(try_cast(first_listed AS DATE), try_cast(first_listed || '-01-01' AS DATE)) AS listed_on
FROM labelled
LEFT JOIN agents ON lower(agents.agent) = lower(labelled.member)
