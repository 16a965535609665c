-- Which outcome is known of each host in each snapshot, and how fresh is the observation?
-- One row per dialect, snapshot and host captured so far, whatever was answered; and one of freshness
-- last_file for a host that has ever answered with success, even if it refuses or has none now. Bodies
-- without a reading in the dialect are not known.
--
-- dialect: Named reading of RFC 9309
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- host: Host of the study
-- outcome: Ruleset of its robots.txt, or its access state in brackets: joins to outcome_levels
-- freshness: observed (captured in this very snapshot), within_1y (carried forward for at most 365 days),
--   older (carried forward for longer, or for how long is not known), or last_file
SELECT
    dialects.dialect,
    states.snapshot,
    states.host,
    if(states.access_state = 'rules', readings.ruleset, '(' || states.access_state || ')') AS outcome,
    states.freshness
FROM known_states AS states
CROSS JOIN dialects
LEFT JOIN readings
    ON readings.content_digest = states.content_digest AND readings.dialect = dialects.dialect
WHERE states.access_state <> 'rules' OR readings.ruleset IS NOT NULL
