-- What could an agent read when it appeared that is closed to it now?
--
-- agent: Tracked agent that was first listed within the study, the largest share closed first
-- first_listed_on: Day of the first public listing
-- snapshot_listed: Last snapshot that began on or before that day
-- snapshot_now: Last snapshot of the study
-- n_hosts_open: Hosts open to the agent in snapshot_listed: observed then, or last seen before
-- n_hosts_closed_since: Those of them that close every path to it in snapshot_now
-- n_hosts_closed_by_name: Those of them whose file names the agent
-- share_closed_since: n_hosts_closed_since over n_hosts_open
SELECT
    agent,
    first_listed_on,
    snapshot_listed,
    snapshot_now,
    n_hosts_open,
    n_hosts_closed_since,
    n_hosts_closed_by_name,
    share_closed_since
FROM head_start
WHERE stratum = '(all)' AND corpus = 'hosts' AND n_hosts_open > 0
ORDER BY share_closed_since DESC, agent
