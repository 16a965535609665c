-- How good would the forecasts have been?
--
-- model: Model of the forecast; last_value says that nothing changes
-- n_series: Series of an agent and a corpus that it was tried on
-- n_forecasts: Forecasts, one to twelve months ahead, compared with what came
-- error_points: Mean absolute error, in percentage points
-- error_low_points: A tenth of the series have at most this mean absolute error
-- error_high_points: Nine tenths have at most this
-- bias_points: Mean of forecast less what came
-- share_within_80: Share of what came that lay within the 80 % interval
-- share_within_95: Share of what came that lay within the 95 % interval
-- n_better: Series on which it beats last_value
SELECT
    model,
    count(*) AS n_series,
    sum(n_forecasts)::BIGINT AS n_forecasts,
    sum(mean_absolute_error * n_forecasts) / sum(n_forecasts) AS error_points,
    quantile_cont(mean_absolute_error, 0.1) AS error_low_points,
    quantile_cont(mean_absolute_error, 0.9) AS error_high_points,
    sum(bias * n_forecasts) / sum(n_forecasts) AS bias_points,
    sum(coverage_80 * n_forecasts) / sum(n_forecasts) AS share_within_80,
    sum(coverage_95 * n_forecasts) / sum(n_forecasts) AS share_within_95,
    count(*) FILTER (skill > 0) AS n_better
FROM forecast_scores
WHERE horizon = 0
GROUP BY model
ORDER BY error_points, model
