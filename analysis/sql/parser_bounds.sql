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
outcomes AS MATERIALIZED (
    SELECT dialect, snapshot, host, outcome FROM host_outcomes WHERE is_observed
),
cells AS MATERIALIZED (
    SELECT
        ours.snapshot, stratum, corpus, ours.outcome AS outcome_ours, theirs.outcome AS outcome_theirs,
        theirs.dialect, count(*) AS n, sum(weight) AS w
    FROM outcomes AS ours
    JOIN outcomes AS theirs ON theirs.snapshot = ours.snapshot AND theirs.host = ours.host
    JOIN site_groups ON site_groups.host = ours.host
    WHERE ours.dialect = (SELECT dialect FROM reference)
    GROUP BY ALL
),
levels AS MATERIALIZED (
    SELECT outcome, agent, level, false AS is_study_rule FROM outcome_levels
    UNION ALL
    SELECT outcome, agent, coalesce(restriction_longpre2024, level), true FROM outcome_levels
),
star_pairs AS MATERIALIZED (
    SELECT
        outcome_ours, outcome_theirs, dialect, reading, rulers.is_study_rule,
        ours.level AS level_ours, theirs.level AS level_theirs
    FROM (SELECT DISTINCT outcome_ours, outcome_theirs, dialect FROM cells)
    JOIN rulers USING (dialect)
    JOIN levels AS ours
        ON ours.outcome = outcome_ours AND ours.agent = '*' AND NOT ours.is_study_rule
    JOIN levels AS theirs
        ON theirs.outcome = outcome_theirs AND theirs.agent = '*'
        AND theirs.is_study_rule = rulers.is_study_rule
),
-- As in declared_levels: all agents begin with the answers to *, those named on a side are moved.
named_pairs AS (
    SELECT star_pairs.*, agent FROM star_pairs
    JOIN outcome_levels ON outcome = outcome_ours AND agent <> '*'
    UNION
    SELECT star_pairs.*, agent FROM star_pairs
    JOIN outcome_levels ON outcome = outcome_theirs AND agent <> '*'
),
shifts AS (
    SELECT
        outcome_ours, outcome_theirs, dialect, reading, named_pairs.agent, level_ours, level_theirs,
        coalesce(ours.level, level_ours) AS own_ours,
        coalesce(theirs.level, level_theirs) AS own_theirs
    FROM named_pairs
    LEFT JOIN levels AS ours
        ON ours.outcome = outcome_ours AND ours.agent = named_pairs.agent AND NOT ours.is_study_rule
    LEFT JOIN levels AS theirs
        ON theirs.outcome = outcome_theirs AND theirs.agent = named_pairs.agent
        AND theirs.is_study_rule = named_pairs.is_study_rule
    WHERE own_ours <> level_ours OR own_theirs <> level_theirs
),
shifted AS MATERIALIZED (
    SELECT
        snapshot, agent, stratum, corpus, reading, level_ours, level_theirs, own_ours, own_theirs,
        sum(n) AS n, sum(w) AS w
    FROM cells JOIN shifts USING (outcome_ours, outcome_theirs, dialect) GROUP BY ALL
),
by_star AS (
    SELECT snapshot, stratum, corpus, reading, level_ours, level_theirs, sum(n) AS n, sum(w) AS w
    FROM cells JOIN star_pairs USING (outcome_ours, outcome_theirs, dialect) GROUP BY ALL
),
counted AS (
    SELECT agent, by_star.* FROM by_star CROSS JOIN (SELECT DISTINCT agent FROM agent_groups)
    UNION ALL BY NAME
    SELECT * EXCLUDE (own_ours, own_theirs) REPLACE (-n AS n, -w AS w) FROM shifted
    UNION ALL BY NAME
    SELECT * EXCLUDE (own_ours, own_theirs) REPLACE (own_ours AS level_ours, own_theirs AS level_theirs)
    FROM shifted
),
summed AS (
    SELECT
        snapshot, agent, stratum, corpus, reading,
        sum(n) AS n_hosts,
        sum(w) AS weight,
        coalesce(sum(n) FILTER (level_theirs = 'all'), 0) AS n_hosts_all,
        coalesce(sum(n) FILTER (level_theirs IN ('some', 'all')), 0) AS n_hosts_some_or_all,
        coalesce(sum(w) FILTER (level_theirs = 'all'), 0) AS w_all,
        coalesce(sum(w) FILTER (level_theirs IN ('some', 'all')), 0) AS w_some_or_all,
        coalesce(sum(w) FILTER (level_ours = 'all'), 0) AS w_all_ours,
        coalesce(sum(w) FILTER (level_ours IN ('some', 'all')), 0) AS w_some_or_all_ours,
        coalesce(sum(n) FILTER (level_ours <> level_theirs), 0) AS n_differ,
        coalesce(sum(w) FILTER (level_ours <> level_theirs), 0) AS w_differ
    FROM counted GROUP BY ALL
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
