-- Whose answers are read together? Every tracked agent stands for itself; labels in brackets stand for
-- several agents, of which the strictest answer counts.
--
-- agent: Tracked agent; or (any PURPOSE) for the tracked agents of one purpose; or (study combined) for
--   the agents that Longpre et al. (2024) combined
-- member: Agent whose answer counts for it
SELECT agent, agent AS member FROM agents WHERE is_tracked
UNION ALL
SELECT '(any ' || purpose || ')', agent FROM agents WHERE is_tracked AND purpose IS NOT NULL
UNION ALL
SELECT '(study combined)', unnest([
    'GPTBot', 'ChatGPT-User', 'Google-Extended', 'CCBot', 'ClaudeBot', 'anthropic-ai', 'Claude-Web',
    'cohere-ai', 'FacebookBot'
])
