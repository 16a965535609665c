-- What is known of each host in each snapshot, observed in it or carried forward to it?
-- One row for every web host of the study in every snapshot; a source that is no web host has no robots.txt
-- and is left out. The last observation at or before the snapshot
-- counts, whatever it was.
--
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- host: Host of the study
-- position: Place of the snapshot in the study, 1 is the oldest
-- access_state: How robots.txt was obtained; not_captured when it never was so far
-- is_observed: Whether the host was captured in this very snapshot
-- is_carried: Whether the observation comes from an earlier snapshot
-- age_days: Days from the start of the snapshot observed in to the start of this one, 0 when they are the
--   same; empty when never captured or when a start is not known
-- observed_snapshot: Snapshot in which the observation was made; empty when never captured
-- start_url: The form of its robots.txt that speaks for the host
-- end_url: URL at which the chain of redirects ended
-- end_status: HTTP status there
-- refusal_marker: provider/action of the refusal marker found in the last answer; empty when none
-- content_digest: Body of the final answer; empty unless it is a 2xx
-- fetch_time: When the last answer came, UTC
-- outcome: Ruleset of its robots.txt in the default dialect, or its access state in brackets, or (not_read);
--   joins to outcome_levels, and is given in the other dialects by host_outcomes
-- warc_filename: WARC file that holds the last answer
-- warc_record_offset: Byte at which its record starts
WITH grid AS (
    SELECT snapshot, position, starts_on, host FROM snapshot_order CROSS JOIN sites WHERE is_domain
),
read AS (
    SELECT content_digest, ruleset FROM readings WHERE dialect = (SELECT dialect FROM dialects WHERE is_default)
),
observed AS (
    SELECT
        *,
        if(access_state = 'rules', coalesce(ruleset, '(not_read)'), '(' || access_state || ')') AS outcome
    FROM answers JOIN snapshot_order USING (snapshot) LEFT JOIN read USING (content_digest)
)
SELECT
    grid.snapshot,
    grid.host,
    grid.position,
    coalesce(observed.access_state, 'not_captured') AS access_state,
    coalesce(observed.position = grid.position, false) AS is_observed,
    coalesce(observed.position < grid.position, false) AS is_carried,
    CASE WHEN is_observed THEN 0 ELSE date_diff('day', observed.starts_on, grid.starts_on) END AS age_days,
    observed.snapshot AS observed_snapshot,
    observed.start_url,
    observed.end_url,
    observed.end_status,
    observed.refusal_marker,
    observed.content_digest,
    observed.fetch_time,
    coalesce(observed.outcome, '(not_captured)') AS outcome,
    observed.warc_filename,
    observed.warc_record_offset
FROM grid ASOF LEFT JOIN observed ON observed.host = grid.host AND observed.position <= grid.position
ORDER BY grid.snapshot, grid.host
