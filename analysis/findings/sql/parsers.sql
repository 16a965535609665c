-- How much does the number depend on who reads the file?
--
-- snapshot: The last snapshot of the study
-- agent: The eight tracked agents that most of its hosts close to by name
-- reading: The parser; with +longpre2024-rule, the same groups under the rule of Longpre et al. (2024)
-- n_hosts: Hosts captured in the snapshot
-- share: Share of them that close every path to the agent, by name or wildcard
-- difference_points: share less that of the reference reading, in percentage points
-- n_hosts_differ: Hosts whose level for the agent is another than under the reference
WITH top AS (
    SELECT
        agent,
        coalesce(sum(n_hosts_observed) FILTER (level = 'all' AND group_match = 'specific'), 0) AS n_all,
        coalesce(sum(n_hosts_observed) FILTER (level = 'some' AND group_match = 'specific'), 0) AS n_some
    FROM declared_levels JOIN snapshot_order USING (snapshot)
    WHERE is_last AND stratum = '(all)' AND corpus = 'hosts' AND agent NOT LIKE '(%'
    GROUP BY agent ORDER BY n_all DESC, n_some DESC, agent LIMIT 8
)
SELECT
    snapshot,
    agent,
    dialect AS reading,
    n_hosts,
    share_all AS share,
    difference_all_points AS difference_points,
    n_hosts_differ
FROM parser_bounds JOIN snapshot_order USING (snapshot) JOIN top USING (agent)
WHERE is_last AND stratum = '(all)' AND corpus = 'hosts' AND share_all IS NOT NULL
ORDER BY n_all DESC, n_some DESC, agent, reading
