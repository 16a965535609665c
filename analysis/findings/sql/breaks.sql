-- When did the closed share break with what came before?
--
-- agent: A label that stands for several agents, or one of the four tracked agents with the largest breaks
-- month: First day of a month
-- snapshot: Last snapshot that began in it, or the one of the month before
-- n_hosts: Hosts observed in the snapshot
-- share: Share of them that close every path
-- size_points: Size of the break that begins in the month, in percentage points; empty in the other months
-- p_value: Share of draws of noise without a break in which one looks as large; empty in the other months
WITH breaking AS (
    SELECT agent, max(abs(size_points)) AS largest FROM change_points
    WHERE corpus = 'hosts' GROUP BY agent
    ORDER BY agent LIKE '(%' DESC, largest DESC, agent LIMIT 8
)
SELECT agent, month, monthly_levels.snapshot, n_hosts, share, size_points, p_value
FROM monthly_levels
JOIN breaking USING (agent)
LEFT JOIN change_points USING (agent, corpus, month)
WHERE corpus = 'hosts' AND stretch = 1
ORDER BY agent LIKE '(%' DESC, largest DESC, agent, month
