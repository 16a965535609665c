"""The table of published tables, in the order in which they are written and described."""

from analysis.dataset import Check, Dataset, Reference
from consent.vocabulary import AccessState, GroupMatch, Restriction

_SNAPSHOT = Reference(("snapshot",), "snapshots", ("snapshot",))
_HOST = Reference(("host",), "sites", ("host",))
_AGENT = Reference(("agent",), "agents", ("agent",))
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

HOST_DECLARATIONS = """
SELECT a.snapshot, a.host, r.agent, r.group_match, r.restriction, r.restriction_longpre2024, r.crawl_delay,
    a.content_digest
FROM answers AS a
JOIN readings AS d ON d.content_digest = a.content_digest
JOIN dialects AS i ON i.dialect = d.dialect AND i.is_default
JOIN rulesets AS r ON r.ruleset = d.ruleset
WHERE a.access_state = 'rules'
    AND (r.agent = '*' OR r.agent IN (SELECT agent FROM agents WHERE is_tracked))
"""

HOST_DECLARATIONS_NOTE = """\
The table is sparse. A host whose robots.txt could be read in a snapshot has one row for `*` and one for
each tracked agent that the file answers apart from `*`; every other agent has what the row of `*` says. A
host without a row in a snapshot declared nothing there: `answers` says how it was answered (an `empty`
file restricts nothing), and a host that is not in `answers` for a snapshot was not captured. So the panel
of observed declarations is `answers` x `agents` (where `is_tracked`), each with the row of the agent
here, else the row of `*`, else nothing but the access state. Nothing is carried forward here; to carry,
take the last earlier snapshot in which the host is in `answers`. The dialect is the default one
(`dialects.is_default`); a file that it has no reading of has no row."""

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
    Dataset("site_weights", "host and corpus", ("site_weights",), ("host", "corpus"), references=(_HOST,)),
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
        ("answers", "rulesets"),
        ("host", "snapshot", "agent"),
        query=HOST_DECLARATIONS,
        vocabularies=_LEVELS,
        references=(Reference(("host", "snapshot"), "answers", ("host", "snapshot")),),
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
        "host, agent and change of what the host declares to it",
        ("transitions",),
        ("host", "agent", "snapshot_to"),
        references=(_FROM, _TO, _HOST, _AGENT),
    ),
    Dataset(
        "refusals_over_time",
        "snapshot, stratum, access state and provider",
        ("refusals_over_time",),
        ("stratum", "snapshot", "access_state", "provider"),
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
    Dataset("coverage", "snapshot", ("coverage",), ("snapshot",), references=(_SNAPSHOT,)),
    Dataset(
        "losses",
        "snapshot, stage and reason for which something was lost or passed over",
        ("losses",),
        ("snapshot", "stage", "reason"),
        references=(_SNAPSHOT,),
    ),
)
