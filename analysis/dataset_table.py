"""The table of published tables, in the order in which they are written and described."""

from analysis.dataset import Check, Dataset, Reference
from analysis.dataset_breakdowns import BREAKDOWN_DATASETS
from analysis.dataset_churn import CHURN_DATASETS
from analysis.dataset_estimates import ESTIMATE_DATASETS
from analysis.dataset_probe import PROBE_DATASETS
from analysis.dataset_sparse import (
    AGENT_OR_STAR,
    HOST_DECLARATIONS,
    HOST_DECLARATIONS_NOTE,
    TRANSITIONS,
    TRANSITIONS_NOTE,
)
from analysis.dataset_urls import URL_DATASETS
from consent.vocabulary import AccessState, GroupMatch, Restriction

_SNAPSHOT = Reference(("snapshot",), "snapshots", ("snapshot",))
_HOST = Reference(("host",), "sites", ("host",))
_DIALECT = Reference(("dialect",), "dialects", ("dialect",))
_FROM = Reference(("snapshot_from",), "snapshots", ("snapshot",))
_TO = Reference(("snapshot_to",), "snapshots", ("snapshot",))
_LEVELS = (
    ("group_match", GroupMatch),
    ("restriction", Restriction),
    ("restriction_longpre2024", Restriction),
)

NO_DECLARATION = "(no declaration)"
_NOTHING_DECLARED = f". In this file {NO_DECLARATION} stands for empty, since the column is part of the key"

_LEVELS_SUM = Check(
    "levels sum to the number of hosts",
    """
    SELECT l.snapshot, l.agent, l.stratum, l.corpus, l.n_hosts, s.n_hosts AS n_expected
    FROM (SELECT snapshot, agent, stratum, corpus, sum(n_hosts) AS n_hosts FROM {rows} GROUP BY ALL) AS l
    LEFT JOIN (
        SELECT corpus, coalesce(stratum, '(none)') AS stratum, grouping(stratum) AS is_all,
            count(*) AS n_hosts
        FROM (
            SELECT host, 'hosts' AS corpus FROM sites UNION ALL
            SELECT host, corpus FROM site_weights WHERE corpus <> 'hosts' AND isfinite(weight)
        )
        JOIN sites USING (host)
        WHERE is_domain
        GROUP BY GROUPING SETS ((corpus, stratum), (corpus))
    ) AS s ON s.corpus = l.corpus
        AND (CASE WHEN s.is_all = 1 THEN '(all)' ELSE s.stratum END) = l.stratum
    WHERE l.n_hosts IS DISTINCT FROM s.n_hosts
    """,
)


def _with_match(relation: str, column: str) -> str:
    """All rows of a relation, with a word in place of the NULL group match, since it is part of the key."""
    return f"SELECT * REPLACE (coalesce({column}, '{NO_DECLARATION}') AS {column}) FROM {relation}"


DATASETS: tuple[Dataset, ...] = (
    Dataset("snapshots", "Common Crawl release of the study", ("snapshots",), ("snapshot",)),
    Dataset("sites", "host of the study", ("sites",), ("host",)),
    Dataset(
        "site_weights",
        "host and corpus",
        ("site_weights",),
        ("host", "corpus"),
        references=(_HOST, Reference(("corpus",), "corpora", ("corpus",))),
    ),
    Dataset(
        "corpora", "weight column of the study's site list, and one for hosts", ("corpora",), ("corpus",)
    ),
    Dataset("agents", "product token of the registry", ("agents",), ("agent",)),
    Dataset("dialects", "named reading of RFC 9309 that the study used", ("dialects",), ("dialect",)),
    Dataset(
        "answers",
        "host and snapshot in which it was captured",
        ("answers",),
        ("host", "snapshot"),
        vocabularies=(("access_state", AccessState),),
        references=(_SNAPSHOT, _HOST),
    ),
    Dataset(
        "host_declarations",
        "host, snapshot and agent that its robots.txt answers apart, plus *",
        ("answers", "rulesets", "readings"),
        ("host", "snapshot", "agent"),
        query=HOST_DECLARATIONS,
        vocabularies=_LEVELS,
        references=(Reference(("host", "snapshot"), "answers", ("host", "snapshot")), _DIALECT),
        checks=(AGENT_OR_STAR,),
        note=HOST_DECLARATIONS_NOTE,
    ),
    Dataset(
        "readings",
        "distinct body and dialect",
        ("readings",),
        ("content_digest", "dialect"),
        references=(_DIALECT, Reference(("ruleset",), "rulesets", ("ruleset",))),
    ),
    Dataset(
        "rulesets",
        "distinct outcome and agent that the body names, plus *",
        ("rulesets",),
        ("ruleset", "agent"),
        vocabularies=_LEVELS,
    ),
    Dataset(
        "signals",
        "distinct body and other consent signal in it",
        ("signals",),
        ("content_digest", "signal", "scope", "key", "line"),
    ),
    Dataset(
        "declared_levels",
        "snapshot, agent, stratum, corpus, level and group match",
        ("declared_levels",),
        ("agent", "stratum", "corpus", "snapshot", "level", "group_match"),
        query=_with_match("declared_levels", "group_match"),
        references=(_SNAPSHOT,),
        checks=(_LEVELS_SUM,),
        added=(("group_match", _NOTHING_DECLARED),),
    ),
    Dataset(
        "endpoint_comparison",
        "pair of snapshots, agent, stratum, corpus, level before, level after and group match after",
        ("endpoint_comparison",),
        (
            "agent",
            "stratum",
            "corpus",
            "snapshot_from",
            "snapshot_to",
            "level_from",
            "level_to",
            "group_match_to",
        ),
        query=_with_match("endpoint_comparison", "group_match_to"),
        references=(_FROM, _TO),
        added=(("group_match_to", _NOTHING_DECLARED),),
    ),
    Dataset(
        "transitions",
        "host, change and agent that its robots.txt names before or after, plus *",
        ("transitions", "dialects"),
        ("host", "snapshot_to", "agent"),
        query=TRANSITIONS,
        references=(_FROM, _TO, _HOST, _DIALECT),
        checks=(AGENT_OR_STAR,),
        added=(
            ("agent", "; or * for all that no group names"),
            ("n_agents", "Tracked agents that the row stands for"),
        ),
        note=TRANSITIONS_NOTE,
    ),
    Dataset(
        "refusals_over_time",
        "snapshot, stratum, access state, provider and action",
        ("refusals_over_time",),
        ("stratum", "snapshot", "access_state", "provider", "action"),
        vocabularies=(("access_state", AccessState),),
        references=(_SNAPSHOT,),
    ),
    Dataset(
        "parser_bounds",
        "snapshot, agent, stratum, corpus and dialect",
        ("parser_bounds",),
        ("agent", "stratum", "corpus", "snapshot", "dialect"),
        references=(_SNAPSHOT,),
    ),
    Dataset(
        "head_start",
        "tracked agent with a dated first listing, stratum and corpus",
        ("head_start",),
        ("agent", "stratum", "corpus"),
        references=(
            Reference(("agent",), "agents", ("agent",)),
            Reference(("snapshot_listed",), "snapshots", ("snapshot",)),
            Reference(("snapshot_now",), "snapshots", ("snapshot",)),
        ),
    ),
    *CHURN_DATASETS,
    *ESTIMATE_DATASETS,
    *BREAKDOWN_DATASETS,
    *URL_DATASETS,
    *PROBE_DATASETS,
    Dataset("coverage", "snapshot", ("coverage",), ("snapshot",), references=(_SNAPSHOT,)),
    Dataset(
        "losses",
        "snapshot, stage and reason for which something was lost or passed over",
        ("losses",),
        ("snapshot", "stage", "reason"),
        references=(_SNAPSHOT,),
    ),
)
