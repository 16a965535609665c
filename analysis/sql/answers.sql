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
    SELECT host, scheme, scheme || '://' || host || '/robots.txt' AS url
    FROM sites CROSS JOIN (VALUES ('https'), ('http')) AS forms (scheme)
    WHERE is_domain
),
-- The build asks for some snapshots at a time, so that memory stays within bounds; without variables it is all.
sound AS NOT MATERIALIZED (
    SELECT rowid AS capture, *, fetch_status BETWEEN 300 AND 399 AS is_redirect FROM captures
    WHERE snapshot >= coalesce(getvariable('first_snapshot'), snapshot)
        AND snapshot <= coalesce(getvariable('last_snapshot'), snapshot)
        AND digest_ok IS NOT FALSE
),
moves AS MATERIALIZED (
    SELECT DISTINCT snapshot, url, fetch_redirect AS target FROM sound
    WHERE is_redirect AND fetch_redirect IS NOT NULL
),
-- Other URLs that a chain may reach, so that only their captures are compared: a superset of the chains' own.
reached AS (
    SELECT snapshot, target AS url, 1 AS depth
    FROM (FROM moves SEMI JOIN asked USING (url)) ANTI JOIN asked ON asked.url = target
    UNION
    SELECT moves.snapshot, moves.target, reached.depth + 1
    FROM reached JOIN moves USING (snapshot, url) WHERE reached.depth < 5
),
-- Captures go by their number from here on: their texts are wide, and are fetched once at the end.
counted AS MATERIALIZED (
    SELECT snapshot, url, count(*) AS n_captures, min(capture) AS capture
    FROM sound
    WHERE url IN (SELECT url FROM asked) OR (snapshot, url) IN (SELECT (snapshot, url) FROM reached)
    GROUP BY snapshot, url
),
best AS (
    SELECT snapshot, url, sound.capture
    FROM sound JOIN counted USING (snapshot, url)
    WHERE n_captures > 1
    QUALIFY row_number() OVER (
        PARTITION BY snapshot, url
        ORDER BY
            NOT is_redirect AND snapshot < 'CC-MAIN-2017-26' DESC,
            fetch_time DESC, is_redirect, warc_filename, warc_record_offset
    ) = 1
),
picked AS MATERIALIZED (
    SELECT snapshot, url, n_captures, coalesce(best.capture, counted.capture) AS capture
    FROM counted LEFT JOIN best USING (snapshot, url)
),
steps AS MATERIALIZED (
    SELECT
        here.capture, there.capture AS target,
        fetch_status NOT IN (301, 302, 303, 307, 308) OR fetch_redirect IS NULL AS has_no_location,
        NOT regexp_matches(fetch_redirect, '^https?://[^/?#]') AS is_bad
    FROM picked AS here
    JOIN sound USING (capture)
    LEFT JOIN picked AS there ON there.snapshot = here.snapshot AND there.url = fetch_redirect
    WHERE is_redirect
),
starts AS MATERIALIZED (
    SELECT snapshot, host, scheme, capture, n_captures FROM picked JOIN asked USING (url)
),
walk AS (
    SELECT capture, [capture] AS visited FROM steps SEMI JOIN starts USING (capture)
    UNION ALL
    SELECT walk.capture, list_append(walk.visited, steps.target)
    FROM walk JOIN steps ON steps.capture = walk.visited[-1]
    WHERE NOT has_no_location AND NOT is_bad AND steps.target IS NOT NULL
        AND len(walk.visited) <= 5 AND NOT list_contains(walk.visited, steps.target)
),
chains AS (
    SELECT capture, max_by(visited, len(visited)) AS visited FROM walk GROUP BY capture
),
ends AS (
    SELECT
        snapshot, host, scheme, n_captures,
        coalesce(len(visited) - 1, 0) AS n_hops,
        coalesce(visited[-1], starts.capture) AS last_capture,
        CASE
            WHEN steps.capture IS NULL THEN 'final'
            WHEN has_no_location THEN 'no_location'
            WHEN is_bad THEN 'bad_location'
            WHEN list_contains(visited, steps.target) THEN 'loop'
            WHEN len(visited) > 5 THEN 'too_many_hops'
            ELSE 'target_not_captured'
        END AS end_reason
    FROM starts
    LEFT JOIN chains USING (capture)
    LEFT JOIN steps ON steps.capture = visited[-1]
),
spoken AS (
    SELECT
        snapshot, host, sum(n_captures)::BIGINT AS n_captures,
        arg_max(
            {'scheme': scheme, 'n_hops': n_hops, 'last_capture': last_capture, 'reason': end_reason},
            (end_reason = 'final', scheme)
        ) AS said
    FROM ends GROUP BY snapshot, host
)
SELECT
    spoken.snapshot,
    spoken.host,
    said.scheme || '://' || spoken.host || '/robots.txt' AS start_url,
    spoken.n_captures,
    said.n_hops,
    last.url AS end_url,
    last.fetch_status AS end_status,
    said.reason AS end_reason,
    CASE WHEN last.fetch_status BETWEEN 200 AND 299 THEN last.content_digest END AS content_digest,
    CASE WHEN end_reason = 'final' THEN states.access_state ELSE 'unresolved_redirect' END AS access_state,
    last.refusal_marker,
    last.fetch_time,
    last.warc_filename,
    last.warc_record_offset,
    last.warc_record_length
FROM spoken
JOIN sound AS last ON last.capture = said.last_capture
LEFT JOIN bodies ON bodies.content_digest = last.content_digest AND last.fetch_status BETWEEN 200 AND 299
LEFT JOIN access_states AS states
    ON states.fetch_status = last.fetch_status
    AND states.body_kind = coalesce(bodies.body_kind, '')
    AND states.has_refusal_marker = (last.refusal_marker IS NOT NULL)
ORDER BY spoken.snapshot, spoken.host
