-- Where is the share that is closed to an agent heading?
-- One row per agent, corpus, model and month ahead, from the newest stretch of monthly_levels, for labels and
-- the six tracked agents whose share of hosts moved most. How far each model can be trusted is in
-- forecast_scores; what is not forecast is in forecast_skips with the reason. A forecast carries on what the
-- series did: it knows of no law, licence or product that is to come.
--
-- agent: Tracked agent, or a label in brackets that stands for several (the strictest answer counts)
-- corpus: hosts, where each host weighs 1, or a corpus of site_weights
-- model: last_value, drift, seasonal_naive; arima_drift: ARIMA (0,1,1) with drift; damped_logit: exponential
--   smoothing of the log odds with a damped trend; study_sarima: the study's SARIMA (2,1,2)x(1,1,1,6)
-- month: First day of the month that is forecast
-- horizon: Months ahead, 1 to 12
-- origin_month: Last month of the series
-- n_months: Months of the series
-- n_months_filled: Those of them that have no snapshot and were filled with the month before
-- share: Forecast share at level all
-- low_80: Lower end of the 80 % interval
-- high_80: Upper end of the 80 % interval
-- low_95: Lower end of the 95 % interval
-- high_95: Upper end of the 95 % interval
-- is_clamped: Whether the model gave a value below 0 or above 1, which was put back
-- is_converged: Whether the fit converged within its steps
WITH lengths AS (
    SELECT agent, corpus, count(*) AS n_months, count(*) FILTER (is_filled) AS n_months_filled
    FROM monthly_levels WHERE stretch = 1 GROUP BY ALL
)
SELECT
    agent,
    corpus,
    model,
    (origin_month + to_months(horizon::INTEGER))::DATE AS month,
    horizon,
    origin_month,
    n_months,
    n_months_filled,
    share,
    low_80,
    high_80,
    low_95,
    high_95,
    is_clamped,
    is_converged
FROM forecast_values JOIN lengths USING (agent, corpus)
ORDER BY agent, corpus, model, month
