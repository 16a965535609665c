"""The published tables that break closures down, and what they know of top-level domains and authors."""

from enum import StrEnum

from analysis.breakdown_tables import Basis
from analysis.dataset import Check, Dataset, Reference
from consent.vocabulary import Management


class Dimension(StrEnum):
    """What the hosts or the agents of a row have in common."""

    WHOLE = "whole"
    OPERATOR = "operator"
    PURPOSE = "purpose"
    GROUP_MATCH = "group_match"
    STRATUM = "stratum"
    TLD = "tld"
    LANGUAGE_REGION = "language_region"
    MANAGEMENT = "management"


LEVEL_BREAKDOWNS_NOTE = """\
An agent counts only from the day of its first listing: before there was a GPTBot nobody had closed a site to
it, whatever the group of `*` said. So a label grows with the years, and `n_agents` says how far it has; a
later rise of `(any AI)` is in part the rise of the number of agents. Rows of `*` have no such date. Every
dimension but `operator` and `purpose` divides the same hosts. Who signed a file is known only where a system
leaves its mark in it: `unsigned` is not proof of a human hand."""

INCUMBENT_CORPUS_NOTE = """\
What is held is a bound: a crawler that had asked every host in every snapshot, and had kept all that it was
then allowed to fetch. It says nothing of what any operator has fetched or kept."""

_DIVIDES = Check(
    "the categories of a dimension sum to the whole",
    """
    SELECT d.* FROM (
        SELECT snapshot, dimension, agent, corpus, sum(n_hosts_known) AS n_known, sum(n_hosts_all) AS n_all
        FROM {rows} WHERE dimension NOT IN ('whole', 'operator', 'purpose') GROUP BY ALL
    ) AS d
    LEFT JOIN (SELECT * FROM {rows} WHERE dimension = 'whole') AS w USING (snapshot, agent, corpus)
    WHERE (d.n_known, d.n_all) IS DISTINCT FROM (w.n_hosts_known, w.n_hosts_all)
    """,
)
_WITHIN = Check(
    "no more hosts closed than known, nor observed than known",
    "SELECT * FROM {rows} WHERE greatest(n_hosts_observed, n_hosts_all) > n_hosts_known"
    " OR n_hosts_all_observed > least(n_hosts_observed, n_hosts_all)"
    " OR n_hosts_all_named + n_hosts_all_wildcard <> n_hosts_all",
)
_HOLDS = Check(
    "who starts today holds what is open now, and nobody less",
    "SELECT * FROM {rows} WHERE n_hosts_held < n_hosts_open_now"
    " OR is_newcomer AND n_hosts_held <> n_hosts_open_now"
    " OR n_hosts_held <> n_hosts_open_now + n_hosts_held_closed_now + n_hosts_held_unreadable_now",
)
_LABELLED = Check(
    "agent is *, a tracked agent or a label",
    "SELECT DISTINCT agent FROM {rows} WHERE agent <> '*' AND agent NOT LIKE '(%)'"
    " AND agent NOT IN (SELECT agent FROM agents WHERE is_tracked)",
)

BREAKDOWN_DATASETS: tuple[Dataset, ...] = (
    Dataset(
        "level_breakdowns",
        "dimension, category, agent, corpus and snapshot",
        ("level_breakdowns",),
        ("dimension", "category", "agent", "corpus", "snapshot"),
        vocabularies=(("dimension", Dimension),),
        references=(
            Reference(("snapshot",), "snapshots", ("snapshot",)),
            Reference(("corpus",), "corpora", ("corpus",)),
        ),
        checks=(_LABELLED, _WITHIN, _DIVIDES),
        note=LEVEL_BREAKDOWNS_NOTE,
    ),
    Dataset(
        "incumbent_corpus",
        "agent, stratum, corpus and snapshot in which an incumbent began to crawl",
        ("incumbent_corpus",),
        ("agent", "stratum", "corpus", "snapshot_from"),
        references=(
            Reference(("snapshot_from",), "snapshots", ("snapshot",)),
            Reference(("snapshot_now",), "snapshots", ("snapshot",)),
            Reference(("corpus",), "corpora", ("corpus",)),
        ),
        checks=(_LABELLED, _HOLDS),
        note=INCUMBENT_CORPUS_NOTE,
    ),
    Dataset(
        "tld_languages",
        "top-level domain that is not generic by nature",
        ("tld_languages",),
        ("tld",),
        vocabularies=(("basis", Basis),),
    ),
    Dataset(
        "body_authors",
        "system that signs the robots.txt files it writes",
        ("body_authors",),
        ("author",),
        vocabularies=(("management", Management),),
    ),
)
