-- In which order do the snapshots stand, and which of them are the ends of the study and of its years?
-- Distances in time are measured between the starts of snapshots, because the fetch times of some
-- releases are the clock of the server that answered.
--
-- snapshot: Common Crawl release, CC-MAIN-YYYY-WW
-- position: Place of the snapshot in the study, 1 is the oldest
-- starts_on: Day the crawl began; the Monday of the week in its name when it is not stated; empty when neither is known
-- year: Year in the snapshot's name, else of starts_on
-- is_first: Whether it is the oldest of the study
-- is_last: Whether it is the newest of the study
-- is_last_of_year: Whether it is the newest of its year
WITH dated AS (
    SELECT
        snapshot,
        regexp_extract(snapshot, '(\d{4}-\d{2})$', 1) AS week,
        coalesce(starts_at::DATE, try_strptime(nullif(week, '') || '-1', '%G-%V-%u')::DATE) AS starts_on,
        coalesce(try_cast(nullif(week[:4], '') AS BIGINT), year(starts_on)) AS year
    FROM snapshots
)
SELECT
    snapshot,
    position,
    starts_on,
    year,
    position = 1 AS is_first,
    position = count(*) OVER () AS is_last,
    year IS NOT NULL AND position = max(position) OVER (PARTITION BY year) AS is_last_of_year
FROM (SELECT *, row_number() OVER (ORDER BY snapshot) AS position FROM dated)
ORDER BY snapshot
