-- Who turns agents away whatever robots.txt says?
--
-- run: The last run of the probe
-- agent: Agent whose token the requests bore
-- declared: What robots.txt says to it
-- verdict: What was observed
-- seen: The verdict in words, as drawn
-- is_undeclared: Whether it is a block that robots.txt does not declare
-- n_hosts: Hosts
-- share: n_hosts over all hosts asked with the token
-- n_hosts_asked: Hosts asked in the run, canaries apart
-- n_requests: Requests of the run
-- n_blocks: Most blocks of requests to one host
-- criteria_version: Version of the criteria that the verdicts rest on
WITH last AS (
    SELECT
        run,
        count(DISTINCT host) FILTER (identity <> 'canary') AS n_hosts_asked,
        count(*) AS n_requests,
        count(DISTINCT block) AS n_blocks
    FROM observations GROUP BY run ORDER BY max(started_at) DESC, run DESC LIMIT 1
)
SELECT
    run,
    agent,
    declared,
    verdict,
    CASE
        WHEN verdict IN ('open', 'reverse') THEN 'open'
        WHEN verdict = 'blocks_token' THEN 'blocks the token'
        WHEN verdict = 'blocks_botlike' THEN 'blocks any word ending in bot'
        WHEN verdict = 'blocks_nonbrowser' THEN 'lets only browsers pass'
        WHEN verdict = 'payment' THEN 'asks a price'
        WHEN verdict LIKE 'robots_%' THEN 'robots.txt selective or unreadable'
        ELSE 'not told'
    END AS seen,
    is_undeclared,
    n_hosts,
    n_hosts / sum(n_hosts) OVER (PARTITION BY agent) AS share,
    n_hosts_asked,
    n_requests,
    n_blocks,
    (SELECT max(criteria_version) FROM criteria) AS criteria_version
FROM declared_vs_observed JOIN last USING (run)
WHERE stratum = '(all)' AND corpus = 'hosts' AND identity LIKE 'token:%'
ORDER BY agent, declared, n_hosts DESC, verdict
