-- Did what others forecast come true?
--
-- label: Agents that the forecast is about
-- source: Where it was published
-- month: Month that was forecast
-- share_forecast: Forecast share of the weight of the corpus's head that is closed
-- share_low: Lower end of the interval published with it
-- share_high: Upper end of it
-- snapshot: Snapshot that it is scored on
-- n_hosts: Hosts of the head
-- n_hosts_known: Those of them with an observation so far
-- share_observed: Share of the weight of the head that is closed
-- error_points: share_forecast less share_observed, in percentage points
-- is_within_interval: Whether share_observed lies in the interval
-- why_not: Why it is not scored; empty where it is
SELECT
    label,
    source,
    month,
    share_forecast,
    low AS share_low,
    high AS share_high,
    snapshot,
    n_hosts,
    n_hosts_known,
    share_observed,
    error_points,
    is_within_interval,
    why_not
FROM published_forecasts
ORDER BY month, forecast_id
