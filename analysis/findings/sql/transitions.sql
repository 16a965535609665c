-- Which changes of what an agent is told are the most frequent?
--
-- agent: Tracked agent that the file names before or after the change
-- change: What changed, in words
-- n_hosts: Hosts on which it was seen, each counted once
-- n_changes: How often it was seen
SELECT
    agent,
    CASE kind
        WHEN 'new_block' THEN 'newly restricted in full'
        WHEN 'removal' THEN 'full restriction removed'
        WHEN 'became_named' THEN 'now named'
        ELSE replace(kind, '_', ' ')
    END AS change,
    count(DISTINCT host) AS n_hosts,
    count(*) AS n_changes
FROM transitions
WHERE 'specific' IN (group_match_from, group_match_to)
GROUP BY agent, kind
ORDER BY n_hosts DESC, agent, change
LIMIT 14
