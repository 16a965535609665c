-- Are files that a provider wrote more closed than those written by hand?
--
-- snapshot: The last snapshot of the study
-- category: Who wrote robots.txt: a provider in front of the site, a site builder, the default of a system on the
--   site's own server, or nobody known, which is by hand as far as can be told
-- agent: Who is asked: a label in brackets stands for several, the strictest answer to those listed by then
-- n_agents: Agents of the label that were listed by the start of the snapshot
-- n_hosts: Hosts of the category that are known: captured in the snapshot, or in an earlier one
-- n_hosts_closed: Those that close every path
-- share_named: Share of n_hosts that do so by a group that names an agent
-- share_wildcard: Share that do so by the group for all
-- share_closed: n_hosts_closed over n_hosts
SELECT
    snapshot,
    CASE category
        WHEN 'edge' THEN 'provider in front'
        WHEN 'site_builder' THEN 'site builder'
        WHEN 'cms' THEN 'default of a system'
        WHEN 'unsigned' THEN 'nobody known'
        WHEN 'empty' THEN 'empty file'
        WHEN 'absent' THEN 'no file'
        ELSE category
    END AS category,
    agent,
    n_agents,
    n_hosts_known AS n_hosts,
    n_hosts_all AS n_hosts_closed,
    n_hosts_all_named / n_hosts_known AS share_named,
    n_hosts_all_wildcard / n_hosts_known AS share_wildcard,
    n_hosts_all / n_hosts_known AS share_closed
FROM level_breakdowns JOIN snapshot_order USING (snapshot)
WHERE is_last AND dimension = 'management' AND corpus = 'hosts' AND n_hosts_known > 0
    AND agent = '(any AI)'
ORDER BY n_hosts_known DESC, level_breakdowns.category
LIMIT 24
