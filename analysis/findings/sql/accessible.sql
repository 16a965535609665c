-- How many of their own pages may an agent fetch where robots.txt closes some?
--
-- snapshot: The last snapshot of which pages were drawn
-- agent: The twelve agents and labels to which the least is accessible
-- n_hosts: Hosts captured in the snapshot
-- n_hosts_some: Hosts that close some paths to the agent
-- n_hosts_some_sampled: Those of them of which pages were drawn
-- share_none: Share of hosts that close nothing
-- share_some: Share that close some paths
-- share_all: Share that close every path
-- share_accessible: Mean share of the hosts' own pages that the agent may fetch
-- share_accessible_low: The same if nothing could be fetched of hosts where it is not known
-- share_accessible_high: The same if everything could
-- share_some_mean: Mean share of pages accessible on the hosts that close some paths
-- share_some_ever: The same over the pages of all releases of which pages were drawn
WITH drawn AS (
    SELECT * FROM accessible_levels
    WHERE stratum = '(all)' AND corpus = 'hosts' AND share_accessible IS NOT NULL
)
SELECT
    snapshot,
    agent,
    n_hosts,
    n_hosts_some,
    n_hosts_some_sampled,
    share_none,
    share_some,
    share_all,
    share_accessible,
    share_accessible_low,
    share_accessible_high,
    some_mean AS share_some_mean,
    some_ever_mean AS share_some_ever
FROM drawn
WHERE snapshot = (SELECT max(snapshot) FROM drawn WHERE n_hosts_sampled > 0)
ORDER BY share_accessible, agent
LIMIT 12
