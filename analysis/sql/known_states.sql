-- Which answer is known of each host in each snapshot, and how fresh is the observation?
-- One row per snapshot and host captured so far, whatever was answered; and one of freshness last_file for a
-- host that has ever answered with success, even if it refuses or has none now.
--
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- host: Host of the study
-- access_state: Access state of the answer
-- content_digest: Digest of the body answered; empty when there is none
-- freshness: observed (captured in this very snapshot), within_1y (carried forward for at most 365 days),
--   older (carried forward for longer, or for how long is not known), or last_file
WITH served AS (
    SELECT answers.host, snapshot_order.position, answers.access_state, answers.content_digest
    FROM answers JOIN snapshot_order USING (snapshot)
    WHERE answers.access_state IN ('rules', 'empty', 'not_robots')
),
grid AS (
    SELECT snapshot, position, host FROM host_snapshots WHERE access_state <> 'not_captured'
)
SELECT
    snapshot, host, access_state, content_digest,
    CASE WHEN is_observed THEN 'observed' WHEN age_days <= 365 THEN 'within_1y' ELSE 'older' END
        AS freshness
FROM host_snapshots WHERE access_state <> 'not_captured'
UNION ALL
SELECT grid.snapshot, grid.host, served.access_state, served.content_digest, 'last_file'
FROM grid ASOF JOIN served ON served.host = grid.host AND served.position <= grid.position
