"""The warehouse: one DuckDB file made from the parts that the manifest lists, columns described.

A load reads the parts that the database has not read; where more than parts has changed, it is built anew.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipeline.archive_tables import CAPTURES, CONTENTS, INDEX_FILES, WARC_FILES
from pipeline.layout import Layout
from pipeline.listing import iter_outputs
from pipeline.loading.bodies import load_bodies
from pipeline.loading.captures import complete_captures, load_captures, note_owed
from pipeline.loading.database import (
    count_rows,
    create_tables,
    drop_models,
    literal,
    open_warehouse,
    quote,
    replace_rows,
    write_out,
)
from pipeline.loading.notes import create_notes, find_changes, rules_of
from pipeline.loading.parts import Parts, naming_damage
from pipeline.loading.probe import load_probe
from pipeline.loading.rows import load_facts, load_hosts, load_lists
from pipeline.loading.urls import load_urls
from pipeline.manifest import Manifest, StageEntry
from pipeline.modes import Mode
from pipeline.parts import Output
from pipeline.probe_tables import OUTCOME_KINDS, PROBE_TABLES
from pipeline.progress import log
from pipeline.storage.folder import temporary_name
from pipeline.study import Study
from pipeline.table import Table
from pipeline.tables import ACCESS_STATES, BODIES, READINGS, RULESETS, SIGNALS, TABLES
from pipeline.tasks import Stage
from pipeline.url_tables import URL_ROWS

# Tables on which no other rests: what they take from parts that are gone is taken back, and no more.
_REPLACEABLE = ", ".join(literal(table.name) for table in (*PROBE_TABLES, URL_ROWS))


@dataclass(frozen=True, slots=True)
class Source:
    """What a warehouse is made from: a study and its manifest, complete as far as the stages in `grounds`.

    Without the stage `probe` among them the tables of the live probe stay empty, without `urls` those of
    drawn URLs.
    """

    study: Study
    layout: Layout
    manifest: Manifest
    grounds: tuple[Stage, ...] = (Stage.DECLARE,)

    def iter_parts(self) -> Iterator[Output]:
        """The parts whose rows the warehouse takes in."""
        manifest = self.manifest
        yield from self._of(manifest.require(Stage.DISCOVER), WARC_FILES, INDEX_FILES)
        yield from self._of(manifest.require(Stage.CAPTURE, after=Stage.DISCOVER), CAPTURES, CONTENTS)
        declared = manifest.require(Stage.DECLARE, after=Stage.CAPTURE)
        yield from self._of(declared, BODIES, READINGS, RULESETS, SIGNALS)
        if Stage.PROBE in self.grounds:
            yield from self._of(manifest.require(Stage.PROBE), *PROBE_TABLES)
        if Stage.URLS in self.grounds:
            yield from self._of(manifest.require(Stage.URLS, after=Stage.DISCOVER), URL_ROWS)

    def _of(self, entry: StageEntry, *tables: Table) -> Iterator[Output]:
        names = {table.name for table in tables}
        return (output for output in iter_outputs(self.layout, entry) if output.table in names)


def update_warehouse(source: Source) -> dict[str, int]:
    """Bring the database up to the manifest; returns the rows of each table.

    New parts are added in one transaction, so that a load which is killed leaves what was there. Where rules
    have changed or parts are gone, or the file cannot be written to, a new one takes its place.
    """
    target = source.layout.warehouse
    if not target.is_file():
        return _replace_warehouse(source)
    with ExitStack() as stack:
        try:
            con = stack.enter_context(open_warehouse(target, source.study.workers))
            parts = Parts.of(con, source.layout, source.iter_parts())
            obstacle = find_obstacle(source.study, parts)
        except duckdb.Error as error:
            obstacle = str(error).splitlines()[0]
        if not obstacle:
            return _extend_warehouse(source, parts)
    log(f"load: the warehouse is built anew: {obstacle}")
    return _replace_warehouse(source)


def find_obstacle(study: Study, parts: Parts) -> str:
    """Why parts cannot simply be added to a database, empty when they can.

    Raises duckdb.Error when it has no notes of its making.
    """
    changes = find_changes(parts.con, rules_of(study))
    if changes:
        return f"other than when it was made: {', '.join(changes).replace('_', ' ')}"
    n_gone = parts.find_gone(f"table_name NOT IN ({_REPLACEABLE})")
    return f"{n_gone:,} of the parts that it has read are no longer listed" if n_gone else ""


def load_warehouse(con: duckdb.DuckDBPyConnection, source: Source) -> dict[str, int]:
    """Fill a new database from all parts; returns the rows of each table."""
    # At once: each comment of its own would wait for the disk.
    con.begin()
    create_tables(con)
    create_notes(con, rules_of(source.study))
    load_lists(con, source.study)
    con.commit()
    return _load_parts(source, Parts.of(con, source.layout, source.iter_parts()))


def _replace_warehouse(source: Source) -> dict[str, int]:
    target = source.layout.warehouse
    draft = temporary_name(target)
    try:
        with open_warehouse(draft, source.study.workers) as con:
            n_rows = load_warehouse(con, source)
            write_out(con)
        # The log that a killed run may have left belongs to the old database.
        _write_ahead_log(target).unlink(missing_ok=True)
        draft.replace(target)
    finally:
        for left in (draft, _write_ahead_log(draft)):
            left.unlink(missing_ok=True)
    return n_rows


def _write_ahead_log(database: Path) -> Path:
    return database.with_name(f"{database.name}.wal")


def _extend_warehouse(source: Source, parts: Parts) -> dict[str, int]:
    parts.con.begin()
    # Models of what was there before would not be those of what is there now.
    drop_models(parts.con)
    for table in (ACCESS_STATES, OUTCOME_KINDS):
        replace_rows(parts.con, table, [])
    n_rows = _load_parts(source, parts)
    parts.con.commit()
    write_out(parts.con)
    return n_rows


def _load_parts(source: Source, parts: Parts) -> dict[str, int]:
    """Add the parts that the database has not read; returns the rows of each table.

    Raises PartError when one of them is gone or damaged.
    """
    with naming_damage():
        return _add_parts(source, parts)


def _add_parts(source: Source, parts: Parts) -> dict[str, int]:
    con = parts.con
    captured = source.manifest.require(Stage.CAPTURE)
    indexed = [facts.snapshot for facts in captured.snapshots if facts.mode == Mode.INDEX]
    for table in (WARC_FILES, INDEX_FILES):
        for batch in parts.each(table):
            con.execute(f"INSERT INTO {table.name} BY NAME SELECT * FROM {batch}")
    load_captures(parts, indexed)
    load_bodies(parts)
    complete_captures(parts, indexed)
    note_owed(parts)
    if source.study.sites_file is None:
        load_hosts(con)
    load_probe(parts)
    load_urls(parts, source.manifest.stages[Stage.URLS] if Stage.URLS in source.grounds else None)
    load_facts(con, source.layout, captured)
    parts.note()
    log(f"load: {parts.describe()}")
    return {name: count_rows(con, quote(name)) for name in TABLES if name != CONTENTS.name}
