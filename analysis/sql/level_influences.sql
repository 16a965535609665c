-- Which registrable domains does an estimate hang on?
-- For each estimate of the last snapshot (level) and of the change from the first to the last (change), for
-- the measure all: what it would be for the corpus without one domain, all of whose sources are left out and
-- whose weight is taken off the corpus. One row per estimate and domain that moves it by more than one
-- percentage point; for labels in brackets at least the five that move it most, of the thousand domains of
-- the corpus with the greatest pull.
--
-- of: level or change
-- snapshot_from: First snapshot of the study for a change; empty for a level
-- snapshot: Last snapshot of the study
-- agent: Tracked agent, or a label in brackets that stands for several (the strictest answer counts)
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- estimator: study or design, as in level_estimates
-- part: whole; or head, where the corpus has more than one part
-- basis: observed or carried
-- domain: Registrable domain left out; the host where it has none
-- place: Place of the domain among those that move the estimate, 1 moves it most
-- n_sources: Sources of the site list that belong to it
-- estimate_points: The estimate with it, in percentage points
-- estimate_points_without: The estimate without it; empty when nothing is left to estimate from
-- influence_points: The former less the latter: what the domain adds to the estimate
-- moves_headline: Whether that is more than one point up or down, or the estimate rests on it alone
WITH asked AS (
    SELECT DISTINCT agent, agent LIKE '(%' AS is_label FROM agent_groups
),
-- No domain moves an estimate by more than its pull, so the others need not be left out one by one.
chosen AS (
    SELECT corpus, domain, agent
    FROM (
        SELECT
            corpus, domain, pull,
            row_number() OVER (PARTITION BY corpus ORDER BY pull DESC, domain) AS place
        FROM (SELECT corpus, domain, sum(pull::DECIMAL(18, 12)) AS pull FROM domain_weights GROUP BY ALL)
    )
    CROSS JOIN asked WHERE pull > 0.005 OR (is_label AND place <= 1000)
),
cells AS MATERIALIZED (
    SELECT snapshot, basis, corpus, domain, part, outcome, sum(weight) AS w
    FROM known_outcomes
    JOIN estimate_hosts USING (host)
    JOIN observation_bases USING (freshness)
    WHERE dialect = (SELECT dialect FROM dialects WHERE is_default) AND basis IN ('observed', 'carried')
        AND snapshot IN (SELECT snapshot FROM snapshot_order WHERE is_first OR is_last)
    GROUP BY ALL
),
closed AS MATERIALIZED (
    SELECT
        snapshot, basis, corpus, domain, closure_steps.agent,
        coalesce(sum(w * step) FILTER (part = 'head'), 0) AS y_head,
        coalesce(sum(w * step) FILTER (part = 'sample'), 0) AS y_sample,
        coalesce(sum(w * step) FILTER (part = 'listed'), 0) AS y_listed
    FROM cells
    SEMI JOIN chosen USING (corpus, domain)
    JOIN closure_steps USING (outcome)
    WHERE measure = 'all' GROUP BY ALL
),
domains AS (
    SELECT
        weights.*, chosen.agent,
        (coalesce(star.y_head, 0) + coalesce(own.y_head, 0))::DOUBLE AS y_head,
        (coalesce(star.y_sample, 0) + coalesce(own.y_sample, 0))::DOUBLE AS y_sample,
        (coalesce(star.y_listed, 0) + coalesce(own.y_listed, 0))::DOUBLE AS y_listed
    FROM domain_weights AS weights
    JOIN chosen USING (corpus, domain)
    LEFT JOIN closed AS star
        ON star.snapshot = weights.snapshot AND star.basis = weights.basis AND star.corpus = weights.corpus
        AND star.domain = weights.domain AND star.agent = '*'
    LEFT JOIN closed AS own
        ON own.snapshot = weights.snapshot AND own.basis = weights.basis AND own.corpus = weights.corpus
        AND own.domain = weights.domain AND own.agent = chosen.agent
),
parts AS (
    SELECT
        snapshot, agent, corpus, basis, closed.part, closed_weight::DOUBLE AS n,
        known_weight::DOUBLE AS x_known, source_weight, study_weight, coalesce(design_weight, 0) AS design_weight
    FROM part_closed AS closed
    JOIN part_known USING (snapshot, corpus, part, basis)
    JOIN corpus_parts USING (corpus, part)
    WHERE measure = 'all' AND basis IN ('observed', 'carried')
        AND snapshot IN (SELECT snapshot FROM snapshot_order WHERE is_first OR is_last)
),
totals AS (
    SELECT
        snapshot, agent, corpus, basis,
        coalesce(sum(n) FILTER (part = 'head'), 0) AS n_head,
        coalesce(sum(n) FILTER (part = 'sample'), 0) AS n_sample,
        coalesce(sum(n) FILTER (part = 'listed'), 0) AS n_listed,
        sum(x_known) FILTER (part = 'head') AS x_head,
        sum(x_known) FILTER (part = 'sample') AS x_sample,
        sum(x_known) FILTER (part = 'listed') AS x_listed,
        sum(source_weight) FILTER (part = 'head') AS source_x_head,
        sum(source_weight) FILTER (part = 'sample') AS source_x_sample,
        coalesce(sum(design_weight) FILTER (part = 'head'), 0) AS w_head,
        coalesce(sum(design_weight) FILTER (part = 'sample'), 0) AS w_sample,
        coalesce(sum(design_weight) FILTER (part = 'listed'), 0) AS w_listed,
        sum(study_weight) FILTER (part = 'head') AS study_w_head,
        sum(study_weight) FILTER (part = 'sample') AS study_w_sample
    FROM parts GROUP BY snapshot, agent, corpus, basis
),
-- w: weight a part stands for; x: weight counted in it; n: weight closed; each less what the domain has.
left_over AS (
    SELECT
        snapshot, agent, corpus, basis, domain, n_sources, 'design' AS estimator,
        w_head - web_head AS w_head, w_sample - web_sample AS w_sample, w_listed - web_listed AS w_listed,
        x_head - known_head AS x_head, x_sample - known_sample AS x_sample,
        x_listed - known_listed AS x_listed,
        n_head - y_head AS n_head, n_sample - y_sample AS n_sample, n_listed - y_listed AS n_listed
    FROM domains JOIN totals USING (snapshot, agent, corpus, basis)
    UNION ALL BY NAME
    SELECT
        snapshot, agent, corpus, basis, domain, n_sources, 'study' AS estimator,
        study_w_head - source_head AS w_head,
        study_w_sample - source_sample - source_listed AS w_sample,
        0 AS w_listed,
        source_x_head - source_head AS x_head, source_x_sample - source_sample AS x_sample,
        NULL AS x_listed,
        n_head - y_head AS n_head, n_sample - y_sample AS n_sample, 0 AS n_listed
    FROM domains JOIN totals USING (snapshot, agent, corpus, basis) WHERE study_w_head IS NOT NULL
),
without AS (
    SELECT
        snapshot, agent, corpus, basis, domain, n_sources, estimator, 'whole' AS part,
        100 * (
            if(w_head > 0, w_head * n_head / nullif(x_head, 0), 0)
            + if(w_sample > 0, w_sample * n_sample / nullif(x_sample, 0), 0)
            + if(w_listed > 0, w_listed * n_listed / nullif(x_listed, 0), 0)
        ) / nullif(w_head + w_sample + w_listed, 0) AS points
    FROM left_over
    UNION ALL BY NAME
    SELECT
        snapshot, agent, corpus, basis, domain, n_sources, estimator, 'head' AS part,
        100 * n_head / nullif(x_head, 0) AS points
    FROM left_over
),
levels AS (
    SELECT
        'level' AS of, NULL AS snapshot_from, snapshot, agent, corpus, estimator, part, basis, domain,
        n_sources, 100 * estimates.share AS estimate_points, without.points AS estimate_points_without
    FROM without
    JOIN level_estimates AS estimates USING (snapshot, agent, corpus, estimator, part, basis)
    WHERE measure = 'all' AND snapshot IN (SELECT snapshot FROM snapshot_order WHERE is_last)
),
changes AS (
    SELECT
        'change' AS of, estimates.snapshot_from, estimates.snapshot_to AS snapshot, estimates.agent,
        estimates.corpus, estimates.estimator, estimates.part, estimates.basis, later.domain,
        later.n_sources, change_points AS estimate_points,
        later.points - earlier.points AS estimate_points_without
    FROM change_estimates AS estimates
    JOIN without AS later
        ON later.snapshot = estimates.snapshot_to AND later.agent = estimates.agent
        AND later.corpus = estimates.corpus AND later.estimator = estimates.estimator
        AND later.part = estimates.part AND later.basis = estimates.basis
    JOIN without AS earlier
        ON earlier.snapshot = estimates.snapshot_from AND earlier.agent = estimates.agent
        AND earlier.corpus = estimates.corpus AND earlier.estimator = estimates.estimator
        AND earlier.part = estimates.part AND earlier.basis = estimates.basis
        AND earlier.domain = later.domain
    WHERE is_endpoints
),
rounded AS (
    SELECT
        * REPLACE (
            round(estimate_points, 9) + 0.0 AS estimate_points,
            round(estimate_points_without, 9) + 0.0 AS estimate_points_without
        ),
        round(estimate_points - estimate_points_without, 9) + 0.0 AS influence_points,
        influence_points IS NULL OR abs(influence_points) > 1 AS moves_headline
    FROM (FROM levels UNION ALL BY NAME FROM changes) WHERE estimate_points IS NOT NULL
),
placed AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY of, agent, corpus, estimator, part, basis
            ORDER BY abs(influence_points) DESC NULLS FIRST, domain
        ) AS place
    FROM rounded WHERE influence_points IS DISTINCT FROM 0
)
SELECT
    of,
    snapshot_from,
    snapshot,
    agent,
    corpus,
    estimator,
    part,
    basis,
    domain,
    place,
    n_sources,
    estimate_points,
    estimate_points_without,
    influence_points,
    moves_headline
FROM placed
WHERE moves_headline OR (place <= 5 AND agent LIKE '(%')
ORDER BY of, agent, corpus, estimator, part, basis, place
