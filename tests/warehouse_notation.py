"""A small warehouse written as text, for the tests of the SQL models; `conftest.warehouse` hands it out.

A host's history is one word per snapshot: `-` (not captured), a status such as `404`, `empty`, `html`, or
the name of a ruleset, which is also the digest of the body that declares it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from pipeline.tables import TABLES

SQL_TYPES = {
    "string": "VARCHAR",
    "bool": "BOOLEAN",
    "int64": "BIGINT",
    "int16": "SMALLINT",
    "double": "DOUBLE",
    "timestamp[s]": "TIMESTAMP_S",
    "timestamp[ms]": "TIMESTAMP_MS",
    "list<item: string>": "VARCHAR[]",
    "list<item: uint32>": "UINTEGER[]",
    "binary": "BLOB",
}
ACCESS_STATES = (
    (200, "rules", False, "rules"),
    (200, "empty", False, "empty"),
    (200, "html", False, "not_robots"),
    (403, "", False, "refused"),
    (403, "", True, "refused"),
    (403, "", True, "refused"),
    (404, "", False, "absent"),
    (503, "", False, "server_error"),
    *((status, "", False, "unresolved_redirect") for status in (300, 301, 302, 303, 304, 307, 308)),
)


@dataclass(frozen=True, slots=True)
class Study:
    """What a test writes down. `rulesets`: name → agent → level (`*` missing: no such group).

    `corpora`: corpus that has a head → stratum of its sample, total weight; `heads`: (host, corpus) taken for
    certain; `no_domains`: sources that are no web hosts.
    `other_readings`: dialect → ruleset of the default dialect → what that dialect makes of it.
    """

    snapshots: Sequence[str] = ()
    histories: Mapping[str, str] = field(default_factory=dict)
    rulesets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    agents: Mapping[str, str] = field(default_factory=lambda: {"GPTBot": "training", "CCBot": "data"})
    strata: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[tuple[str, str], float] = field(default_factory=dict)
    corpora: Mapping[str, tuple[str | None, float | None]] = field(default_factory=dict)
    heads: Collection[tuple[str, str]] = ()
    no_domains: Collection[str] = ()
    other_readings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    longpre2024: Mapping[tuple[str, str], str] = field(default_factory=dict)
    markers: Mapping[tuple[str, str], str] = field(default_factory=dict)


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Every stored table of the warehouse, empty."""
    for table in TABLES.values():
        columns = ", ".join(f"{column.name} {SQL_TYPES[str(column.type)]}" for column in table.schema)
        con.execute(f"CREATE TABLE {table.name} ({columns})")


def insert(
    con: duckdb.DuckDBPyConnection, table: str, columns: str, rows: Sequence[tuple[object, ...]]
) -> None:
    """Rows into some columns of a table; the others stay empty."""
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        con.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)


def fill(con: duckdb.DuckDBPyConnection, study: Study) -> None:
    """Create and fill the stored tables; the models are not built."""
    create_tables(con)
    insert(con, "snapshots", "snapshot", [(snapshot,) for snapshot in study.snapshots])
    hosts = [(host, study.strata.get(host), host not in study.no_domains) for host in study.histories]
    insert(con, "sites", "host, stratum, is_domain", hosts)
    weights = [
        (host, corpus, weight, (host, corpus) in study.heads if corpus in study.corpora else None)
        for (host, corpus), weight in study.weights.items()
    ]
    insert(con, "site_weights", "host, corpus, weight, is_head", weights)
    corpora = {"hosts", *(corpus for _, corpus in study.weights), *study.corpora}
    totals = [(corpus, *study.corpora.get(corpus, (None, None))) for corpus in sorted(corpora)]
    insert(con, "corpora", "corpus, sample_stratum, total_weight", totals)
    agents = [(agent, purpose, purpose != "untracked") for agent, purpose in study.agents.items()]
    insert(con, "agents", "agent, purpose, is_tracked", agents)
    insert(con, "access_states", "fetch_status, body_kind, has_refusal_marker, access_state", ACCESS_STATES)
    _fill_readings(con, study)
    _fill_captures(con, study)


def _fill_readings(con: duckdb.DuckDBPyConnection, study: Study) -> None:
    kinds = [("empty", "empty"), ("html", "html"), *((name, "rules") for name in study.rulesets)]
    insert(con, "bodies", "content_digest, body_kind", kinds)
    dialects = {"rfc9309": {}, **study.other_readings}
    insert(con, "dialects", "dialect, is_default", [(name, name == "rfc9309") for name in dialects])
    readings = [
        (name, dialect, "1", changed.get(name, name))
        for dialect, changed in dialects.items()
        for name in study.rulesets
        if changed.get(name, name) != "unread"
    ]
    insert(con, "readings", "content_digest, dialect, dialect_version, ruleset", readings)
    columns = "ruleset, agent, group_match, restriction, restriction_longpre2024, crawl_delay"
    insert(con, "rulesets", columns, [row for name in study.rulesets for row in _ruleset_rows(study, name)])


def _ruleset_rows(study: Study, name: str) -> list[tuple[object, ...]]:
    levels = dict(study.rulesets[name])
    match = "wildcard" if "*" in levels else "none"
    rows = [("*", match, levels.pop("*", "none")), *((a, "specific", level) for a, level in levels.items())]
    delays = {"*": 2.0}
    return [
        (name, agent, match, level, study.longpre2024.get((name, agent), level), delays.get(agent))
        for agent, match, level in rows
    ]


def _fill_captures(con: duckdb.DuckDBPyConnection, study: Study) -> None:
    columns = (
        "snapshot, url, host, scheme, fetch_time, fetch_status, content_digest, refusal_marker,"
        " warc_filename, warc_record_offset, warc_record_length"
    )
    rows: list[tuple[object, ...]] = []
    for host, history in study.histories.items():
        for snapshot, word in zip(study.snapshots, history.split(), strict=True):
            if word != "-":
                status = int(word) if word.isdigit() else 200
                marker = study.markers.get((host, snapshot))
                url = f"https://{host}/robots.txt"
                when = f"{snapshot[8:12]}-06-01 00:00:00"
                rows.append(
                    (snapshot, url, host, "https", when, status, word, marker, "f", len(rows), 100),
                )
    insert(con, "captures", columns, rows)
