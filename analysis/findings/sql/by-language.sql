-- In which languages are AI agents closed out?
--
-- snapshot: The last snapshot of the study
-- category: Main language where the top-level domain is in use; (generic) for domains of no country
--   (categories with at least a two-hundredth of the hosts of the largest)
-- agent: Who is asked: a label in brackets stands for several, the strictest answer to those listed by then
-- n_agents: Agents of the label that were listed by the start of the snapshot
-- n_hosts: Hosts of the category that are known: captured in the snapshot, or in an earlier one
-- n_hosts_closed: Those that close every path
-- share_named: Share of n_hosts that do so by a group that names an agent
-- share_wildcard: Share that do so by the group for all
-- share_closed: n_hosts_closed over n_hosts
SELECT
    snapshot,
    category,
    agent,
    n_agents,
    n_hosts_known AS n_hosts,
    n_hosts_all AS n_hosts_closed,
    n_hosts_all_named / n_hosts_known AS share_named,
    n_hosts_all_wildcard / n_hosts_known AS share_wildcard,
    n_hosts_all / n_hosts_known AS share_closed
FROM level_breakdowns JOIN snapshot_order USING (snapshot)
WHERE is_last AND dimension = 'language_region' AND corpus = 'hosts' AND n_hosts_known > 0
    AND agent = '(any AI)'
QUALIFY n_hosts_known * 200 >= max(n_hosts_known) OVER ()
ORDER BY n_hosts_known DESC, category
LIMIT 24
