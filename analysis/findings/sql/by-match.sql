-- Is a host that names an agent closed to it?
--
-- snapshot: The last snapshot of the study
-- agent: The ten tracked agents that most hosts name
-- spoken_to_by: Group that speaks to the agent: one that names it, or the group for all
-- n_hosts: Hosts at which it does: captured in the snapshot, or in an earlier one
-- n_hosts_closed: Those that close every path to the agent
-- share_closed: n_hosts_closed over n_hosts
WITH latest AS (
    SELECT * FROM level_breakdowns JOIN snapshot_order USING (snapshot)
    WHERE is_last AND dimension = 'group_match' AND corpus = 'hosts' AND n_hosts_known > 0
        AND agent IN (SELECT agent FROM agents WHERE is_tracked)
),
top AS (
    SELECT agent, n_hosts_known AS n_naming FROM latest WHERE category = 'specific'
    ORDER BY n_naming DESC, agent LIMIT 10
)
SELECT
    snapshot,
    agent,
    if(category = 'specific', 'named', 'group for all') AS spoken_to_by,
    n_hosts_known AS n_hosts,
    n_hosts_all AS n_hosts_closed,
    n_hosts_all / n_hosts_known AS share_closed
FROM latest JOIN top USING (agent)
WHERE category IN ('specific', 'wildcard')
ORDER BY n_naming DESC, agent, category
