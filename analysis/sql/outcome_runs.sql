-- How long did each host keep giving the same outcome?
-- One row per host and unbroken run of observations with one outcome, in the default dialect. Observations
-- in which robots.txt could not be read (refused, server_error, not_robots, unresolved_redirect, or a body
-- without a reading) say nothing of its level and are passed over, as are snapshots without a date. Runs are
-- cut where an agent's clock starts, so that each lies before or after every day of survival_origins.
--
-- host: Host of the study
-- run: Number of the run, 1 is the oldest of the host
-- outcome: Outcome, joins to outcome_levels
-- first_on: Start of the snapshot of the run's first observation
-- last_on: Start of the snapshot of its last
WITH dated AS (
    SELECT
        snapshot, starts_on,
        (SELECT count(*) FROM survival_origins WHERE origin_on <= starts_on) AS era
    FROM snapshot_order WHERE starts_on IS NOT NULL
),
seen AS (
    SELECT host, starts_on, era, outcome
    FROM host_snapshots JOIN dated USING (snapshot)
    WHERE is_observed AND outcome IN (
            SELECT outcome FROM outcome_levels
            WHERE agent = '*' AND level IN ('none', 'some', 'all', 'absent')
        )
),
marked AS (
    SELECT
        *,
        lag(outcome) OVER seen_before IS DISTINCT FROM outcome
            OR lag(era) OVER seen_before IS DISTINCT FROM era AS is_new
    FROM seen WINDOW seen_before AS (PARTITION BY host ORDER BY starts_on)
),
numbered AS (
    SELECT *, count(*) FILTER (is_new) OVER (PARTITION BY host ORDER BY starts_on) AS run FROM marked
)
SELECT host, run, any_value(outcome) AS outcome, min(starts_on) AS first_on, max(starts_on) AS last_on
FROM numbered
GROUP BY host, run
ORDER BY host, run
