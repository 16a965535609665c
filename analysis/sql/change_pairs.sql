-- Between which snapshots is change estimated?
-- One row per pair: the first and the last snapshot, the last ones of two years that follow each other among
-- the years of the study, and each snapshot with the one that begins nearest to twelve months later, if one
-- begins within 61 days of that.
--
-- snapshot_from: The earlier snapshot
-- snapshot_to: The later snapshot
-- is_endpoints: Whether the pair is the first and the last snapshot of the study
-- is_year_ends: Whether the pair is the last snapshots of two years
-- is_12_months: Whether the later snapshot is the one nearest to twelve months after the earlier
WITH year_ends AS (
    SELECT snapshot AS snapshot_from, lead(snapshot) OVER (ORDER BY position) AS snapshot_to
    FROM snapshot_order WHERE is_last_of_year
),
a_year_on AS (
    SELECT
        earlier.snapshot AS snapshot_from,
        later.snapshot AS snapshot_to,
        abs(date_diff('day', earlier.starts_on + INTERVAL 12 MONTH, later.starts_on)) AS days_off
    FROM snapshot_order AS earlier JOIN snapshot_order AS later ON later.position > earlier.position
    WHERE days_off <= 61
    QUALIFY row_number() OVER (PARTITION BY earlier.snapshot ORDER BY days_off, later.position) = 1
),
pairs AS (
    SELECT first.snapshot AS snapshot_from, last.snapshot AS snapshot_to, 'endpoints' AS kind
    FROM snapshot_order AS first JOIN snapshot_order AS last ON first.is_first AND last.is_last
    WHERE NOT first.is_last
    UNION ALL
    SELECT *, 'year_ends' FROM year_ends WHERE snapshot_to IS NOT NULL
    UNION ALL
    SELECT snapshot_from, snapshot_to, '12_months' FROM a_year_on
)
SELECT
    snapshot_from,
    snapshot_to,
    bool_or(kind = 'endpoints') AS is_endpoints,
    bool_or(kind = 'year_ends') AS is_year_ends,
    bool_or(kind = '12_months') AS is_12_months
FROM pairs
GROUP BY snapshot_from, snapshot_to
ORDER BY snapshot_from, snapshot_to
