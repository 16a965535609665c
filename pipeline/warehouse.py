"""The warehouse: one DuckDB file made from the parts that the manifest lists, columns described."""

import json
from collections.abc import Iterable, Sequence

import duckdb
import pyarrow as pa

from analysis.models import LiveKind
from consent.access import classify_access
from consent.agents import read_registry
from consent.dialects import find_dialect
from consent.outcomes import LiveAnswer, classify_outcome
from consent.vocabulary import BodyKind
from pipeline.archive_tables import CAPTURES, CONTENTS, INDEX_FILES, LOSSES, SNAPSHOTS, WARC_FILES
from pipeline.layout import Layout
from pipeline.manifest import Manifest, StageEntry
from pipeline.modes import Mode
from pipeline.parts import rows_to_table
from pipeline.probe_tables import LIVE_DECLARATIONS, OBSERVATIONS, OUTCOME_KINDS
from pipeline.site_rows import corpus_rows, site_row, site_rows, weight_rows
from pipeline.sites import Site, read_sites
from pipeline.study import Study
from pipeline.table import Table
from pipeline.tables import (
    ACCESS_STATES,
    AGENTS,
    BODIES,
    CORPORA,
    DIALECTS,
    READINGS,
    RULESETS,
    RUNS,
    SIGNALS,
    SITE_WEIGHTS,
    SITES,
    TABLES,
)
from pipeline.tasks import Stage
from pipeline.url_load import load_urls

HOST_BATCH = 100_000
_TYPES = {
    pa.string(): "VARCHAR",
    pa.bool_(): "BOOLEAN",
    pa.int64(): "BIGINT",
    pa.int16(): "SMALLINT",
    pa.float64(): "DOUBLE",
    pa.timestamp("s"): "TIMESTAMP",
    pa.timestamp("ms"): "TIMESTAMP",
    pa.list_(pa.string()): "VARCHAR[]",
    pa.list_(pa.uint32()): "UINTEGER[]",
    pa.binary(): "BLOB",
}


def create_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Create every table of the data contract, empty, with its descriptions as comments."""
    for table in TABLES.values():
        fields = list(table.schema)
        if table is BODIES:
            fields.append(CONTENTS.schema.field("content"))
        columns = ", ".join(
            f"{_quote(field.name)} {_TYPES[field.type]}{'' if field.nullable else ' NOT NULL'}"
            for field in fields
        )
        con.execute(f"CREATE TABLE {_quote(table.name)} ({columns})")
        con.execute(
            f"COMMENT ON TABLE {_quote(table.name)} IS {_literal(f'One row per {table.one_row_per}')}"
        )
        for field in fields:
            description = _literal(field.metadata[b"description"].decode())
            con.execute(f"COMMENT ON COLUMN {_quote(table.name)}.{_quote(field.name)} IS {description}")
    con.execute("DROP TABLE contents")


def load_warehouse(
    con: duckdb.DuckDBPyConnection,
    study: Study,
    manifest: Manifest,
    has_probe: bool = False,
    has_urls: bool = False,
) -> dict[str, int]:
    """Fill a new database from the parts of a complete manifest; returns the rows of each table.

    Without `has_probe` the tables of the live probe stay empty, without `has_urls` those of drawn URLs.
    """
    captured = manifest.require(Stage.CAPTURE, after=Stage.DISCOVER)
    declared = manifest.require(Stage.DECLARE, after=Stage.CAPTURE)
    create_tables(con)
    layout = Layout(study.folder, study.store)
    for table in (WARC_FILES, INDEX_FILES):
        _load_parts(con, layout, table.name, manifest.require(Stage.DISCOVER), "SELECT * FROM {parts}")
    _load_captures(con, layout, captured, declared)
    _load_bodies(con, layout, captured, declared)
    for table, order in ((READINGS, "content_digest, dialect"), (SIGNALS, "content_digest, line, key")):
        known = f"SELECT * FROM {{parts}} SEMI JOIN bodies USING (content_digest) ORDER BY {order}"
        _load_parts(con, layout, table.name, declared, known)
    used = "SELECT DISTINCT * FROM {parts} SEMI JOIN readings USING (ruleset) ORDER BY ruleset, agent"
    _load_parts(con, layout, RULESETS.name, declared, used)
    if has_probe:
        probed = manifest.require(Stage.PROBE)
        _load_parts(con, layout, OBSERVATIONS.name, probed, "SELECT * FROM {parts}")
        known = "SELECT DISTINCT ON (body_digest, agent) * FROM {parts} ORDER BY ALL"
        _load_parts(con, layout, LIVE_DECLARATIONS.name, probed, known)
    if has_urls:
        load_urls(con, layout, manifest.require(Stage.URLS, after=Stage.DISCOVER))
    _load_snapshots(con, manifest)
    _load_sites(con, study)
    _load_rulers(con, study)
    _load_runs(con, study)
    return {name: _count(con, name) for name in TABLES if name != CONTENTS.name}


def load_access_states(con: duckdb.DuckDBPyConnection, combinations: Iterable[tuple[int, str, bool]]) -> None:
    """Classify each distinct kind of answer once, by consent's one definition."""
    rows = [
        (
            status,
            kind,
            has_refusal_marker,
            classify_access(status, BodyKind(kind) if kind else None, has_refusal_marker),
        )
        for status, kind, has_refusal_marker in combinations
    ]
    con.execute(f"DELETE FROM {ACCESS_STATES.name}")
    _insert(con, ACCESS_STATES, rows)


def load_outcome_kinds(con: duckdb.DuckDBPyConnection, kinds: Iterable[LiveKind]) -> None:
    """Classify each distinct kind of live answer once, by consent's one definition."""
    rows = []
    for kind in kinds:
        outcome = classify_outcome(LiveAnswer(*kind))
        access = classify_access(kind.status, None, bool(kind.marker)) if kind.status else ""
        rows.append((*kind, outcome.stage, outcome.detail, outcome.bearing, access))
    con.execute(f"DELETE FROM {OUTCOME_KINDS.name}")
    _insert(con, OUTCOME_KINDS, rows)


def _load_parts(
    con: duckdb.DuckDBPyConnection, layout: Layout, table: str, entry: StageEntry, query: str
) -> None:
    parts = _parts(layout, entry, table)
    if parts:
        con.execute(f"INSERT INTO {_quote(table)} BY NAME {query.format(parts=parts)}")


def _parts(layout: Layout, entry: StageEntry, table: str) -> str:
    paths = sorted(str(layout.file(output.path)) for output in entry.outputs if output.table == table)
    listed = ", ".join(_literal(path) for path in paths)
    return f"read_parquet([{listed}], hive_partitioning = false)" if paths else ""


def _load_captures(
    con: duckdb.DuckDBPyConnection, layout: Layout, captured: StageEntry, declared: StageEntry
) -> None:
    """Captures as stored; those from the index take from their bodies what only a body tells."""
    order = "ORDER BY snapshot, url, fetch_time"
    if not any(facts.mode == Mode.INDEX for facts in captured.snapshots):
        _load_parts(con, layout, CAPTURES.name, captured, f"SELECT * FROM {{parts}} {order}")
        return
    # Where there is no part nothing is held: the table is empty still.
    bodies = _parts(layout, declared, BODIES.name) or BODIES.name
    con.execute(
        "CREATE TEMP TABLE held AS"
        f" SELECT content_digest, content_length AS n_held, body_refusal_marker AS marker_held FROM {bodies}"
    )
    _load_parts(con, layout, CAPTURES.name, captured, f"{_COMPLETED} {order}")
    con.execute("DROP TABLE held")


# A successful answer whose body could be verified nowhere does not count.
_COMPLETED = """
SELECT parts.* EXCLUDE (is_pointer) REPLACE (
    CASE WHEN is_pointer THEN n_held ELSE content_length END AS content_length,
    CASE WHEN is_pointer THEN n_held IS NOT NULL ELSE digest_ok END AS digest_ok,
    CASE WHEN is_pointer THEN marker_held ELSE refusal_marker END AS refusal_marker
)
FROM (
    SELECT *, source = 'index' AND fetch_status BETWEEN 200 AND 299 AS is_pointer FROM {parts}
) AS parts
LEFT JOIN held USING (content_digest)
"""


def _load_bodies(
    con: duckdb.DuckDBPyConnection, layout: Layout, captured: StageEntry, declared: StageEntry
) -> None:
    """The bodies of this study's successes; the store may hold more, of earlier plans and other studies."""
    contents, bodies = _parts(layout, captured, CONTENTS.name), _parts(layout, declared, BODIES.name)
    if contents and bodies:
        con.execute(
            f"INSERT INTO bodies BY NAME SELECT * FROM {bodies} AS facts"
            f" JOIN {contents} AS store USING (content_digest)"
            " SEMI JOIN (FROM captures WHERE fetch_status BETWEEN 200 AND 299 AND digest_ok IS NOT FALSE)"
            " AS sound USING (content_digest) ORDER BY content_digest"
        )


def _load_snapshots(con: duckdb.DuckDBPyConnection, manifest: Manifest) -> None:
    captured = manifest.require(Stage.CAPTURE)
    con.executemany(
        f"INSERT INTO {SNAPSHOTS.name} VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                facts.snapshot,
                facts.starts_at,
                facts.ends_at,
                facts.mode,
                facts.n_files_planned,
                facts.n_files_read,
                facts.notes,
            )
            for facts in sorted(captured.snapshots, key=lambda facts: facts.snapshot)
        ],
    ) if captured.snapshots else None
    rows = [(skip.snapshot, skip.stage, skip.reason, skip.n_records, skip.n_bytes) for skip in captured.skips]
    _insert(con, LOSSES, rows)


def _load_sites(con: duckdb.DuckDBPyConnection, study: Study) -> None:
    """The hosts of the study's list, or every host whose robots.txt was captured."""
    listed = read_sites(study.sites_file) if study.sites_file else None
    _insert(con, CORPORA, corpus_rows(listed, study.corpora))
    if listed:
        _insert(con, SITES, site_rows(listed))
        _insert(con, SITE_WEIGHTS, weight_rows(listed, study.corpora))
        return
    hosts = con.cursor().execute(
        "SELECT DISTINCT host FROM captures WHERE host IS NOT NULL"
        " AND lower(url) IN ('http://' || host || '/robots.txt', 'https://' || host || '/robots.txt')"
        " ORDER BY host"
    )
    while batch := hosts.fetchmany(HOST_BATCH):
        _insert(con, SITES, [site_row(Site(host, None, ())) for (host,) in batch])


def _load_rulers(con: duckdb.DuckDBPyConnection, study: Study) -> None:
    registry = read_registry(study.registry)
    tracked = {registry.spelling(token) for token in study.track} if study.track else None
    rows = [
        (
            agent.agent,
            agent.operator,
            agent.purpose,
            agent.control_token,
            agent.first_listed,
            agent.date_basis,
            agent.honours_robots,
            agent.source,
            tracked is None or agent.agent in tracked,
        )
        for agent in registry.agents
    ]
    _insert(con, AGENTS, sorted(rows))
    dialects = [find_dialect(name) for name in study.dialects]
    default = study.dialects[0]
    _insert(con, DIALECTS, [(d.name, d.version, d.summary, d.name == default) for d in dialects])


def _load_runs(con: duckdb.DuckDBPyConnection, study: Study) -> None:
    rows = []
    for path in sorted((study.folder / "runs").glob("*.json")):
        stored = json.loads(path.read_text(encoding="utf-8"))
        rows.append(tuple(stored[name] for name in RUNS.schema.names))
    if rows:
        con.executemany(f"INSERT INTO {RUNS.name} VALUES ({', '.join('?' * len(RUNS.schema))})", rows)


def _insert(con: duckdb.DuckDBPyConnection, table: Table, rows: Sequence[Sequence[object]]) -> None:
    if rows:
        arrow = rows_to_table(table, rows)
        con.register("incoming", arrow)
        con.execute(f"INSERT INTO {_quote(table.name)} BY NAME SELECT * FROM incoming")
        con.unregister("incoming")


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    row = con.execute(f"SELECT count(*) FROM {_quote(table)}").fetchone()
    return int(row[0]) if row else 0


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
