-- Whose pages are in the samples, and whose are not because Common Crawl may not fetch them?
-- One row per snapshot of which URLs were drawn, stratum, and what the host's robots.txt says to CCBot.
-- Common Crawl obeys robots.txt: hosts closed to CCBot have no pages, and of hosts at some the pages that it
-- may not fetch are missing. What is seen of the level all is from before or beside the file seen.
--
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- stratum: (all), or a stratum of the study, or (none)
-- ccbot_level: none, some or all to CCBot where a file declares one or is empty; else the access state, or
--   not_read, or not_captured for hosts that the snapshot holds no answer of
-- n_hosts: Hosts of the study
-- n_hosts_with_urls: Those of them of which the snapshot holds a page
-- share_with_urls: n_hosts_with_urls over n_hosts
-- n_hosts_drawn_whole: Those of them all of whose pages were drawn
-- n_urls_seen: Pages that the snapshot holds of them
-- n_urls_sampled: Pages drawn
-- median_urls_seen: Median of the pages of those that have any, the lower of two; empty when none has
WITH levels AS (
    SELECT star.outcome, coalesce(own.level, star.level) AS level
    FROM (FROM outcome_levels WHERE agent = '*') AS star
    LEFT JOIN (FROM outcome_levels WHERE agent = 'CCBot') AS own USING (outcome)
),
told AS (
    SELECT
        snapshot, host,
        CASE WHEN is_observed THEN level ELSE 'not_captured' END AS ccbot_level
    FROM host_outcomes
    SEMI JOIN url_snapshots USING (snapshot)
    LEFT JOIN levels USING (outcome)
    WHERE dialect = (SELECT dialect FROM dialects WHERE is_default)
)
SELECT
    snapshot,
    stratum,
    ccbot_level,
    count(*) AS n_hosts,
    count(n_urls_seen) AS n_hosts_with_urls,
    count(n_urls_seen) / count(*) AS share_with_urls,
    count(*) FILTER (n_urls_sampled = n_urls_seen) AS n_hosts_drawn_whole,
    coalesce(sum(n_urls_seen), 0)::BIGINT AS n_urls_seen,
    coalesce(sum(n_urls_sampled), 0)::BIGINT AS n_urls_sampled,
    quantile_disc(n_urls_seen, 0.5) AS median_urls_seen
FROM told
JOIN site_groups USING (host)
LEFT JOIN url_frames USING (snapshot, host)
WHERE corpus = 'hosts'
GROUP BY snapshot, stratum, ccbot_level
ORDER BY snapshot, stratum, ccbot_level
