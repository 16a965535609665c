-- Which pages of each host were drawn from all releases together?
-- One row per host and page: of the pages of all its samples those with the smallest hashes, as many as are
-- drawn of a host in one release. Releases in which the host was open so tell of pages that were not fetched
-- since. A uniform sample without replacement of all pages that any of the releases holds.
--
-- host: Host of the study
-- place: Place of the page among those of its host, from 1
-- path: Path and query of the page
-- is_complete: Whether the host's rows are all its pages in all the releases
WITH pages AS (
    SELECT host, path FROM url_samples GROUP BY host, path
),
whole AS (
    SELECT host, bool_and(n_urls_sampled = n_urls_seen) AS is_whole FROM url_frames GROUP BY host
),
ranked AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY host ORDER BY md5(host || path), path) AS place,
        count(*) OVER (PARTITION BY host) AS n_pages
    FROM pages
),
limits AS (
    SELECT max(per_host) AS per_host FROM url_snapshots
)
SELECT host, place, path, is_whole AND n_pages <= per_host AS is_complete
FROM ranked JOIN whole USING (host) CROSS JOIN limits
WHERE place <= per_host
ORDER BY host, place
