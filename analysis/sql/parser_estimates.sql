-- How much of an estimate, and of its growth, is the parser's?
-- The closed share (measure all) of a corpus under each reading of parser_bounds. One row per snapshot, agent,
-- corpus, estimator, part, basis and reading. The reference is rfc9309, or the default dialect where the
-- study did not use rfc9309. What the study published is reading longpre2024-paper+longpre2024-rule, estimator
-- study, basis carried_files.
--
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- agent: Tracked agent, or a label in brackets that stands for several (the strictest answer counts)
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- estimator: study or design, as in level_estimates
-- part: whole; or head, where the corpus has more than one part
-- basis: carried (carried forward without limit); for study also carried_files (the last file that was
--   served, whatever was answered since)
-- reading: A dialect, or dialect+longpre2024-rule, as in parser_bounds
-- share: Estimated share of the part's weight that is closed; empty when a part that counts has no host
--   known
-- difference_points: share less that of the reference, in percentage points
-- explained: Part of share that is not there under the reference, (share - reference) / share: negative where
--   the reference finds more; empty when share is 0
-- snapshot_12m_before: Snapshot that begins nearest to twelve months earlier; empty when none begins within
--   61 days of that
-- change_12m_points: share less that in snapshot_12m_before, in percentage points
-- change_12m_explained: Part of change_12m_points that is not there under the reference; empty when it is 0
-- change_first_points: share less that in the first snapshot of the study, in percentage points
-- change_first_explained: Part of change_first_points that is not there under the reference; empty when it
--   is 0
WITH reference AS (
    SELECT dialect FROM dialects ORDER BY dialect = 'rfc9309' DESC, is_default DESC, dialect LIMIT 1
),
rulers AS (
    SELECT dialect AS reading, dialect, false AS is_study_rule FROM dialects
    UNION ALL
    SELECT dialect || '+longpre2024-rule', dialect, true FROM dialects
    WHERE dialect = 'rfc9309' OR dialect LIKE 'longpre2024-%'
),
bases AS (
    SELECT basis, freshness FROM observation_bases WHERE basis IN ('carried', 'carried_files')
),
read_ours AS MATERIALIZED (
    SELECT content_digest, ruleset AS outcome FROM readings WHERE dialect = (FROM reference)
),
read_otherwise AS MATERIALIZED (
    SELECT content_digest, dialect, read_ours.outcome AS outcome_ours, ruleset AS outcome_theirs
    FROM (SELECT DISTINCT content_digest FROM readings)
    CROSS JOIN (SELECT dialect FROM dialects)
    LEFT JOIN read_ours USING (content_digest)
    LEFT JOIN readings USING (content_digest, dialect)
    WHERE outcome_ours IS DISTINCT FROM outcome_theirs
),
moved AS MATERIALIZED (
    SELECT snapshot, corpus, part, dialect, basis, outcome_ours, outcome_theirs, sum(weight) AS w
    FROM known_states
    JOIN read_otherwise USING (content_digest)
    JOIN estimate_hosts USING (host)
    JOIN bases USING (freshness)
    WHERE access_state = 'rules'
    GROUP BY ALL
),
-- All dialects begin with what the reference reads ('(all)'), then the bodies read otherwise are moved.
cells AS MATERIALIZED (
    SELECT snapshot, corpus, part, '(all)' AS dialect, basis, outcome, sum(weight) AS w
    FROM (
        SELECT
            snapshot, host, freshness,
            if(access_state = 'rules', read_ours.outcome, '(' || access_state || ')') AS outcome
        FROM known_states LEFT JOIN read_ours USING (content_digest)
    )
    JOIN estimate_hosts USING (host)
    JOIN bases USING (freshness)
    WHERE outcome IS NOT NULL
    GROUP BY ALL
    UNION ALL BY NAME
    SELECT * EXCLUDE (outcome_ours, outcome_theirs) REPLACE (-w AS w), outcome_ours AS outcome
    FROM moved WHERE outcome_ours IS NOT NULL
    UNION ALL BY NAME
    SELECT * EXCLUDE (outcome_ours, outcome_theirs), outcome_theirs AS outcome
    FROM moved WHERE outcome_theirs IS NOT NULL
),
known AS (
    SELECT snapshot, corpus, part, dialects.dialect, sum(w) AS known_weight
    FROM cells JOIN dialects ON cells.dialect IN (dialects.dialect, '(all)')
    WHERE basis = 'carried' GROUP BY ALL
),
closed AS (
    SELECT outcome, agent, level = 'all' AS is_closed, false AS is_study_rule FROM outcome_levels
    UNION ALL
    SELECT outcome, agent, coalesce(restriction_longpre2024, level) = 'all', true FROM outcome_levels
),
steps AS (
    SELECT
        own.outcome, own.agent, own.is_study_rule,
        own.is_closed::INTEGER - (own.agent <> '*' AND star.is_closed)::INTEGER AS step
    FROM closed AS own
    JOIN closed AS star
        ON star.outcome = own.outcome AND star.agent = '*' AND star.is_study_rule = own.is_study_rule
    WHERE step <> 0
),
by_ruler AS (
    SELECT snapshot, agent, corpus, part, basis, dialect, is_study_rule, sum(w * step) AS w
    FROM cells JOIN steps USING (outcome) GROUP BY ALL
),
stepped AS MATERIALIZED (
    SELECT snapshot, agent, corpus, part, basis, reading, sum(w) AS w
    FROM by_ruler
    JOIN rulers
        ON rulers.is_study_rule = by_ruler.is_study_rule AND by_ruler.dialect IN (rulers.dialect, '(all)')
    GROUP BY ALL
),
asked AS (
    SELECT DISTINCT agent FROM agent_groups
),
-- As in declared_levels: all agents begin with the answers to *, what differs for an agent is added.
summed AS (
    SELECT snapshot, agent, corpus, part, basis, reading, sum(w) AS w
    FROM (
        SELECT asked.agent, stepped.* EXCLUDE (agent) FROM stepped CROSS JOIN asked WHERE stepped.agent = '*'
        UNION ALL BY NAME
        SELECT * FROM stepped WHERE agent <> '*'
    ) GROUP BY ALL
),
parts AS (
    SELECT
        position, asked.agent, fixed.corpus, fixed.part, kinds.basis, rulers.reading,
        coalesce(summed.w, 0)::DOUBLE AS n, known_weight::DOUBLE AS known_weight,
        source_weight, study_share, design_share
    FROM snapshot_order
    CROSS JOIN asked
    CROSS JOIN corpus_parts AS fixed
    CROSS JOIN (SELECT DISTINCT basis FROM bases) AS kinds
    CROSS JOIN rulers
    LEFT JOIN summed USING (snapshot, agent, corpus, part, basis, reading)
    LEFT JOIN known
        ON known.snapshot = snapshot_order.snapshot AND known.corpus = fixed.corpus
        AND known.part = fixed.part AND known.dialect = rulers.dialect
),
rows AS (
    SELECT
        position, agent, corpus, 'study' AS estimator, part, basis, reading, study_share AS part_share,
        n / nullif(source_weight, 0) AS share
    FROM parts WHERE study_share IS NOT NULL
    UNION ALL BY NAME
    SELECT
        position, agent, corpus, 'design' AS estimator, part, basis, reading, design_share AS part_share,
        n / nullif(known_weight, 0) AS share
    FROM parts WHERE basis = 'carried'
),
estimates AS (
    SELECT
        position, agent, corpus, estimator, 'whole' AS part, basis, reading,
        if(bool_and(share IS NOT NULL), sum((part_share * share)::DECIMAL(38, 20))::DOUBLE, NULL) AS share
    FROM rows WHERE part_share > 0 GROUP BY ALL
    UNION ALL BY NAME
    SELECT * EXCLUDE (part_share) FROM rows
    WHERE part = 'head' AND corpus IN (SELECT corpus FROM corpus_parts GROUP BY corpus HAVING count(*) > 1)
),
years AS (
    SELECT
        later.position,
        earlier.position AS position_before,
        earlier.snapshot AS snapshot_12m_before,
        abs(date_diff('day', earlier.starts_on + INTERVAL 12 MONTH, later.starts_on)) AS days_off
    FROM snapshot_order AS later JOIN snapshot_order AS earlier ON earlier.position < later.position
    WHERE days_off <= 61
    QUALIFY row_number() OVER (PARTITION BY later.position ORDER BY days_off, earlier.position DESC) = 1
),
-- A list over all snapshots instead of a row for each: joins of millions of names would take a minute.
series AS (
    SELECT agent, corpus, estimator, part, basis, reading, list(share ORDER BY position) AS shares
    FROM estimates GROUP BY ALL
),
compared AS (
    SELECT
        ours.* EXCLUDE (shares), places.snapshot, snapshot_12m_before,
        ours.shares[position] AS share,
        ours.shares[position] - ours.shares[position_before] AS change_12m,
        ours.shares[position] - ours.shares[1] AS change_first,
        share - theirs.shares[position] AS difference,
        change_12m - (theirs.shares[position] - theirs.shares[position_before]) AS difference_12m,
        change_first - (theirs.shares[position] - theirs.shares[1]) AS difference_first
    FROM series AS ours
    JOIN series AS theirs
        ON theirs.reading = (FROM reference) AND theirs.agent = ours.agent
        AND theirs.corpus = ours.corpus AND theirs.estimator = ours.estimator
        AND theirs.part = ours.part AND theirs.basis = ours.basis
    CROSS JOIN (FROM snapshot_order LEFT JOIN years USING (position)) AS places
)
SELECT
    snapshot,
    agent,
    corpus,
    estimator,
    part,
    basis,
    reading,
    round(share, 12) AS share,
    round(100 * difference, 10) + 0.0 AS difference_points,
    round(difference / nullif(share, 0), 9) + 0.0 AS explained,
    snapshot_12m_before,
    round(100 * change_12m, 10) + 0.0 AS change_12m_points,
    round(difference_12m / nullif(round(change_12m, 14), 0), 9) + 0.0 AS change_12m_explained,
    round(100 * change_first, 10) + 0.0 AS change_first_points,
    round(difference_first / nullif(round(change_first, 14), 0), 9) + 0.0 AS change_first_explained
FROM compared
ORDER BY snapshot, agent, corpus, estimator, part, basis, reading
