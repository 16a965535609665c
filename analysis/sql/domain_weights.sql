-- What does each registrable domain weigh at the two ends of the study, known and listed?
-- One row per first or last snapshot, basis, corpus and domain of a source; the parts side by side.
--
-- snapshot: First or last snapshot of the study
-- basis: observed or carried, as in observation_bases
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- domain: Registrable domain; the host where it has none
-- n_sources: Sources listed that belong to it
-- source_head: Weight of its sources in the head
-- source_sample: Weight of its sources in the sample
-- source_listed: Weight of its other sources
-- web_head: Weight of its web hosts in the head
-- web_sample: Weight of its web hosts in the sample
-- web_listed: Weight of its other web hosts
-- known_head: Weight of its web hosts in the head that are known
-- known_sample: Weight of its web hosts in the sample that are known
-- known_listed: Weight of its other web hosts that are known
-- pull: Greatest part of any estimate of the snapshot that the domain can decide: without it none moves by
--   more
WITH sources AS (
    SELECT
        corpus, domain, count(*) AS n_sources,
        coalesce(sum(weight) FILTER (part = 'head'), 0)::DOUBLE AS source_head,
        coalesce(sum(weight) FILTER (part = 'sample'), 0)::DOUBLE AS source_sample,
        coalesce(sum(weight) FILTER (part = 'listed'), 0)::DOUBLE AS source_listed,
        coalesce(sum(weight) FILTER (is_domain AND part = 'head'), 0)::DOUBLE AS web_head,
        coalesce(sum(weight) FILTER (is_domain AND part = 'sample'), 0)::DOUBLE AS web_sample,
        coalesce(sum(weight) FILTER (is_domain AND part = 'listed'), 0)::DOUBLE AS web_listed
    FROM estimate_hosts GROUP BY corpus, domain
),
known AS (
    SELECT
        snapshot, basis, corpus, domain,
        coalesce(sum(weight) FILTER (part = 'head'), 0)::DOUBLE AS known_head,
        coalesce(sum(weight) FILTER (part = 'sample'), 0)::DOUBLE AS known_sample,
        coalesce(sum(weight) FILTER (part = 'listed'), 0)::DOUBLE AS known_listed
    FROM known_outcomes
    JOIN estimate_hosts USING (host)
    JOIN observation_bases USING (freshness)
    WHERE dialect = (SELECT dialect FROM dialects WHERE is_default) AND basis IN ('observed', 'carried')
        AND snapshot IN (SELECT snapshot FROM snapshot_order WHERE is_first OR is_last)
    GROUP BY ALL
),
ends AS (
    SELECT snapshot, unnest(['observed', 'carried']) AS basis
    FROM snapshot_order WHERE is_first OR is_last
)
SELECT
    ends.*,
    sources.*,
    coalesce(known_head, 0) AS known_head,
    coalesce(known_sample, 0) AS known_sample,
    coalesce(known_listed, 0) AS known_listed,
    -- Each addend is at most what the domain weighs in an estimate of the whole or of the head.
    greatest(
        coalesce(known_head / nullif(sum(known_head) OVER every, 0), 0)
        + coalesce(known_sample / nullif(sum(known_sample) OVER every, 0), 0)
        + coalesce(known_listed / nullif(sum(known_listed) OVER every, 0), 0),
        coalesce(source_head / nullif(sum(source_head) OVER every, 0), 0)
        + coalesce(source_sample / nullif(sum(source_sample) OVER every, 0), 0)
    ) + (source_head + source_sample + source_listed)
    / nullif(sum(source_head + source_sample + source_listed) OVER every, 0) AS pull
FROM ends CROSS JOIN sources LEFT JOIN known USING (snapshot, basis, corpus, domain)
WINDOW every AS (PARTITION BY ends.snapshot, ends.basis, sources.corpus)
