-- In which direction do sites change what they declare?
--
-- change: What changed, in words
-- n_hosts: Hosts on which it was seen for any tracked agent, each counted once
-- n_changes: How often it was seen, over all tracked agents, named in the file or not
SELECT
    CASE kind
        WHEN 'new_block' THEN 'newly restricted in full'
        WHEN 'removal' THEN 'full restriction removed'
        WHEN 'became_named' THEN 'now named'
        ELSE replace(kind, '_', ' ')
    END AS change,
    count(DISTINCT host) AS n_hosts,
    count(*) AS n_changes
FROM transitions
GROUP BY kind
ORDER BY n_hosts DESC, change
