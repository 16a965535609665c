-- How was each host's robots.txt answered in each snapshot?
-- One row per snapshot and host of the study of which https://HOST/robots.txt or http://HOST/robots.txt
-- was captured. Redirects are followed inside the snapshot, up to five, across hosts and schemes (RFC 9309
-- section 2.3.1.2), by the rule that snapshots/redirects.py states in words and in Python:
-- * a capture whose digest is known to be wrong does not count;
-- * of several captures of one URL, in this order: before CC-MAIN-2017-26 not 3xx before 3xx, then the
--   latest, not 3xx before 3xx, the smallest file and offset;
-- * the https form speaks if its chain ends final, else the http form if its chain does, else the https
--   form if captured, else the http form.
--
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- host: Host of the study that was asked
-- start_url: The form of its robots.txt that speaks for it
-- n_captures: Captures of both forms in the snapshot that count
-- n_hops: Redirects that were followed
-- end_url: URL at which the chain ended
-- end_status: HTTP status there
-- end_reason: final, or why the chain ended at a redirect: no_location, bad_location, loop,
--   too_many_hops, target_not_captured
-- content_digest: Body of the final answer; empty unless it is a 2xx
-- access_state: How robots.txt was obtained: rules, empty, absent, refused, server_error, not_robots or
--   unresolved_redirect
-- refusal_marker: provider/action of the refusal marker found in the last answer; empty when none
-- fetch_time: When the last answer came, UTC
-- warc_filename: WARC file that holds the last answer
-- warc_record_offset: Byte at which its record starts
-- warc_record_length: Compressed bytes of its record
WITH RECURSIVE asked AS (
    SELECT host, scheme || '://' || host || '/robots.txt' AS url
    FROM sites CROSS JOIN (VALUES ('https'), ('http')) AS forms (scheme)
    WHERE is_domain
),
sound AS (
    SELECT *, fetch_status BETWEEN 300 AND 399 AS is_redirect FROM captures WHERE digest_ok IS NOT FALSE
),
moves AS MATERIALIZED (
    SELECT DISTINCT snapshot, url, fetch_redirect AS target
    FROM sound WHERE is_redirect AND fetch_redirect IS NOT NULL
),
-- URLs that a chain may reach, so that only their captures are compared: a superset of the chains' own.
reached AS (
    SELECT DISTINCT sound.snapshot, sound.url, 0 AS depth FROM sound SEMI JOIN asked USING (url)
    UNION
    SELECT moves.snapshot, moves.target, reached.depth + 1
    FROM reached JOIN moves USING (snapshot, url) WHERE reached.depth < 5
),
picked AS MATERIALIZED (
    SELECT *, count(*) OVER (PARTITION BY snapshot, url) AS n_captures
    FROM sound SEMI JOIN reached USING (snapshot, url)
    QUALIFY row_number() OVER (
        PARTITION BY snapshot, url
        ORDER BY
            NOT is_redirect AND snapshot < 'CC-MAIN-2017-26' DESC,
            fetch_time DESC, is_redirect, warc_filename, warc_record_offset
    ) = 1
),
steps AS MATERIALIZED (
    SELECT
        here.snapshot, here.url, here.fetch_redirect AS target, there.url IS NOT NULL AS is_captured,
        here.fetch_status NOT IN (301, 302, 303, 307, 308) OR target IS NULL AS has_no_location,
        NOT regexp_matches(target, '^https?://[^/?#]') AS is_bad
    FROM picked AS here
    LEFT JOIN picked AS there ON there.snapshot = here.snapshot AND there.url = here.fetch_redirect
    WHERE here.is_redirect
),
walk AS (
    SELECT snapshot, url AS start_url, [url] AS visited FROM steps SEMI JOIN asked USING (url)
    UNION ALL
    SELECT walk.snapshot, walk.start_url, list_append(walk.visited, steps.target)
    FROM walk JOIN steps ON steps.snapshot = walk.snapshot AND steps.url = walk.visited[-1]
    WHERE NOT has_no_location AND NOT is_bad AND is_captured
        AND len(walk.visited) <= 5 AND NOT list_contains(walk.visited, steps.target)
),
chains AS (
    SELECT snapshot, start_url, max_by(visited, len(visited)) AS visited FROM walk GROUP BY snapshot, start_url
),
paths AS (
    SELECT
        picked.snapshot, asked.host, asked.url AS start_url, picked.n_captures,
        coalesce(visited, [asked.url]) AS path
    FROM asked
    JOIN picked USING (url)
    LEFT JOIN chains ON chains.snapshot = picked.snapshot AND chains.start_url = asked.url
),
ends AS (
    SELECT
        paths.* EXCLUDE (n_captures),
        CASE
            WHEN steps.url IS NULL THEN 'final'
            WHEN has_no_location THEN 'no_location'
            WHEN is_bad THEN 'bad_location'
            WHEN list_contains(path, steps.target) THEN 'loop'
            WHEN len(path) > 5 THEN 'too_many_hops'
            ELSE 'target_not_captured'
        END AS end_reason,
        sum(n_captures) OVER (PARTITION BY paths.snapshot, host) AS n_captures
    FROM paths
    LEFT JOIN steps ON steps.snapshot = paths.snapshot AND steps.url = path[-1]
    QUALIFY row_number() OVER (
        PARTITION BY paths.snapshot, host ORDER BY end_reason = 'final' DESC, start_url DESC
    ) = 1
)
SELECT
    ends.snapshot,
    ends.host,
    ends.start_url,
    ends.n_captures::BIGINT AS n_captures,
    len(ends.path) - 1 AS n_hops,
    last.url AS end_url,
    last.fetch_status AS end_status,
    ends.end_reason,
    CASE WHEN last.fetch_status BETWEEN 200 AND 299 THEN last.content_digest END AS content_digest,
    CASE WHEN ends.end_reason = 'final' THEN states.access_state ELSE 'unresolved_redirect' END AS access_state,
    last.refusal_marker,
    last.fetch_time,
    last.warc_filename,
    last.warc_record_offset,
    last.warc_record_length
FROM ends
JOIN picked AS last ON last.snapshot = ends.snapshot AND last.url = ends.path[-1]
LEFT JOIN bodies ON bodies.content_digest = last.content_digest AND last.fetch_status BETWEEN 200 AND 299
LEFT JOIN access_states AS states
    ON states.fetch_status = last.fetch_status
    AND states.body_kind = coalesce(bodies.body_kind, '')
    AND states.has_refusal_marker = (last.refusal_marker IS NOT NULL)
ORDER BY ends.snapshot, ends.host
