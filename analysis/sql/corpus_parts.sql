-- What does each part of a corpus weigh, and how much of the corpus does it stand for?
-- One row per corpus and part that has a source.
--
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- part: head, sample or listed, as in estimate_hosts
-- n_sources: Sources listed, web hosts or not
-- n_hosts: Web hosts among them
-- n_source_domains: Registrable domains of all sources
-- source_weight: Weight of all sources
-- weight: Weight of the web hosts
-- source_kish_n: Kish's effective number of sources, (sum of weights)^2 / (sum of squared weights); empty
--   when the part weighs nothing
-- source_kish_n_domains: The same over registrable domains
-- study_weight: Weight that it stands for in the estimator study; empty where the corpus lacks a head, a
--   sample or a total, and for hosts listed for another reason
-- study_share: The same over the weight of the corpus
-- design_weight: Weight that it stands for in the estimator design, of the web hosts of the corpus
-- design_share: The same over the weight of all web hosts
WITH by_domain AS (
    SELECT
        corpus, part, domain,
        count(*) AS n, count(*) FILTER (is_domain) AS n_web,
        sum(weight) AS w, coalesce(sum(weight) FILTER (is_domain), 0) AS w_web,
        sum(ticks::DOUBLE / 2 ** 44) AS v,
        -- Squares are added as decimals, so that the sum does not depend on the order.
        sum(((ticks::DOUBLE / 2 ** 44) ** 2)::DECIMAL(38, 30)) AS squares
    FROM estimate_hosts GROUP BY corpus, part, domain
),
parts AS (
    SELECT
        corpus, part,
        sum(n)::BIGINT AS n_sources, sum(n_web)::BIGINT AS n_hosts, count(*) AS n_source_domains,
        sum(w) AS w, sum(w_web) AS w_web,
        sum(squares) AS squares, sum((v ** 2)::DECIMAL(38, 30)) AS domain_squares
    FROM by_domain GROUP BY corpus, part
),
totals AS (
    SELECT
        corpus,
        sum(w) AS w_listed,
        sum(w_web) AS w_web_listed,
        sum(w) FILTER (part = 'head') AS w_head,
        coalesce(sum(w_web) FILTER (part = 'sample'), 0) AS w_sample,
        any_value(total_weight)::DECIMAL(38, 12) AS total,
        bool_or(part = 'sample') AND bool_or(part = 'head') AS has_both
    FROM parts LEFT JOIN corpora USING (corpus) GROUP BY corpus
),
standing AS (
    SELECT
        parts.*, has_both, total, w_head,
        -- Without a sample nothing stands for hosts that are not listed.
        if(w_sample > 0, total - (w_listed - w_web_listed), w_web_listed) AS total_web,
        if(part = 'sample', total_web - (w_web_listed - w_sample), w_web) AS stands_for
    FROM parts JOIN totals USING (corpus)
)
SELECT
    corpus,
    part,
    n_sources,
    n_hosts,
    n_source_domains,
    w::DOUBLE AS source_weight,
    w_web::DOUBLE AS weight,
    round(1 / nullif(squares::DOUBLE, 0), 9) AS source_kish_n,
    round(1 / nullif(domain_squares::DOUBLE, 0), 9) AS source_kish_n_domains,
    CASE WHEN has_both AND part <> 'listed' THEN if(part = 'head', w_head, total - w_head) END::DOUBLE
        AS study_weight,
    study_weight / nullif(total, 0)::DOUBLE AS study_share,
    stands_for::DOUBLE AS design_weight,
    design_weight / nullif(total_web, 0)::DOUBLE AS design_share
FROM standing
ORDER BY corpus, part
