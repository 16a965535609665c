-- What does each host declare to each tracked agent in each snapshot, in each dialect?
-- One row per dialect, host, snapshot and tracked agent: always filter on the dialect.
--
-- dialect: Named reading of RFC 9309
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- host: Host of the study
-- agent: Tracked agent
-- stratum: Stratum of the host; empty when it has none
-- level: The restriction where a file declares one or is empty; else the access state, or not_read
-- access_state: How robots.txt was obtained; not_captured when it never was so far
-- restriction: none, some or all by the rules' effect; empty where nothing is declared
-- group_match: specific (a group names the agent), wildcard (the * group speaks), none (no group does);
--   empty where nothing is declared
-- restriction_longpre2024: none, some or all by the rule of Longpre et al. (2024)
-- crawl_delay: Crawl-delay for the agent in seconds; empty when none is stated
-- is_carried: Whether the observation comes from an earlier snapshot
-- age_days: Days from the start of the snapshot observed in to the start of this one, 0 when observed
--   here; empty when never captured
-- observed_snapshot: Snapshot in which the observation was made; empty when never captured
-- start_url: The form of its robots.txt that speaks for the host
-- end_url: URL at which the chain of redirects ended
-- content_digest: Body of the final answer; empty unless it is a 2xx
-- fetch_time: When the last answer came, UTC
-- warc_filename: WARC file that holds the last answer
-- warc_record_offset: Byte at which its record starts
SELECT
    known.dialect,
    known.snapshot,
    known.host,
    tracked.agent,
    sites.stratum,
    coalesce(own.level, star.level) AS level,
    known.access_state,
    coalesce(own.restriction, star.restriction) AS restriction,
    coalesce(own.group_match, star.group_match) AS group_match,
    coalesce(own.restriction_longpre2024, star.restriction_longpre2024) AS restriction_longpre2024,
    CASE WHEN own.agent IS NULL THEN star.crawl_delay ELSE own.crawl_delay END AS crawl_delay,
    known.is_carried,
    known.age_days,
    known.observed_snapshot,
    known.start_url,
    known.end_url,
    known.content_digest,
    known.fetch_time,
    known.warc_filename,
    known.warc_record_offset
FROM (
    SELECT
        known.* EXCLUDE (outcome), dialects.dialect,
        if(access_state = 'rules', coalesce(ruleset, '(not_read)'), '(' || access_state || ')') AS outcome
    FROM host_snapshots AS known
    CROSS JOIN dialects
    LEFT JOIN readings
        ON readings.content_digest = known.content_digest AND readings.dialect = dialects.dialect
) AS known
JOIN sites USING (host)
CROSS JOIN (SELECT agent FROM agents WHERE is_tracked) AS tracked
JOIN outcome_levels AS star ON star.outcome = known.outcome AND star.agent = '*'
LEFT JOIN outcome_levels AS own ON own.outcome = known.outcome AND own.agent = tracked.agent
