-- How good would each forecast have been?
-- One row per agent, corpus, model and horizon, and one of horizon 0 for all months ahead together: a
-- back-test from up to eight origins, the first with 24 months of past, the others evenly spread over what
-- came after, each model fitted anew to what was known then.
--
-- agent: Tracked agent, or a label in brackets that stands for several (the strictest answer counts)
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- model: As in forecasts
-- horizon: Months ahead, 1 to 12; 0 for all together
-- n_origins: Origins from which so many months ahead came to be known
-- n_forecasts: Forecasts compared with what came
-- mean_absolute_error: In percentage points
-- root_mean_square_error: In percentage points
-- bias: Mean of forecast less what came, in percentage points
-- coverage_80: Share of what came that lay within the 80 % interval
-- coverage_95: Share of what came that lay within the 95 % interval
-- interval_score_80: Mean interval score (Gneiting and Raftery 2007) in percentage points; less is better
-- interval_score_95: The same of the 95 % interval
-- skill: 1 less mean_absolute_error over that of last_value: above 0 the model beats no change; empty when
--   last_value made no error
-- p_value: Diebold-Mariano test against last_value with the correction for few forecasts, two-sided; empty
--   with fewer than three origins or where it cannot be worked out
-- n_not_converged: Forecasts whose fit did not converge
-- n_clamped: Forecasts of which a value was put back into 0-1
WITH trials AS (
    FROM forecast_trials
    UNION ALL BY NAME
    SELECT * REPLACE (0::BIGINT AS horizon) FROM forecast_trials
),
scored AS (
    SELECT
        agent, corpus, model, horizon,
        count(DISTINCT origin_month) AS n_origins,
        count(*) AS n_forecasts,
        100 * avg(abs(share - actual)::DECIMAL(18, 12)) AS mean_absolute_error,
        100 * sqrt(avg(((share - actual) ^ 2)::DECIMAL(18, 12))) AS root_mean_square_error,
        100 * avg((share - actual)::DECIMAL(18, 12)) AS bias,
        count(*) FILTER (actual BETWEEN low_80 AND high_80) / count(*) AS coverage_80,
        count(*) FILTER (actual BETWEEN low_95 AND high_95) / count(*) AS coverage_95,
        avg(interval_score_80::DECIMAL(18, 6)) AS interval_score_80,
        avg(interval_score_95::DECIMAL(18, 6)) AS interval_score_95,
        count(*) FILTER (NOT is_converged) AS n_not_converged,
        count(*) FILTER (is_clamped) AS n_clamped
    FROM trials GROUP BY ALL
)
SELECT
    agent,
    corpus,
    model,
    horizon,
    scored.n_origins,
    scored.n_forecasts,
    scored.mean_absolute_error,
    scored.root_mean_square_error,
    scored.bias,
    scored.coverage_80,
    scored.coverage_95,
    scored.interval_score_80,
    scored.interval_score_95,
    1 - scored.mean_absolute_error / nullif(naive.mean_absolute_error, 0) AS skill,
    p_value,
    scored.n_not_converged,
    scored.n_clamped
FROM scored
JOIN (SELECT * EXCLUDE (model) FROM scored WHERE model = 'last_value') AS naive USING (agent, corpus, horizon)
LEFT JOIN forecast_tests AS tests USING (agent, corpus, horizon, model)
ORDER BY agent, corpus, model, horizon
