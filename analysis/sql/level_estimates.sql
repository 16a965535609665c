-- How much of each corpus is closed to each agent, how sure is that, and how far does it rest on what was
-- not seen? The formulas and what the intervals mean are in docs/estimates.md.
-- One row per snapshot, agent, corpus, estimator, part, basis and measure, in the default dialect.
--
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- agent: Tracked agent, or a label in brackets that stands for several (the strictest answer counts)
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- estimator: study (that of Longpre et al. (2024): all sources count, what is not known counts as open; only
--   for a corpus with a head, a sample and a total) or design (web hosts only, what is not known is missing,
--   each part of the corpus stands for itself and the sample for the rest)
-- part: whole; or, where the corpus has more than one part, head, sample or listed
-- basis: observed (captured in this very snapshot), carried_1y (or carried for at most 365 days), carried
--   (or carried without limit); for study also carried_files (the last file that was served, whatever was
--   answered since, as the study carried)
-- measure: all (every path is closed) or some_or_all (at least some are)
-- share: Estimated share of the part's weight that is closed; empty when a part that counts has no host
--   known
-- share_low: Lower limit of 95 %, were the registrable domains of every part drawn anew
-- share_high: Upper limit of the same
-- interval_method: How these limits were found: bootstrap; effective_n (few domains tell: no narrower than
--   exact limits with kish_n_domains); or mixed (of a whole with parts of both kinds)
-- sampling_low: Lower limit of 95 %, were only the domains of the sample drawn anew; empty where the part holds
--   no sample
-- sampling_high: Upper limit of the same
-- bound_low: Least share over the bases of the same estimator
-- bound_high: Greatest share over the bases of the same estimator
-- share_if_unknown_open: Share if every host that is not known were open; empty for study, which takes that
--   for granted
-- share_if_unknown_closed: Share if every host that is not known were closed; empty for study
-- n_hosts: Hosts counted: study all sources of the part, design the web hosts known
-- n_domains: Their registrable domains, counted in each part of the corpus
-- n_hosts_restricted: Hosts known to be closed
-- kish_n: Kish's effective number of the hosts counted, each with the weight it has in the estimate; empty
--   when they weigh nothing
-- kish_n_domains: The same over registrable domains
WITH parts AS (
    SELECT
        closed.*, known.n_hosts AS n_known, known.n_domains AS n_known_domains, known_weight,
        known.kish_n AS known_kish_n, known.kish_n_domains AS known_kish_n_domains,
        fixed.* EXCLUDE (corpus, part, n_hosts),
        fixed.weight::DECIMAL(38, 12) AS listed_weight
    FROM part_closed AS closed
    LEFT JOIN part_known AS known USING (snapshot, corpus, part, basis)
    JOIN corpus_parts AS fixed USING (corpus, part)
),
rows AS MATERIALIZED (
    SELECT
        snapshot, agent, corpus, 'study' AS estimator, part, basis, measure, study_share AS part_share,
        closed_weight::DOUBLE / nullif(source_weight, 0) AS share,
        NULL::DOUBLE AS share_if_unknown_open, NULL::DOUBLE AS share_if_unknown_closed,
        n_sources AS n_hosts, n_source_domains AS n_domains, n_hosts_restricted,
        source_kish_n AS kish_n, source_kish_n_domains AS kish_n_domains
    FROM parts WHERE study_share IS NOT NULL
    UNION ALL BY NAME
    SELECT
        snapshot, agent, corpus, 'design' AS estimator, part, basis, measure, design_share AS part_share,
        closed_weight::DOUBLE / nullif(known_weight, 0)::DOUBLE AS share,
        closed_weight::DOUBLE / nullif(listed_weight, 0)::DOUBLE AS share_if_unknown_open,
        (closed_weight + listed_weight - known_weight)::DOUBLE / nullif(listed_weight, 0)::DOUBLE
            AS share_if_unknown_closed,
        n_known AS n_hosts, n_known_domains AS n_domains, n_hosts_restricted,
        known_kish_n AS kish_n, known_kish_n_domains AS kish_n_domains
    FROM parts WHERE basis <> 'carried_files'
),
-- Parts that stand for nothing do not count; products are added as decimals, in any order the same.
wholes AS (
    SELECT
        snapshot, agent, corpus, estimator, 'whole' AS part, basis, measure,
        if(bool_and(share IS NOT NULL), sum((part_share * share)::DECIMAL(38, 20))::DOUBLE, NULL) AS share,
        sum((part_share * share_if_unknown_open)::DECIMAL(38, 20))::DOUBLE AS share_if_unknown_open,
        sum((part_share * share_if_unknown_closed)::DECIMAL(38, 20))::DOUBLE AS share_if_unknown_closed,
        sum(n_hosts)::BIGINT AS n_hosts,
        sum(n_domains)::BIGINT AS n_domains,
        sum(n_hosts_restricted)::BIGINT AS n_hosts_restricted,
        1 / nullif(sum((part_share ** 2 / kish_n)::DECIMAL(38, 20))::DOUBLE, 0) AS kish_n,
        1 / nullif(sum((part_share ** 2 / kish_n_domains)::DECIMAL(38, 20))::DOUBLE, 0) AS kish_n_domains,
        -- What the sample adds to an interval is its own interval, shrunk to what it stands for.
        max(part_share) FILTER (part = 'sample') AS sample_share,
        max(share) FILTER (part = 'sample') AS share_of_sample
    FROM rows WHERE part_share > 0
    GROUP BY ALL
),
estimates AS (
    SELECT * EXCLUDE (sample_share, share_of_sample), sample_share, share_of_sample FROM wholes
    UNION ALL BY NAME
    SELECT
        rows.* EXCLUDE (part_share),
        if(part = 'sample', 1, NULL) AS sample_share,
        if(part = 'sample', share, NULL) AS share_of_sample
    FROM rows
    WHERE corpus IN (SELECT corpus FROM corpus_parts GROUP BY corpus HAVING count(*) > 1)
),
-- An agent that no file names in a snapshot has no interval of its own: that of * is its.
intervals AS (
    SELECT
        estimates.*,
        coalesce(own.share_low, star.share_low) AS low,
        coalesce(own.share_high, star.share_high) AS high,
        coalesce(own.interval_method, star.interval_method) AS method
    FROM estimates
    LEFT JOIN level_intervals AS own USING (snapshot, agent, corpus, estimator, part, basis, measure)
    LEFT JOIN level_intervals AS star
        ON star.agent = '*' AND star.snapshot = estimates.snapshot AND star.corpus = estimates.corpus
        AND star.estimator = estimates.estimator AND star.part = estimates.part
        AND star.basis = estimates.basis AND star.measure = estimates.measure
),
of_samples AS (
    SELECT snapshot, agent, corpus, estimator, basis, measure, low, high
    FROM intervals WHERE part = 'sample'
)
SELECT
    snapshot,
    agent,
    corpus,
    estimator,
    part,
    basis,
    measure,
    round(share, 12) AS share,
    if(share IS NULL, NULL, intervals.low) AS share_low,
    if(share IS NULL, NULL, intervals.high) AS share_high,
    if(share IS NULL, NULL, intervals.method) AS interval_method,
    round(share + sample_share * (of_samples.low - share_of_sample), 9) AS sampling_low,
    round(share + sample_share * (of_samples.high - share_of_sample), 9) AS sampling_high,
    round(min(share) OVER every, 12) AS bound_low,
    round(max(share) OVER every, 12) AS bound_high,
    round(share_if_unknown_open, 12) AS share_if_unknown_open,
    round(share_if_unknown_closed, 12) AS share_if_unknown_closed,
    n_hosts,
    n_domains,
    n_hosts_restricted,
    round(kish_n, 6) AS kish_n,
    round(kish_n_domains, 6) AS kish_n_domains
FROM intervals
LEFT JOIN of_samples USING (snapshot, agent, corpus, estimator, basis, measure)
WINDOW every AS (PARTITION BY snapshot, agent, corpus, estimator, part, measure)
ORDER BY snapshot, agent, corpus, estimator, part, basis, measure
