-- Which hosts are counted together, and what does each weigh?
-- One row per web host, stratum it counts in and corpus it has a weight in. Weights are exact decimals, so
-- that sums do not depend on the order in which they are made.
--
-- host: Authority that a robots.txt governs
-- stratum: (all), and, when the study has strata, the host's stratum, or (none) for a host without one
-- corpus: hosts, where each host weighs 1, and every corpus of site_weights
-- weight: Weight of the host in that corpus, to twelve decimals
WITH hosts AS (
    SELECT host, stratum FROM sites WHERE is_domain
),
strata AS (
    SELECT host, '(all)' AS stratum FROM hosts
    UNION ALL
    SELECT host, coalesce(stratum, '(none)') FROM hosts
    WHERE EXISTS (SELECT 1 FROM hosts WHERE stratum IS NOT NULL)
),
weights AS (
    SELECT host, 'hosts' AS corpus, 1 AS weight FROM hosts
    UNION ALL
    SELECT host, corpus, weight FROM site_weights WHERE corpus <> 'hosts' AND isfinite(weight)
)
SELECT host, stratum, corpus, weight::DECIMAL(38, 12) AS weight
FROM strata JOIN weights USING (host)
