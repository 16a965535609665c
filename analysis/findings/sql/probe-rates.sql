-- How sure is the probe?
--
-- run: The last run of the probe
-- rate: What is counted, in words
-- arm: The identity that asked
-- n: How many
-- n_of: Of how many
-- share: n over n_of
-- share_low: Lower end of its 95 % interval; empty where the domains are too few
-- share_high: Upper end
WITH last AS (
    SELECT run FROM observations GROUP BY run ORDER BY max(started_at) DESC, run DESC LIMIT 1
)
SELECT
    run,
    CASE rate
        WHEN 'aa_blocks' THEN 'blocks in which the two honest arms differ'
        WHEN 'aa_verdicts' THEN 'hosts said to block the second honest arm'
        WHEN 'screen_false_negatives' THEN 'hosts that block though the screen did not see it'
        WHEN 'undeclared' THEN 'hosts that block without saying so'
        ELSE rate
    END AS rate,
    identity AS arm,
    n,
    n_of,
    share,
    share_low,
    share_high
FROM probe_rates JOIN last USING (run)
WHERE NOT starts_with(probe_rates.rate, 'verdict_')
ORDER BY probe_rates.rate, arm
