"""Loading keeps within its memory, however much the bodies weigh, and reads neighbouring digests together."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from pipeline.archive_tables import CONTENTS
from pipeline.layout import Layout
from pipeline.loading import parts as reading
from pipeline.loading.bodies import load_bodies
from pipeline.loading.database import create_tables, open_warehouse
from pipeline.loading.notes import Rules, create_notes
from pipeline.loading.parts import Parts
from pipeline.parts import Output, rows_to_table, write_part
from pipeline.storage.folder import FolderStorage
from pipeline.tables import BODIES

LIMIT_MIB = 128
N_PARTS, N_BODIES, BODY = 4, 6400, 1 << 14


def write_store(folder: Path, n_parts: int, n_bodies: int) -> list[Output]:
    """Parts of the store and what is stated of their bodies: 16 KiB each, in order of digests."""
    outputs = []
    for part in range(n_parts):
        numbers = [part * n_bodies + n for n in range(n_bodies)]
        contents = [(f"D{n:06}", f"{n:06}".encode().ljust(BODY, b"%")) for n in numbers]
        facts = [(f"D{n:06}", BODY, "rules", False, False, 1, 1, None, False, None) for n in numbers]
        for table, rows in ((CONTENTS, contents), (BODIES, facts)):
            stem = f"tables/{table.name}/part-{part:03}"
            outputs.append(write_part(FolderStorage(folder), stem, table, rows_to_table(table, rows), 1024))
    return outputs


def start(con: duckdb.DuckDBPyConnection, wanted: Sequence[str]) -> None:
    create_tables(con)
    create_notes(con, Rules(*(["1"] * 9)))
    con.execute("CREATE TEMP TABLE wanted AS SELECT unnest(?::VARCHAR[]) AS content_digest", [wanted])


def test_bodies_of_several_times_the_memory_are_added_in_one_transaction(tmp_path: Path) -> None:
    outputs = write_store(tmp_path, N_PARTS, N_BODIES)
    with open_warehouse(tmp_path / "census.duckdb", threads=2) as con:
        con.execute(f"SET memory_limit = '{LIMIT_MIB}MiB'")
        start(con, [f"D{n:06}" for n in range(N_PARTS * N_BODIES)])
        con.begin()
        load_bodies(Parts.of(con, Layout(tmp_path), outputs))
        con.commit()
        (answer,) = con.execute(
            "SELECT count(*), sum(octet_length(content))::BIGINT,"
            " bool_and(content_length = octet_length(content)),"
            " any_value(content[:6]) FILTER (content_digest = 'D001234') FROM bodies"
        ).fetchall()
    n_bytes = N_PARTS * N_BODIES * BODY
    assert answer == (N_PARTS * N_BODIES, n_bytes, True, b"001234")
    assert n_bytes > 3 * LIMIT_MIB << 20


def test_what_duckdb_was_told_for_bodies_is_taken_back(tmp_path: Path) -> None:
    outputs = write_store(tmp_path, 1, 2)
    setting = "SELECT current_setting('disabled_optimizers')"
    with duckdb.connect() as con:
        before = con.execute(setting).fetchall()
        start(con, ["D000001"])
        load_bodies(Parts.of(con, Layout(tmp_path), outputs))
        assert con.execute(setting).fetchall() == before
        assert con.execute("SELECT content_digest FROM bodies").fetchall() == [("D000001",)]


def test_parts_of_neighbouring_digests_are_read_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def part(name: str, first: str, last: str) -> Output:
        return Output("contents", f"tables/contents/part-{name}.parquet", 1, 60, first, last)

    outputs = [part("1", "D", "F"), part("2", "A", "C"), part("3", "D", "E"), part("4", "A", "B")]
    monkeypatch.setattr(reading, "BATCH_BYTES", 121)
    with duckdb.connect() as con:
        start(con, [])
        batches = list(Parts.of(con, Layout(tmp_path), outputs).each(CONTENTS))
    assert [[Path(file).stem for file in batch.files] for batch in batches] == [
        ["part-2", "part-4"],
        ["part-1", "part-3"],
    ]
    assert [(batch.first, batch.last) for batch in batches] == [("A", "C"), ("D", "F")]
    assert [batch.digests for batch in batches] == [
        "content_digest BETWEEN 'A' AND 'C'",
        "content_digest BETWEEN 'D' AND 'F'",
    ]
