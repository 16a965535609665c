-- Who is shut out by name, and since when?
--
-- snapshot: Common Crawl release
-- starts_on: Day the release began to crawl
-- agent: The eight tracked agents that most hosts of the last snapshot close to by name
-- n_hosts: Hosts captured in the snapshot
-- n_hosts_named: Those whose file names the agent and closes every path to it
-- share_named: n_hosts_named over n_hosts
-- share_wildcard: Share of hosts that close every path to the agent by a group for all
WITH levels AS (
    SELECT * FROM declared_levels JOIN snapshot_order USING (snapshot)
    WHERE stratum = '(all)' AND corpus = 'hosts' AND agent NOT LIKE '(%'
),
top AS (
    SELECT
        agent,
        coalesce(sum(n_hosts_observed) FILTER (level = 'all'), 0) AS n_all,
        coalesce(sum(n_hosts_observed) FILTER (level = 'some'), 0) AS n_some
    FROM (SELECT agent, level, if(group_match = 'specific', n_hosts_observed, 0) AS n_hosts_observed
        FROM levels WHERE is_last)
    GROUP BY agent ORDER BY n_all DESC, n_some DESC, agent LIMIT 8
)
SELECT
    snapshot,
    starts_on,
    agent,
    sum(n_hosts_observed)::BIGINT AS n_hosts,
    coalesce(sum(n_hosts_observed) FILTER (level = 'all' AND group_match = 'specific'), 0)::BIGINT
        AS n_hosts_named,
    n_hosts_named / sum(n_hosts_observed) AS share_named,
    coalesce(sum(n_hosts_observed) FILTER (level = 'all' AND group_match = 'wildcard'), 0)
        / sum(n_hosts_observed) AS share_wildcard
FROM levels JOIN top USING (agent)
WHERE starts_on IS NOT NULL
GROUP BY snapshot, starts_on, agent, n_all, n_some
HAVING sum(n_hosts_observed) > 0
ORDER BY starts_on, snapshot, n_all DESC, n_some DESC, agent
