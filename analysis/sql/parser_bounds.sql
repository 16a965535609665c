-- How far does the headline depend on how robots.txt is read?
-- One row per snapshot, agent, stratum, corpus and reading. A reading is a dialect with restrictions
-- decided by the rules' effect, or, with +longpre2024-rule behind its name, by the rule of Longpre et al.
-- (2024): for rfc9309 (their rule over groups read rightly) and for the three versions of their parser
-- (what they would have published). Only hosts observed in the snapshot count; hosts without a file count
-- below the line. Differences are taken from rfc9309, or from the default dialect where the study did not
-- use rfc9309.
--
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- agent: Tracked agent, or a label in brackets that stands for several (the strictest answer counts)
-- stratum: (all), or a stratum of the study, or (none)
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- dialect: The reading: a dialect, or dialect+longpre2024-rule
-- n_hosts: Hosts observed that have a weight in the corpus
-- weight: Their weight
-- n_hosts_all: Those at level all
-- n_hosts_some_or_all: Those at level some or all
-- share_all: Weight at level all over weight; empty when weight is 0
-- share_some_or_all: Weight at level some or all over weight; empty when weight is 0
-- difference_all_points: share_all less that of the reference, in percentage points
-- difference_some_or_all_points: share_some_or_all less that of the reference, in percentage points
-- n_hosts_differ: Hosts whose level differs from that of the reference
-- share_differ: Their weight over weight; empty when weight is 0
WITH reference AS (
    SELECT dialect FROM dialects ORDER BY dialect = 'rfc9309' DESC, is_default DESC, dialect LIMIT 1
),
rulers AS (
    SELECT dialect AS reading, dialect, false AS is_study_rule FROM dialects
    UNION ALL
    SELECT dialect || '+longpre2024-rule', dialect, true FROM dialects
    WHERE dialect = 'rfc9309' OR dialect LIKE 'longpre2024-%'
),
read_ours AS MATERIALIZED (
    SELECT content_digest, coalesce(ruleset, '(not_read)') AS outcome
    FROM (SELECT DISTINCT content_digest FROM host_snapshots WHERE is_observed AND access_state = 'rules')
    LEFT JOIN (FROM readings WHERE dialect = (FROM reference)) USING (content_digest)
),
read_otherwise AS MATERIALIZED (
    SELECT
        content_digest, dialects.dialect,
        read_ours.outcome AS outcome_ours, coalesce(ruleset, '(not_read)') AS outcome_theirs
    FROM read_ours CROSS JOIN dialects
    LEFT JOIN readings USING (content_digest, dialect)
    WHERE outcome_theirs <> outcome_ours
),
cells_ours AS MATERIALIZED (
    SELECT snapshot, stratum, corpus, outcome, count(*) AS n, sum(weight) AS w
    FROM (
        SELECT
            snapshot, host,
            if(access_state = 'rules', read_ours.outcome, '(' || access_state || ')') AS outcome
        FROM host_snapshots LEFT JOIN read_ours USING (content_digest)
        WHERE is_observed
    )
    JOIN site_groups USING (host)
    GROUP BY ALL
),
cells_otherwise AS MATERIALIZED (
    SELECT snapshot, stratum, corpus, outcome_ours, outcome_theirs, dialect, count(*) AS n, sum(weight) AS w
    FROM host_snapshots
    JOIN read_otherwise USING (content_digest)
    JOIN site_groups USING (host)
    WHERE is_observed AND access_state = 'rules'
    GROUP BY ALL
),
-- All dialects begin with what the reference reads ('(all)'), then the bodies read otherwise are moved.
cells AS MATERIALIZED (
    SELECT snapshot, stratum, corpus, outcome AS outcome_ours, outcome AS outcome_theirs, '(all)' AS dialect, n, w
    FROM cells_ours
    UNION ALL BY NAME
    SELECT * REPLACE (outcome_ours AS outcome_theirs, -n AS n, -w AS w) FROM cells_otherwise
    UNION ALL BY NAME
    SELECT * FROM cells_otherwise
),
levels AS MATERIALIZED (
    SELECT outcome, agent, level, false AS is_study_rule FROM outcome_levels
    UNION ALL
    SELECT outcome, agent, coalesce(restriction_longpre2024, level), true FROM outcome_levels
),
pairs AS MATERIALIZED (
    SELECT
        row_number() OVER () AS pair, outcome_ours, outcome_theirs, dialect, reading, rulers.is_study_rule,
        ours.level AS level_ours, theirs.level AS level_theirs
    FROM (SELECT DISTINCT outcome_ours, outcome_theirs, dialect FROM cells)
    JOIN (FROM rulers UNION ALL VALUES ('(all)', '(all)', false), ('(all)', '(all)', true)) AS rulers
        USING (dialect)
    JOIN levels AS ours
        ON ours.outcome = outcome_ours AND ours.agent = '*' AND NOT ours.is_study_rule
    JOIN levels AS theirs
        ON theirs.outcome = outcome_theirs AND theirs.agent = '*'
        AND theirs.is_study_rule = rulers.is_study_rule
),
named_pairs AS (
    SELECT pair, agent FROM pairs JOIN outcome_levels ON outcome = outcome_ours AND agent <> '*'
    UNION
    SELECT pair, agent FROM pairs JOIN outcome_levels ON outcome = outcome_theirs AND agent <> '*'
),
-- As in declared_levels: all agents begin with the answers to *, those named on a side are moved.
own_pairs AS (
    SELECT
        pair, named_pairs.agent,
        coalesce(ours.level, level_ours) AS own_ours, coalesce(theirs.level, level_theirs) AS own_theirs
    FROM named_pairs JOIN pairs USING (pair)
    LEFT JOIN levels AS ours
        ON ours.outcome = outcome_ours AND ours.agent = named_pairs.agent AND NOT ours.is_study_rule
    LEFT JOIN levels AS theirs
        ON theirs.outcome = outcome_theirs AND theirs.agent = named_pairs.agent
        AND theirs.is_study_rule = pairs.is_study_rule
    WHERE own_ours <> level_ours OR own_theirs <> level_theirs
),
votes AS (
    SELECT pair, '*' AS agent, level_ours, level_theirs, 1 AS sign FROM pairs
    UNION ALL
    SELECT pair, agent, own_ours, own_theirs, 1 FROM own_pairs
    UNION ALL
    SELECT pair, agent, level_ours, level_theirs, -1 FROM own_pairs JOIN pairs USING (pair)
),
signs AS MATERIALIZED (
    SELECT
        outcome_ours, outcome_theirs, dialect, reading, is_study_rule, agent,
        sum(sign * (votes.level_theirs = 'all')::INT)::INT AS theirs_all,
        sum(sign * (votes.level_theirs IN ('some', 'all'))::INT)::INT AS theirs_some_or_all,
        sum(sign * (votes.level_ours = 'all')::INT)::INT AS ours_all,
        sum(sign * (votes.level_ours IN ('some', 'all'))::INT)::INT AS ours_some_or_all,
        sum(sign * (votes.level_ours <> votes.level_theirs)::INT)::INT AS differ
    FROM votes JOIN pairs USING (pair)
    GROUP BY ALL
    HAVING agent = '*' OR (theirs_all, theirs_some_or_all, ours_all, ours_some_or_all, differ) <> (0, 0, 0, 0, 0)
),
shifts AS (
    SELECT
        snapshot, agent, stratum, corpus, reading, is_study_rule,
        sum(n) AS n_hosts,
        sum(w) AS weight,
        sum(theirs_all * n) AS n_hosts_all,
        sum(theirs_some_or_all * n) AS n_hosts_some_or_all,
        sum(theirs_all * w) AS w_all,
        sum(theirs_some_or_all * w) AS w_some_or_all,
        sum(ours_all * w) AS w_all_ours,
        sum(ours_some_or_all * w) AS w_some_or_all_ours,
        sum(differ * n) AS n_differ,
        sum(differ * w) AS w_differ
    FROM cells JOIN signs USING (outcome_ours, outcome_theirs, dialect) GROUP BY ALL
),
shifted AS MATERIALIZED (
    SELECT snapshot, agent, stratum, corpus, reading, sum(COLUMNS('^(n|w)'))
    FROM (
        SELECT * EXCLUDE (is_study_rule) FROM shifts WHERE reading <> '(all)'
        UNION ALL BY NAME
        SELECT shifts.* EXCLUDE (is_study_rule) REPLACE (rulers.reading AS reading)
        FROM shifts JOIN rulers USING (is_study_rule) WHERE shifts.reading = '(all)'
    )
    GROUP BY ALL
),
summed AS (
    SELECT
        star.snapshot, asked.agent, star.stratum, star.corpus, star.reading, star.n_hosts, star.weight,
        star.n_hosts_all + coalesce(own.n_hosts_all, 0) AS n_hosts_all,
        star.n_hosts_some_or_all + coalesce(own.n_hosts_some_or_all, 0) AS n_hosts_some_or_all,
        star.w_all + coalesce(own.w_all, 0) AS w_all,
        star.w_some_or_all + coalesce(own.w_some_or_all, 0) AS w_some_or_all,
        star.w_all_ours + coalesce(own.w_all_ours, 0) AS w_all_ours,
        star.w_some_or_all_ours + coalesce(own.w_some_or_all_ours, 0) AS w_some_or_all_ours,
        star.n_differ + coalesce(own.n_differ, 0) AS n_differ,
        star.w_differ + coalesce(own.w_differ, 0) AS w_differ
    FROM (FROM shifted WHERE agent = '*') AS star
    CROSS JOIN (SELECT DISTINCT agent FROM agent_groups) AS asked
    LEFT JOIN shifted AS own
        ON own.snapshot = star.snapshot AND own.stratum = star.stratum AND own.corpus = star.corpus
        AND own.reading = star.reading AND own.agent = asked.agent
)
SELECT
    snapshot,
    agent,
    stratum,
    corpus,
    reading AS dialect,
    n_hosts::BIGINT AS n_hosts,
    weight::DOUBLE AS weight,
    n_hosts_all::BIGINT AS n_hosts_all,
    n_hosts_some_or_all::BIGINT AS n_hosts_some_or_all,
    w_all::DOUBLE / nullif(weight, 0)::DOUBLE AS share_all,
    w_some_or_all::DOUBLE / nullif(weight, 0)::DOUBLE AS share_some_or_all,
    100 * (w_all - w_all_ours)::DOUBLE / nullif(weight, 0)::DOUBLE AS difference_all_points,
    100 * (w_some_or_all - w_some_or_all_ours)::DOUBLE / nullif(weight, 0)::DOUBLE
        AS difference_some_or_all_points,
    n_differ::BIGINT AS n_hosts_differ,
    w_differ::DOUBLE / nullif(weight, 0)::DOUBLE AS share_differ
FROM summed
ORDER BY snapshot, agent, stratum, corpus, dialect
