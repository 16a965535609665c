-- Where is the closed share heading?
--
-- agent: A label that stands for several agents, or a tracked agent
-- kind: measured, or forecast
-- month: First day of a month
-- model: Of the forecasts: the model with the least error in the back-test
-- share: Share of hosts that close every path
-- share_low_95: Lower end of the 95 % interval; empty for what was measured
-- share_high_95: Upper end of it
-- share_low_80: Lower end of the 80 % interval; empty for what was measured
-- share_high_80: Upper end of it
WITH best AS (
    SELECT agent, model, mean_absolute_error FROM forecast_scores
    WHERE corpus = 'hosts' AND horizon = 0
    QUALIFY row_number() OVER (PARTITION BY agent ORDER BY mean_absolute_error, model) = 1
),
ahead AS (
    SELECT agent, month, model, share, low_95, high_95, low_80, high_80
    FROM forecasts JOIN best USING (agent, model) WHERE corpus = 'hosts'
),
shown AS (
    SELECT agent FROM ahead GROUP BY agent
    ORDER BY agent LIKE '(%' DESC, max(share) DESC, agent LIMIT 8
)
SELECT agent, kind, month, model, share, share_low_95, share_high_95, share_low_80, share_high_80
FROM (
    SELECT agent, 'measured' AS kind, month, NULL AS model, share, NULL AS share_low_95, NULL AS share_high_95,
        NULL AS share_low_80, NULL AS share_high_80
    FROM monthly_levels WHERE corpus = 'hosts' AND stretch = 1
    UNION ALL
    SELECT agent, 'forecast', month, model, share, low_95, high_95, low_80, high_80 FROM ahead
)
JOIN shown USING (agent)
ORDER BY agent, month, kind
