-- Which outcome does each host have in each snapshot, in each dialect? Joins to outcome_levels.
-- One row per host, snapshot and dialect; nothing here depends on the agent.
--
-- dialect: Named reading of RFC 9309
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- host: Host of the study
-- outcome: Ruleset of its robots.txt, or its access state in brackets, or (not_read)
-- is_observed: Whether the host was captured in this very snapshot
-- is_carried: Whether the observation comes from an earlier snapshot
SELECT
    dialects.dialect,
    known.snapshot,
    known.host,
    CASE
        WHEN known.access_state = 'rules' THEN coalesce(readings.ruleset, '(not_read)')
        ELSE '(' || known.access_state || ')'
    END AS outcome,
    known.is_observed,
    known.is_carried
FROM host_snapshots AS known
CROSS JOIN dialects
LEFT JOIN readings
    ON readings.content_digest = known.content_digest AND readings.dialect = dialects.dialect
