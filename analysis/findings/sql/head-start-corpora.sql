-- How much weight was open to an agent when it appeared, and is closed now?
--
-- agent: Tracked agent that was first listed within the study
-- corpus: Weight of the hosts; in hosts, each weighs one
-- snapshot_listed: Last snapshot that began on or before the day of its first listing
-- snapshot_now: Last snapshot of the study
-- n_hosts_open: Hosts with a weight in the corpus that were open to it then
-- n_hosts_closed_since: Those of them that close every path to it now
-- share_closed_since: Share of the weight open then that is closed now
SELECT
    agent,
    coalesce(title, corpus) AS corpus,
    snapshot_listed,
    snapshot_now,
    n_hosts_open,
    n_hosts_closed_since,
    share_closed_since
FROM head_start JOIN corpora USING (corpus)
WHERE stratum = '(all)' AND share_closed_since IS NOT NULL
    AND EXISTS (SELECT 1 FROM corpora WHERE corpus <> 'hosts')
ORDER BY max(share_closed_since) OVER (PARTITION BY agent) DESC, agent, corpora.corpus = 'hosts', corpora.corpus
LIMIT 60
