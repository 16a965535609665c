-- How many hosts close, and how many open again?
--
-- snapshot: Common Crawl release
-- starts_on: Day the release began to crawl
-- agent: Any agent that the 2024 study combined
-- n_at_risk_open: Hosts seen in the snapshot that were open when last seen before
-- n_closed: Those of them that are closed now
-- n_at_risk_closed: Hosts seen in the snapshot that were closed when last seen before
-- n_reopened: Those of them that are open now
-- n_removed_robots: Those of n_reopened that have no robots.txt now
-- share_closed: n_closed over n_at_risk_open
-- share_reopened: n_reopened over n_at_risk_closed
SELECT
    snapshot,
    starts_on,
    agent,
    n_at_risk_open,
    n_closed,
    n_at_risk_closed,
    n_reopened,
    n_removed_robots,
    share_closed,
    share_reopened
FROM churn JOIN snapshot_order USING (snapshot)
WHERE agent = '(study combined)' AND stratum = '(all)' AND corpus = 'hosts' AND starts_on IS NOT NULL
ORDER BY starts_on, snapshot
