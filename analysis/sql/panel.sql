-- What does each host declare to each tracked agent in each snapshot?
-- One row per host, snapshot and tracked agent, read in the study's default dialect; panel_of('google')
-- gives the same in another dialect. Every host of the study is there in every snapshot.
--
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
SELECT * EXCLUDE (dialect)
FROM panel_by_dialect
WHERE dialect = (SELECT dialect FROM dialects WHERE is_default)
