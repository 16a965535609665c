-- What became of the hosts that were open at first?
--
-- snapshot_from: The first snapshot of the study
-- snapshot_to: The last
-- agent: The eight tracked agents that most hosts of the last snapshot close to by name
-- became: What the host is to the agent in the last snapshot
-- n_hosts: Hosts captured in both that were open to the agent in the first: nothing restricted,
--   restricted in part, or no file
-- share: n_hosts over all hosts that were open to the agent in the first
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
    snapshot_from,
    snapshot_to,
    agent,
    CASE
        WHEN level_to = 'none' THEN 'nothing restricted'
        WHEN level_to = 'absent' THEN 'no file'
        WHEN level_to = 'some' THEN 'restricted in part'
        WHEN level_to = 'all' AND group_match_to = 'specific' THEN 'in full, by name'
        WHEN level_to = 'all' THEN 'in full, by wildcard'
        ELSE 'refused or unreadable'
    END AS became,
    sum(n_hosts_observed)::BIGINT AS n_hosts,
    n_hosts / sum(n_hosts) OVER (PARTITION BY agent) AS share
FROM endpoint_comparison JOIN top USING (agent)
WHERE is_endpoints AND stratum = '(all)' AND corpus = 'hosts'
    AND n_hosts_observed > 0 AND level_from IN ('none', 'some', 'absent')
GROUP BY snapshot_from, snapshot_to, agent, n_all, n_some, became
ORDER BY n_all DESC, n_some DESC, agent, became
