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
open_then AS (
    SELECT starts.*, host
    FROM starts JOIN panel ON panel.agent = starts.agent AND panel.snapshot = snapshot_listed
    WHERE level IN ('none', 'some', 'absent')
),
followed AS (
    SELECT
        open_then.*, panel.snapshot AS snapshot_now,
        level = 'all' AS is_closed,
        is_closed AND group_match = 'specific' AS is_named
    FROM open_then JOIN panel USING (host, agent)
    WHERE panel.snapshot = (SELECT snapshot FROM snapshot_order WHERE is_last)
)
SELECT
    agent,
    stratum,
    corpus,
    first_listed_on,
    snapshot_listed,
    snapshot_now,
    count(*)::BIGINT AS n_hosts_open,
    (count(*) FILTER (is_closed))::BIGINT AS n_hosts_closed_since,
    (count(*) FILTER (is_named))::BIGINT AS n_hosts_closed_by_name,
    sum(weight)::DOUBLE AS weight_open,
    coalesce(sum(weight) FILTER (is_closed), 0)::DOUBLE AS weight_closed_since,
    weight_closed_since / nullif(weight_open, 0) AS share_closed_since
FROM followed JOIN site_groups USING (host)
GROUP BY agent, stratum, corpus, first_listed_on, snapshot_listed, snapshot_now
ORDER BY agent, stratum, corpus
