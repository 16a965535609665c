-- What share is closed to each agent, month by month?
-- One row per agent, corpus and month of a regular grid, in the default dialect, over all strata: the last
-- snapshot that began in the month. Snapshots that observed less than half of the median weight do not
-- count, since what they show is who was captured. Up to three months without a snapshot are filled with the month
-- before; a longer gap ends the stretch, and change points and forecasts use the newest stretch only.
--
-- agent: Tracked agent, or a label in brackets that stands for several (the strictest answer counts)
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- month: First day of the month
-- stretch: Number of the unbroken stretch, 1 is the newest
-- snapshot: Common Crawl release that the share is from
-- is_filled: Whether the month has no snapshot of its own
-- n_hosts: Hosts observed in the snapshot
-- share: Weight at level all over the weight of all hosts observed in the snapshot
WITH shares AS (
    SELECT
        snapshot, agent, corpus,
        sum(n_hosts_observed)::BIGINT AS n_hosts,
        sum(weight_observed) AS weight,
        coalesce(sum(share_of_observed) FILTER (level = 'all'), 0) AS share
    FROM declared_levels WHERE stratum = '(all)'
    GROUP BY ALL HAVING weight > 0
),
dated AS (
    SELECT *, date_trunc('month', starts_on)::DATE AS month
    FROM shares JOIN snapshot_order USING (snapshot)
    WHERE starts_on IS NOT NULL
    QUALIFY weight >= 0.5 * median(weight) OVER (PARTITION BY agent, corpus)
),
own AS (
    SELECT * FROM dated
    QUALIFY row_number() OVER (PARTITION BY agent, corpus, month ORDER BY starts_on DESC, position DESC) = 1
),
marked AS (
    SELECT *, lead(month) OVER later AS next_month, date_diff('month', month, next_month) > 4 AS is_end
    FROM own WINDOW later AS (PARTITION BY agent, corpus ORDER BY month)
),
stretched AS (
    SELECT
        *,
        1 + count(*) FILTER (is_end) OVER (
            PARTITION BY agent, corpus ORDER BY month DESC
        ) AS stretch
    FROM marked
),
months AS (
    SELECT *, unnest(range(CASE WHEN next_month IS NULL OR is_end THEN 1
        ELSE date_diff('month', month, next_month) END)) AS n_after
    FROM stretched
)
SELECT
    agent,
    corpus,
    (month + to_months(n_after::INTEGER))::DATE AS month,
    stretch,
    snapshot,
    n_after > 0 AS is_filled,
    n_hosts,
    round(share, 12) AS share
FROM months
ORDER BY agent, corpus, month
