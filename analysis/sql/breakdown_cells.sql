-- How many hosts, of how much weight, have which outcome, by each property of the site and of its file?
-- One row per snapshot, dimension, category, corpus and outcome that occurs, in the default dialect; hosts
-- never captured so far are left out. Outcomes that mean the same to every agent and label at every date
-- are counted as one, the first by name.
--
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- dimension: whole, stratum, tld, language_region or management
-- category: Value in that dimension, as in level_breakdowns
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- outcome: Outcome of outcome_levels that stands for all that mean the same
-- n_hosts_observed: Hosts captured in this very snapshot
-- n_hosts_known: Those and the hosts known from an earlier snapshot
-- weight_observed: Weight of the hosts observed, to twelve decimals
-- weight_known: Weight of the hosts known, to twelve decimals
WITH meanings AS (
    SELECT
        outcome,
        list((agent, listed_from, listed_until, level, group_match) ORDER BY agent, listed_from) AS meaning
    FROM dated_levels GROUP BY outcome
),
alike AS MATERIALIZED (
    SELECT outcome, min(outcome) OVER (PARTITION BY level, group_match, meaning) AS standing_for
    FROM outcome_levels LEFT JOIN meanings USING (outcome) WHERE agent = '*'
),
spoken AS (
    SELECT
        host, sites.stratum, coalesce(sites.tld, '(none)') AS tld,
        if(sites.tld IS NULL, '(none)', coalesce(language, '(generic)')) AS language_region
    FROM sites LEFT JOIN tld_languages USING (tld) WHERE is_domain
),
large_tlds AS (
    SELECT tld FROM spoken GROUP BY tld ORDER BY count(*) DESC, tld LIMIT 30
),
large_languages AS (
    SELECT language_region FROM spoken GROUP BY language_region ORDER BY count(*) DESC, language_region LIMIT 30
),
weighed AS MATERIALIZED (
    SELECT
        host, corpus, weight, coalesce(spoken.stratum, '(none)') AS stratum,
        if(tld IN (FROM large_tlds), tld, '(other)') AS tld,
        if(language_region IN (FROM large_languages), language_region, '(other)') AS language_region
    FROM site_groups JOIN spoken USING (host) WHERE site_groups.stratum = '(all)'
),
known AS (
    SELECT
        snapshot, host, standing_for AS outcome, is_observed,
        CASE
            WHEN access_state IN ('empty', 'absent') THEN access_state
            WHEN access_state <> 'rules' THEN 'unreadable'
            WHEN managed_by IS NULL THEN 'unsigned'
            ELSE coalesce(management, 'cms')
        END AS management
    FROM host_snapshots
    JOIN alike USING (outcome)
    LEFT JOIN bodies USING (content_digest)
    LEFT JOIN body_authors ON author = managed_by
    WHERE access_state <> 'not_captured'
),
cells AS (
    SELECT
        snapshot,
        CASE
            WHEN grouping(stratum) = 0 THEN 'stratum'
            WHEN grouping(tld) = 0 THEN 'tld'
            WHEN grouping(language_region) = 0 THEN 'language_region'
            WHEN grouping(management) = 0 THEN 'management'
            ELSE 'whole'
        END AS dimension,
        coalesce(stratum, tld, language_region, management, '(all)') AS category,
        corpus,
        outcome,
        count(*) FILTER (is_observed) AS n_hosts_observed,
        count(*) AS n_hosts_known,
        coalesce(sum(weight) FILTER (is_observed), 0)::DECIMAL(38, 12) AS weight_observed,
        sum(weight)::DECIMAL(38, 12) AS weight_known
    FROM known JOIN weighed USING (host)
    GROUP BY GROUPING SETS (
        (snapshot, corpus, outcome),
        (snapshot, corpus, outcome, stratum),
        (snapshot, corpus, outcome, tld),
        (snapshot, corpus, outcome, language_region),
        (snapshot, corpus, outcome, management)
    )
)
SELECT * FROM cells
WHERE dimension <> 'stratum' OR EXISTS (SELECT 1 FROM sites WHERE is_domain AND stratum IS NOT NULL)
ORDER BY snapshot, dimension, category, corpus, outcome
