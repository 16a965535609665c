-- How much was open to an agent when it was first listed, and is closed to it now?
-- One row per tracked agent whose first listing has a date not before the first snapshot, stratum and
-- corpus, in the default dialect. Open means none, some or absent (nothing declared); hosts that could not
-- be read then are neither open nor closed. What is known counts, observed or carried.
--
-- agent: Tracked agent
-- stratum: (all), or a stratum of the study, or (none)
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- first_listed_on: Day of the first public listing; the first of January where only the year is known
-- snapshot_listed: Last snapshot that began on or before that day
-- snapshot_now: Last snapshot of the study
-- n_hosts_open: Hosts open to the agent in snapshot_listed
-- n_hosts_closed_since: Those of them at level all in snapshot_now
-- n_hosts_closed_by_name: Those of them where a group names the agent
-- weight_open: Weight of the hosts open in snapshot_listed
-- weight_closed_since: Weight of those of them at level all in snapshot_now
-- share_closed_since: weight_closed_since over weight_open; empty when nothing was open
WITH listed AS (
    SELECT
        agent,
        coalesce(try_cast(first_listed AS DATE), try_cast(first_listed || '-01-01' AS DATE)) AS first_listed_on
    FROM agents WHERE is_tracked
),
starts AS (
    SELECT agent, first_listed_on, snapshot AS snapshot_listed
    FROM listed ASOF JOIN snapshot_order ON first_listed_on >= starts_on
),
-- Apart and small before they are joined: each host's months against each other would be millions of rows.
outcomes_then AS MATERIALIZED (
    SELECT snapshot, host, outcome FROM host_snapshots
    WHERE snapshot IN (SELECT snapshot_listed FROM starts)
),
outcomes_now AS MATERIALIZED (
    SELECT snapshot, host, outcome FROM host_snapshots
    WHERE snapshot = (SELECT snapshot FROM snapshot_order WHERE is_last)
),
cells AS MATERIALIZED (
    SELECT
        earlier.snapshot AS snapshot_listed, later.snapshot AS snapshot_now, stratum, corpus,
        earlier.outcome AS outcome_then, later.outcome AS outcome_now,
        count(*) AS n, sum(weight) AS w
    FROM outcomes_then AS earlier
    JOIN outcomes_now AS later ON later.host = earlier.host
    JOIN site_groups ON site_groups.host = earlier.host
    GROUP BY ALL
),
followed AS (
    SELECT
        cells.*, starts.agent, first_listed_on,
        coalesce(own_now.level, star_now.level) = 'all' AS is_closed,
        is_closed AND coalesce(own_now.group_match, star_now.group_match) = 'specific' AS is_named
    FROM cells
    JOIN starts USING (snapshot_listed)
    JOIN outcome_levels AS star_then ON star_then.outcome = outcome_then AND star_then.agent = '*'
    JOIN outcome_levels AS star_now ON star_now.outcome = outcome_now AND star_now.agent = '*'
    LEFT JOIN outcome_levels AS own_then ON own_then.outcome = outcome_then AND own_then.agent = starts.agent
    LEFT JOIN outcome_levels AS own_now ON own_now.outcome = outcome_now AND own_now.agent = starts.agent
    WHERE coalesce(own_then.level, star_then.level) IN ('none', 'some', 'absent')
)
SELECT
    agent,
    stratum,
    corpus,
    first_listed_on,
    snapshot_listed,
    snapshot_now,
    sum(n)::BIGINT AS n_hosts_open,
    coalesce(sum(n) FILTER (is_closed), 0)::BIGINT AS n_hosts_closed_since,
    coalesce(sum(n) FILTER (is_named), 0)::BIGINT AS n_hosts_closed_by_name,
    sum(w)::DOUBLE AS weight_open,
    coalesce(sum(w) FILTER (is_closed), 0)::DOUBLE AS weight_closed_since,
    weight_closed_since / nullif(weight_open, 0) AS share_closed_since
FROM followed
GROUP BY agent, stratum, corpus, first_listed_on, snapshot_listed, snapshot_now
ORDER BY agent, stratum, corpus
