-- Did what others forecast come true?
-- One row per published forecast of analysis/published_forecasts.toml, all of which are about the head of a
-- corpus. It is scored where the study has a corpus of that title with a head, and a snapshot within 45 days
-- of the middle of the month; else why_not says what is missing. What came is worked out by the rule of the
-- forecasters. A host is closed when its last observation is at level all for one of the agents, carried
-- without limit, and its weight is taken over that of the whole head, where hosts without robots.txt and
-- hosts never captured count as open.
-- Levels are those of the default dialect, and hosts those of Common Crawl, where the study had its own
-- parser and another archive.
--
-- forecast_id: Forecast
-- source: Where it was published
-- label: Agents it is about, in the words of the source
-- month: Month that was forecast
-- share_forecast: Forecast share of the weight of the head at level all
-- low: Lower end of the interval that was published with it
-- high: Upper end of it
-- corpus: Corpus of the study that it is scored on; empty where there is none
-- snapshot: Snapshot that it is scored on; empty where there is none
-- days_away: Days between the start of that snapshot and the middle of the month
-- n_hosts: Hosts of the head
-- n_hosts_known: Those of them with an observation so far
-- share_observed: Share of the weight of the head at level all; empty where it is not scored
-- error_points: share_forecast less share_observed, in percentage points
-- is_within_interval: Whether share_observed lies between low and high
-- why_not: Why it is not scored; empty where it is
WITH places AS (
    SELECT lower(title) AS title, min(corpus) AS corpus
    FROM corpora
    WHERE corpus IN (SELECT corpus FROM site_weights WHERE is_head)
    GROUP BY lower(title)
),
near AS (
    SELECT
        forecast_id, snapshot,
        abs(date_diff('day', starts_on, month + 14)) AS days_away
    FROM forecast_claims CROSS JOIN snapshot_order
    WHERE days_away <= 45
    QUALIFY row_number() OVER (PARTITION BY forecast_id ORDER BY days_away, snapshot) = 1
),
asked AS (
    SELECT claims.*, places.corpus, near.snapshot, near.days_away
    FROM forecast_claims AS claims
    LEFT JOIN places ON places.title = lower(corpus_title)
    LEFT JOIN near USING (forecast_id)
),
known AS (
    SELECT snapshot, host, outcome
    FROM host_outcomes
    WHERE snapshot IN (SELECT snapshot FROM near) AND (is_observed OR is_carried)
        AND dialect = (SELECT dialect FROM dialects WHERE is_default)
),
-- The agents need not be tracked, so what a file says to them is asked of the rulesets themselves.
closed AS (
    SELECT DISTINCT forecast_id, star.ruleset AS outcome
    FROM (SELECT forecast_id, unnest(agents) AS agent FROM forecast_claims) AS member
    CROSS JOIN (SELECT ruleset, restriction FROM rulesets WHERE agent = '*') AS star
    LEFT JOIN rulesets AS own ON own.ruleset = star.ruleset AND lower(own.agent) = lower(member.agent)
    WHERE coalesce(own.restriction, star.restriction) = 'all'
),
scored AS (
    SELECT
        asked.forecast_id,
        count(*) AS n_hosts,
        count(known.host) AS n_hosts_known,
        coalesce(sum(weight::DECIMAL(38, 12)) FILTER (closed.outcome IS NOT NULL), 0)::DOUBLE
            / nullif(sum(weight::DECIMAL(38, 12)), 0)::DOUBLE AS share_observed
    FROM asked
    JOIN site_weights ON site_weights.corpus = asked.corpus AND is_head AND isfinite(weight)
    LEFT JOIN known ON known.snapshot = asked.snapshot AND known.host = site_weights.host
    LEFT JOIN closed ON closed.forecast_id = asked.forecast_id AND closed.outcome = known.outcome
    WHERE asked.snapshot IS NOT NULL
    GROUP BY asked.forecast_id
)
SELECT
    forecast_id,
    source,
    label,
    month,
    share AS share_forecast,
    low,
    high,
    corpus,
    snapshot,
    days_away,
    n_hosts,
    n_hosts_known,
    share_observed,
    100 * (share - share_observed) AS error_points,
    share_observed BETWEEN low AND high AS is_within_interval,
    CASE
        WHEN corpus IS NULL THEN 'the study has no corpus with the title ' || corpus_title || ' and a head'
        WHEN snapshot IS NULL THEN 'the study has no snapshot within 45 days of the middle of the month'
        WHEN share_observed IS NULL THEN 'the head has no weight'
    END AS why_not
FROM asked LEFT JOIN scored USING (forecast_id)
ORDER BY forecast_id
