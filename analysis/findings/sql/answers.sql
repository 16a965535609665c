-- How is robots.txt itself answered?
--
-- snapshot: Common Crawl release
-- starts_on: Day the release began to crawl
-- access_state: How the request for robots.txt was answered, at the end of at most five redirects
-- n_hosts: Hosts answered so
-- n_hosts_captured: Hosts captured in the snapshot
-- share: n_hosts over n_hosts_captured
SELECT
    snapshot,
    starts_on,
    access_state,
    sum(n_hosts)::BIGINT AS n_hosts,
    any_value(n_hosts_observed) AS n_hosts_captured,
    sum(n_hosts) / any_value(n_hosts_observed) AS share
FROM refusals_over_time JOIN snapshot_order USING (snapshot)
WHERE stratum = '(all)' AND access_state <> 'not_captured' AND starts_on IS NOT NULL
GROUP BY snapshot, starts_on, access_state
ORDER BY starts_on, snapshot, 4 DESC, access_state
