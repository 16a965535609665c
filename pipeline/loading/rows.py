"""The small tables of the warehouse: what the study file, its lists, the manifest and earlier runs state."""

import json
from collections.abc import Sequence
from operator import attrgetter

import duckdb

from consent.agents import read_registry
from consent.dialects import find_dialect
from pipeline.archive_tables import LOSSES, SNAPSHOTS
from pipeline.layout import RUNS_FOLDER, Layout
from pipeline.loading.database import insert_rows, replace_rows
from pipeline.manifest import StageEntry
from pipeline.site_rows import corpus_rows, site_row, site_rows, weight_rows
from pipeline.sites import Site, read_sites
from pipeline.study import Study
from pipeline.table import Table
from pipeline.tables import AGENTS, CORPORA, DIALECTS, RUNS, SITE_WEIGHTS, SITES

HOST_BATCH = 100_000


def load_lists(con: duckdb.DuckDBPyConnection, study: Study) -> None:
    """The study's hosts with their weights, its corpora, agents and dialects: all that its rules decide."""
    listed = read_sites(study.sites_file) if study.sites_file else None
    insert_rows(con, CORPORA, corpus_rows(listed, study.corpora))
    if listed:
        insert_rows(con, SITES, site_rows(listed))
        insert_rows(con, SITE_WEIGHTS, weight_rows(listed, study.corpora))
    _load_agents(con, study)
    dialects = [find_dialect(name) for name in study.dialects]
    default = study.dialects[0]
    insert_rows(con, DIALECTS, [(d.name, d.version, d.summary, d.name == default) for d in dialects])


def load_hosts(con: duckdb.DuckDBPyConnection) -> None:
    """Into `sites` the hosts of the temporary table `met`: those captured by a study that lists none."""
    after = ""
    query = "SELECT host FROM met WHERE host > ? ORDER BY host LIMIT ?"
    while batch := con.execute(query, [after, HOST_BATCH]).fetchall():
        insert_rows(con, SITES, [site_row(Site(host, None, ())) for (host,) in batch])
        ((after,),) = batch[-1:]


def load_facts(con: duckdb.DuckDBPyConnection, layout: Layout, captured: StageEntry) -> None:
    """Releases, losses and earlier runs, as they are now."""
    snapshots = [
        (
            facts.snapshot,
            facts.starts_at,
            facts.ends_at,
            facts.mode,
            facts.n_files_planned,
            facts.n_files_read,
            facts.notes,
        )
        for facts in sorted(captured.snapshots, key=attrgetter("snapshot"))
    ]
    _replace_texts(con, SNAPSHOTS, snapshots)
    losses = [
        (skip.snapshot, skip.stage, skip.reason, skip.n_records, skip.n_bytes) for skip in captured.skips
    ]
    replace_rows(con, LOSSES, losses)
    runs = []
    for path, _ in layout.published.iter_below(RUNS_FOLDER):
        stored = json.loads(layout.published.read(path))
        runs.append(tuple(stored[name] for name in RUNS.schema.names))
    _replace_texts(con, RUNS, runs)


def _load_agents(con: duckdb.DuckDBPyConnection, study: Study) -> None:
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
    insert_rows(con, AGENTS, sorted(rows))


def _replace_texts(con: duckdb.DuckDBPyConnection, table: Table, rows: Sequence[Sequence[object]]) -> None:
    """Have a table hold these rows and no others; their times are texts, which DuckDB reads."""
    con.execute(f"DELETE FROM {table.name}")
    if rows:
        con.executemany(f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(table.schema))})", rows)
