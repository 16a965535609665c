-- What does a crawler hold that began years ago, and what may one fetch that begins today?
--
-- corpus: Weight of the hosts; in hosts, each weighs one
-- snapshot_from: First snapshot in which the crawler was at work
-- starts_on: Day it began
-- snapshot_now: Last snapshot of the study
-- n_hosts_known: Hosts captured in the study
-- n_hosts_held: Hosts that were open to any agent that the 2024 study combined since then
-- n_hosts_open_now: Hosts that are open to it now
-- share_held: Share of the weight of the hosts captured that the crawler holds
-- share_open_now: Share that is open now: what a newcomer may fetch
-- share_advantage: share_held less share_open_now
SELECT
    coalesce(title, corpus) AS corpus,
    snapshot_from,
    starts_on,
    snapshot_now,
    n_hosts_known,
    n_hosts_held,
    n_hosts_open_now,
    share_held,
    share_open_now,
    share_held - share_open_now AS share_advantage
FROM incumbent_corpus
JOIN snapshot_order ON snapshot_order.snapshot = snapshot_from
JOIN corpora USING (corpus)
WHERE agent = '(study combined)' AND stratum = '(all)' AND share_held IS NOT NULL AND starts_on IS NOT NULL
QUALIFY count(*) OVER (PARTITION BY corpora.corpus) > 1
ORDER BY corpora.corpus = 'hosts', corpora.corpus, starts_on, snapshot_from
