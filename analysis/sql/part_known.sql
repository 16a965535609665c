-- How much of each part of a corpus is known in each snapshot, on each basis?
-- One row per snapshot, corpus, part and basis, in the default dialect; web hosts only.
--
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- part: head, sample or listed, as in estimate_hosts
-- basis: observed, carried_1y or carried, as in observation_bases
-- n_hosts: Web hosts known
-- n_domains: Their registrable domains
-- known_weight: Their weight, exact
-- kish_n: Kish's effective number of hosts known; empty when they weigh nothing
-- kish_n_domains: The same over registrable domains
WITH by_domain AS (
    SELECT
        snapshot, corpus, part, domain_place,
        count(*) FILTER (freshness = 'observed') AS n_observed,
        count(*) FILTER (freshness <> 'older') AS n_within_1y,
        count(*) AS n_ever,
        coalesce(sum(ticks) FILTER (freshness = 'observed'), 0)::DOUBLE / 2 ** 44 AS v_observed,
        coalesce(sum(ticks) FILTER (freshness <> 'older'), 0)::DOUBLE / 2 ** 44 AS v_within_1y,
        sum(ticks)::DOUBLE / 2 ** 44 AS v_ever
    FROM known_outcomes JOIN estimate_hosts USING (host)
    WHERE dialect = (SELECT dialect FROM dialects WHERE is_default) AND freshness <> 'last_file'
    GROUP BY ALL
),
-- Squares are added as decimals, so that the sum does not depend on the order.
domains AS (
    SELECT
        snapshot, corpus, part,
        unnest(['observed', 'carried_1y', 'carried']) AS basis,
        unnest([
            count(*) FILTER (n_observed > 0), count(*) FILTER (n_within_1y > 0), count(*)
        ]) AS n_domains,
        unnest([
            sum((v_observed ** 2)::DECIMAL(38, 30)),
            sum((v_within_1y ** 2)::DECIMAL(38, 30)),
            sum((v_ever ** 2)::DECIMAL(38, 30))
        ]) AS squares
    FROM by_domain GROUP BY snapshot, corpus, part
),
by_freshness AS (
    SELECT
        snapshot, corpus, part, freshness,
        count(*) AS n, sum(weight) AS w, sum(ticks)::DOUBLE / 2 ** 44 AS v,
        sum(((ticks::DOUBLE / 2 ** 44) ** 2)::DECIMAL(38, 30)) AS squares
    FROM known_outcomes JOIN estimate_hosts USING (host)
    WHERE dialect = (SELECT dialect FROM dialects WHERE is_default) AND freshness <> 'last_file'
    GROUP BY ALL
),
hosts AS (
    SELECT
        snapshot, corpus, part, basis,
        sum(n)::BIGINT AS n_hosts, sum(w) AS w, sum(v) AS v, sum(squares) AS squares
    FROM by_freshness JOIN observation_bases USING (freshness) GROUP BY ALL
)
SELECT
    snapshot,
    corpus,
    part,
    basis,
    coalesce(hosts.n_hosts, 0) AS n_hosts,
    coalesce(domains.n_domains, 0) AS n_domains,
    coalesce(w, 0)::DECIMAL(38, 12) AS known_weight,
    round(v ** 2 / nullif(hosts.squares::DOUBLE, 0), 6) AS kish_n,
    round(v ** 2 / nullif(domains.squares::DOUBLE, 0), 6) AS kish_n_domains
FROM (SELECT snapshot FROM snapshot_order)
CROSS JOIN (SELECT corpus, part FROM corpus_parts)
CROSS JOIN (SELECT unnest(['observed', 'carried_1y', 'carried']) AS basis)
LEFT JOIN hosts USING (snapshot, corpus, part, basis)
LEFT JOIN domains USING (snapshot, corpus, part, basis)
ORDER BY snapshot, corpus, part, basis
