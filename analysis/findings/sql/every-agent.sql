-- How does every tracked agent fare, by name and by wildcard?
--
-- snapshot: Common Crawl release
-- starts_on: Day the release began to crawl
-- agent: Tracked agent, those that most hosts of the last snapshot close to by name first
-- n_hosts: Hosts captured in the snapshot
-- share_named: Share whose file names the agent and closes every path to it
-- share_wildcard: Share that close every path to it by a group for all
-- share_in_part: Share whose file names the agent and closes some paths to it
WITH levels AS (
    SELECT * FROM declared_levels JOIN snapshot_order USING (snapshot)
    WHERE stratum = '(all)' AND corpus = 'hosts' AND agent NOT LIKE '(%'
),
ranked AS (
    SELECT
        agent,
        coalesce(sum(n_hosts_observed) FILTER (level = 'all' AND group_match = 'specific'), 0) AS n_all,
        coalesce(sum(n_hosts_observed) FILTER (level = 'some' AND group_match = 'specific'), 0) AS n_some
    FROM levels WHERE is_last GROUP BY agent
)
SELECT
    snapshot,
    starts_on,
    agent,
    sum(n_hosts_observed)::BIGINT AS n_hosts,
    coalesce(sum(n_hosts_observed) FILTER (level = 'all' AND group_match = 'specific'), 0)
        / sum(n_hosts_observed) AS share_named,
    coalesce(sum(n_hosts_observed) FILTER (level = 'all' AND group_match = 'wildcard'), 0)
        / sum(n_hosts_observed) AS share_wildcard,
    coalesce(sum(n_hosts_observed) FILTER (level = 'some' AND group_match = 'specific'), 0)
        / sum(n_hosts_observed) AS share_in_part
FROM levels JOIN ranked USING (agent)
WHERE starts_on IS NOT NULL
GROUP BY snapshot, starts_on, agent, n_all, n_some
HAVING sum(n_hosts_observed) > 0
ORDER BY n_all DESC, n_some DESC, agent, starts_on, snapshot
