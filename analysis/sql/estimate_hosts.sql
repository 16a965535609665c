-- In which part of each corpus does each source stand, and with what weight?
-- One row per source of the site list and corpus it has a weight in, and one per web host for the corpus
-- hosts.
--
-- host: Source of the site list
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- part: head (taken for certain), sample (drawn at random for the rest of the corpus; only where the total
--   of the corpus is stated), or listed (listed for another reason: it stands for itself)
-- domain: Its registrable domain; the host where it has none
-- domain_place: Place of the domain among those of the part, from 0
-- is_domain: Whether the source is a web host; others have no robots.txt
-- weight: Weight in the corpus, to twelve decimals
-- ticks: The weight as a whole number, where the part has 2^44: sums of ticks are exact in any order
-- unit: What is drawn anew as one in the bootstrap, from 0: the domain; in a part of more than 20,000
--   domains one of 2,000 random groups of domains
WITH weights AS (
    SELECT host, 'hosts' AS corpus, 1 AS weight, NULL AS is_head FROM sites WHERE is_domain
    UNION ALL
    SELECT host, corpus, weight, is_head FROM site_weights WHERE corpus <> 'hosts' AND isfinite(weight)
),
placed AS (
    SELECT
        host,
        corpus,
        CASE
            WHEN is_head THEN 'head'
            WHEN stratum = sample_stratum AND total_weight IS NOT NULL THEN 'sample'
            ELSE 'listed'
        END AS part,
        coalesce(registered_domain, host) AS domain,
        is_domain,
        weight::DECIMAL(38, 12) AS weight
    FROM weights JOIN sites USING (host) LEFT JOIN corpora USING (corpus)
),
ranked AS (
    SELECT *, dense_rank() OVER (PARTITION BY corpus, part ORDER BY domain) - 1 AS domain_place FROM placed
)
SELECT
    host,
    corpus,
    part,
    domain,
    domain_place,
    is_domain,
    weight,
    coalesce(
        round(weight::DOUBLE / nullif(sum(weight) OVER whole, 0)::DOUBLE * 2 ** 44), 0
    )::BIGINT AS ticks,
    -- Wolter's random groups: their totals vary as those of domains do, and there are few of them.
    if(max(domain_place) OVER whole >= 20000, md5_number_lower(domain) % 2000, domain_place)::BIGINT AS unit
FROM ranked
WINDOW whole AS (PARTITION BY corpus, part)
ORDER BY corpus, part, host
