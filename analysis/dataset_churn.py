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
)
