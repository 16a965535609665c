-- Which agents lose most of each corpus?
--
-- snapshot: The last snapshot of the study
-- agent: The twelve tracked agents that lose most of the first corpus
-- corpus: Weight of the hosts; in hosts, each weighs one
-- share: Design-based estimate of the share of its weight that is closed to the agent, what is known carried
-- share_low: Lower end of a 95 % interval by registrable domain, wide where few domains tell
-- share_high: Upper end of it
-- n_hosts: Hosts counted
-- n_hosts_restricted: Those closed to the agent
-- kish_n: How many hosts of equal weight would be as sure (Kish)
WITH estimated AS (
    SELECT snapshot, agent, corpus, corpus = 'hosts' AS is_hosts, coalesce(title, corpus) AS name, share, share_low,
        share_high, n_hosts, n_hosts_restricted, kish_n
    FROM level_estimates JOIN snapshot_order USING (snapshot) JOIN corpora USING (corpus)
    WHERE is_last AND estimator = 'design' AND part = 'whole' AND basis = 'carried' AND measure = 'all'
        AND share IS NOT NULL AND agent NOT LIKE '(%'
),
top AS (
    SELECT agent, share AS most FROM estimated
    WHERE corpus = (SELECT corpus FROM estimated ORDER BY is_hosts, corpus LIMIT 1)
    ORDER BY share DESC, agent LIMIT 12
)
SELECT snapshot, agent, name AS corpus, share, share_low, share_high, n_hosts, n_hosts_restricted, kish_n
FROM estimated JOIN top USING (agent)
ORDER BY most DESC, agent, is_hosts, estimated.corpus
