-- How long do hosts stay open?
--
-- agent: The six tracked agents to which most hosts closed
-- day: Days since the agent was first listed, or since the first snapshot where it was listed before
-- years: The same in years
-- snapshot: Common Crawl release that began on that day
-- n_hosts: Hosts of the curve: all that were ever seen open after the agent was listed
-- n_at_risk: Hosts seen open before this day that had not left
-- n_closed: Those of them first seen closed on this day
-- share_open: Estimated share still open after this day (Kaplan-Meier with delayed entry)
-- share_low: Lower end of its 95 % interval, wider where hosts of one domain close together
-- share_high: Upper end of it
WITH curves AS (
    SELECT agent, sum(n_events) AS n_closed_in_all FROM openness_survival
    WHERE stratum = '(all)' AND agent NOT LIKE '(%'
    GROUP BY agent HAVING sum(n_events) > 0 ORDER BY n_closed_in_all DESC, agent LIMIT 6
)
SELECT
    agent,
    day,
    day / 365.25 AS years,
    snapshot,
    n_hosts,
    n_at_risk,
    n_events AS n_closed,
    survival AS share_open,
    coalesce(clustered_low, survival_low, survival) AS share_low,
    coalesce(clustered_high, survival_high, survival) AS share_high
FROM openness_survival JOIN curves USING (agent)
WHERE stratum = '(all)' AND survival IS NOT NULL
ORDER BY n_closed_in_all DESC, agent, day
