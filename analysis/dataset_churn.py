"""The published tables on how openness ends and returns, and where it is heading."""

from analysis.dataset import Check, Dataset, Reference

_SNAPSHOT = Reference(("snapshot",), "snapshots", ("snapshot",))

_NEVER_RISES = Check(
    "survival never rises",
    """
    SELECT agent, stratum, day, survival FROM {rows}
    QUALIFY survival > lag(survival) OVER (PARTITION BY agent, stratum ORDER BY day)
    """,
)
_ALL_LEAVE = Check(
    "every host that enters leaves",
    """
    SELECT agent, stratum, any_value(n_hosts) AS n_hosts, sum(n_entered) AS n_entered,
        sum(n_events) + sum(n_censored) AS n_left
    FROM {rows} GROUP BY ALL HAVING n_entered <> n_hosts OR n_left <> n_hosts
    """,
)
_PARTS = Check(
    "no more hosts change than are at risk",
    """
    SELECT * FROM {rows}
    WHERE n_closed > n_at_risk_open OR n_reopened > n_at_risk_closed
        OR greatest(n_closed_named, n_reclosed) > n_closed
        OR greatest(n_reopened_named, n_removed_robots) > n_reopened
    """,
)

_ENDS_IN_ORDER = Check(
    "intervals lie in one another and within 0-1",
    """
    SELECT * FROM {rows}
    WHERE NOT (0 <= low_95 AND low_95 <= low_80 AND low_80 <= share
        AND share <= high_80 AND high_80 <= high_95 AND high_95 <= 1)
    """,
)
_SCORED_OR_NOT = Check(
    "a published forecast is scored, or it says why not",
    "SELECT * FROM {rows} WHERE (share_observed IS NULL) = (why_not IS NULL)",
)

CHURN_DATASETS: tuple[Dataset, ...] = (
    Dataset(
        "openness_survival",
        "agent, stratum and snapshot in which a host enters or leaves",
        ("openness_survival",),
        ("agent", "stratum", "day"),
        references=(_SNAPSHOT,),
        checks=(_NEVER_RISES, _ALL_LEAVE),
    ),
    Dataset(
        "churn",
        "snapshot, agent, stratum and corpus",
        ("churn",),
        ("agent", "stratum", "corpus", "snapshot"),
        references=(_SNAPSHOT,),
        checks=(_PARTS,),
    ),
    Dataset(
        "monthly_levels",
        "agent, corpus and month",
        ("monthly_levels",),
        ("agent", "corpus", "month"),
        references=(_SNAPSHOT,),
    ),
    Dataset(
        "change_points",
        "agent, corpus and month in which its share breaks with what came before",
        ("change_points",),
        ("agent", "corpus", "month"),
        references=(_SNAPSHOT,),
    ),
    Dataset(
        "forecasts",
        "agent, corpus, model and month ahead",
        ("forecasts",),
        ("agent", "corpus", "model", "month"),
        checks=(_ENDS_IN_ORDER,),
    ),
    Dataset(
        "forecast_scores",
        "agent, corpus, model and months ahead",
        ("forecast_scores",),
        ("agent", "corpus", "model", "horizon"),
    ),
    Dataset(
        "forecast_skips",
        "agent and corpus, or model of it, without a forecast",
        ("forecast_skips",),
        ("agent", "corpus", "model"),
    ),
    Dataset(
        "published_forecasts",
        "forecast that others have published",
        ("published_forecasts",),
        ("forecast_id",),
        references=(_SNAPSHOT,),
        checks=(_SCORED_OR_NOT,),
    ),
)
