"""What the probe observed and what was drawn of URLs: loaded in steps, with parts replaced, as at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.layout import Layout
from pipeline.loading.database import create_tables
from pipeline.loading.notes import Rules, create_notes
from pipeline.loading.parts import Parts
from pipeline.loading.probe import load_probe
from pipeline.loading.urls import load_urls
from pipeline.manifest import SnapshotFacts, StageEntry
from pipeline.parts import Output, rows_to_table, sort_rows, write_part
from pipeline.probe_tables import LIVE_DECLARATIONS, OBSERVATIONS
from pipeline.table import Table
from pipeline.tasks import Stage
from pipeline.url_tables import URL_ROWS

ONE, TWO = "CC-MAIN-2024-10", "CC-MAIN-2024-18"
PROBED = ("observations", "live_declarations", "loading.parts")
DRAWN = ("url_snapshots", "url_frames", "url_samples", "loading.parts")


@pytest.fixture
def con() -> Any:
    """A database with the tables of the contract and notes of its making."""
    with duckdb.connect() as con:
        create_tables(con)
        create_notes(con, Rules(*(["1"] * 9)))
        yield con


def write(folder: Path, table: Table, partition: str, name: str, rows: Sequence[Sequence[object]]) -> Output:
    layout = Layout(folder)
    stem = layout.part(table.name, partition, name)
    return write_part(layout.published, stem, table, sort_rows(table, rows_to_table(table, rows)))


def observe(folder: Path, run: str, name: str, *hosts: str) -> Output:
    given = {"run": run, "site": "x.test", "identity": "honest", "block": 0, "target": "home", "hop": 0}
    given |= {"warc_filename": "a.warc.gz", "warc_record_offset": 0}
    rows = [[(given | {"host": host}).get(column) for column in OBSERVATIONS.schema.names] for host in hosts]
    return write(folder, OBSERVATIONS, f"run={run}", name, rows)


def declare(folder: Path, run: str, name: str, **levels: str) -> Output:
    rows = [(digest, "*", "rules", level) for digest, level in levels.items()]
    return write(folder, LIVE_DECLARATIONS, f"run={run}", name, rows)


def rows_of(con: Any, tables: Sequence[str]) -> list[list[tuple[Any, ...]]]:
    return [con.execute(f"FROM {table} ORDER BY ALL").fetchall() for table in tables]


def probed(con: Any, folder: Path, *outputs: Output) -> list[list[tuple[Any, ...]]]:
    """What is there of the probe after a load of these parts."""
    parts = Parts.of(con, Layout(folder), outputs)
    load_probe(parts)
    parts.note()
    return rows_of(con, PROBED)


def drawn(con: Any, folder: Path, per_host: int, *outputs: Output) -> list[list[tuple[Any, ...]]]:
    """The same of URLs, drawn of both releases."""
    facts = tuple(SnapshotFacts(name, None, None, "", 1, 1) for name in (ONE, TWO))
    parts = Parts.of(con, Layout(folder), outputs)
    load_urls(parts, StageEntry(Stage.URLS, "", 1, snapshots=facts, versions=(str(per_host),)))
    parts.note()
    return rows_of(con, DRAWN)


def anew(load: Any, *arguments: Any) -> Any:
    """What a load gives in a new database."""
    with duckdb.connect() as con:
        create_tables(con)
        create_notes(con, Rules(*(["1"] * 9)))
        return load(con, *arguments)


# ---- the probe


def test_of_two_campaigns_that_read_a_body_otherwise_it_does_not_matter_which_was_loaded_first(
    con: Any, tmp_path: Path
) -> None:
    first = [observe(tmp_path, "1", "a", "h1", "h2"), declare(tmp_path, "1", "a", D1="some", D2="all")]
    second = [observe(tmp_path, "2", "b", "h1"), declare(tmp_path, "2", "b", D1="none", D3="all")]
    probed(con, tmp_path, *first)
    in_steps = probed(con, tmp_path, *first, *second)
    assert [(digest, level) for digest, _, _, level in in_steps[1]] == [
        ("D1", "none"),
        ("D2", "all"),
        ("D3", "all"),
    ]
    assert len(in_steps[0]) == 3
    assert in_steps == anew(probed, tmp_path, *second, *first)


def test_a_campaign_under_way_replaces_its_own_rows_and_doubles_none(con: Any, tmp_path: Path) -> None:
    over = [observe(tmp_path, "1", "a", "h1"), declare(tmp_path, "1", "a", D1="some")]
    before = [observe(tmp_path, "2", "b", "h1"), declare(tmp_path, "2", "b", D2="none", D4="none")]
    after = [observe(tmp_path, "2", "c", "h1", "h2"), declare(tmp_path, "2", "c", D2="none", D3="all")]
    probed(con, tmp_path, *over, *before)
    replaced = probed(con, tmp_path, *over, *after)
    assert len(replaced[0]) == 3
    assert [digest for digest, *_ in replaced[1]] == ["D1", "D2", "D3"]
    assert replaced == anew(probed, tmp_path, *over, *after)


def test_parts_of_the_probe_that_are_there_are_not_read_again(con: Any, tmp_path: Path) -> None:
    old, new = observe(tmp_path, "1", "a", "h1"), observe(tmp_path, "2", "b", "h1")
    probed(con, tmp_path, old)
    (tmp_path / old.path).unlink()
    assert len(probed(con, tmp_path, old, new)[0]) == 2


def test_without_a_probe_nothing_of_it_is_left(con: Any, tmp_path: Path) -> None:
    probed(con, tmp_path, observe(tmp_path, "1", "a", "h1"), declare(tmp_path, "1", "a", D1="some"))
    assert probed(con, tmp_path) == [[], [], []]


# ---- URLs


def draw(folder: Path, snapshot: str, name: str, *paths: str) -> Output:
    rows = [
        (snapshot, f"{name}.parquet", 0, "h.test", path, f"http://h.test{path}", False, len(paths))
        for path in paths
    ]
    return write(folder, URL_ROWS, f"snapshot={snapshot}", name, rows)


def test_a_release_whose_urls_were_drawn_stays_as_it_is_unread(con: Any, tmp_path: Path) -> None:
    old, new = draw(tmp_path, ONE, "a", "/1", "/2"), draw(tmp_path, TWO, "b", "/1")
    at_once = anew(drawn, tmp_path, 10, old, new)
    drawn(con, tmp_path, 10, old)
    (tmp_path / old.path).unlink()
    assert drawn(con, tmp_path, 10, old, new) == at_once
    assert len(at_once[2]) == 3


def test_a_release_with_a_part_more_is_drawn_anew_from_all_of_its_parts(con: Any, tmp_path: Path) -> None:
    first, other = draw(tmp_path, ONE, "a", "/1", "/2"), draw(tmp_path, TWO, "b", "/1")
    more = draw(tmp_path, ONE, "c", "/3", "/4")
    drawn(con, tmp_path, 3, first, other)
    in_steps = drawn(con, tmp_path, 3, first, other, more)
    assert in_steps[1] == [(ONE, "h.test", 4, 3), (TWO, "h.test", 1, 1)]
    assert in_steps == anew(drawn, tmp_path, 3, first, other, more)


def test_a_release_that_is_drawn_no_more_and_one_that_was_drawn_otherwise(con: Any, tmp_path: Path) -> None:
    gone, before = draw(tmp_path, ONE, "a", "/1"), draw(tmp_path, TWO, "b", "/1", "/2")
    after = draw(tmp_path, TWO, "c", "/1", "/2", "/3")
    drawn(con, tmp_path, 2, gone, before)
    in_steps = drawn(con, tmp_path, 3, after)
    assert in_steps[1] == [(TWO, "h.test", 3, 3)]
    assert in_steps == anew(drawn, tmp_path, 3, after)


def test_a_study_that_draws_no_urls_any_more_has_none(con: Any, tmp_path: Path) -> None:
    drawn(con, tmp_path, 10, draw(tmp_path, ONE, "a", "/1"))
    parts = Parts.of(con, Layout(tmp_path), ())
    load_urls(parts, None)
    parts.note()
    assert rows_of(con, DRAWN) == [[], [], [], []]
