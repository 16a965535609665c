"""The Parquet beside each CSV: the same values with their types, described, and the same bytes every time."""

import csv
import json
import runpy
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from analysis import models
from analysis.dataset_columns import TIME_FORMAT, Column, find_kind
from analysis.dataset_files import File, describe_file, hash_file, write_csv, write_parquet
from analysis.dataset_table import DATASETS
from analysis.publish import publish

MADE_UP = runpy.run_path(str(Path(__file__).with_name("made_up_census.py")))
SNAPSHOTS = ("CC-MAIN-2020-39", "CC-MAIN-2022-12", "CC-MAIN-2024-52")
READ: dict[str, Callable[[str], object]] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": {"true": True, "false": False}.__getitem__,
    "date": date.fromisoformat,
    "datetime": lambda text: datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC),
}
STORED = {
    "string": "string",
    "integer": "int64",
    "number": "double",
    "boolean": "bool",
    "date": "date32[day]",
    "datetime": "timestamp[us, tz=UTC]",
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parquet") / "dataset"
    with duckdb.connect() as con:
        MADE_UP["fill_census"](con, SNAPSHOTS, 60)
        con.execute("UPDATE site_weights SET weight = weight * 170005451.386257 WHERE host < 'h3'")
        con.execute("UPDATE corpora SET total_weight = total_weight * 170005451.386257")
        models.build(con)
        publish(con, folder)
    return folder


def schema_of(folder: Path, name: str) -> list[dict[str, str]]:
    package = json.loads((folder / "datapackage.json").read_text("utf-8"))
    resource = next(one for one in package["resources"] if one["name"] == name)
    fields: list[dict[str, str]] = resource["schema"]["fields"]
    return fields


@pytest.mark.parametrize("name", [dataset.name for dataset in DATASETS])
def test_parquet_holds_the_values_of_the_csv_in_its_order(dataset: Path, name: str) -> None:
    fields = schema_of(dataset, name)
    with (dataset / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))[1:]
    # An empty cell and a quoted empty text are alike to this reader.
    expected = [
        tuple(READ[field["type"]](cell) if cell else None for field, cell in zip(fields, line, strict=True))
        for line in lines
    ]
    table = pq.read_table(dataset / f"{name}.parquet")
    found = [tuple(cell if cell != "" else None for cell in row.values()) for row in table.to_pylist()]
    assert found == expected


@pytest.mark.parametrize("name", [dataset.name for dataset in DATASETS])
def test_parquet_is_typed_compressed_and_described(dataset: Path, name: str) -> None:
    fields = schema_of(dataset, name)
    file = pq.ParquetFile(dataset / f"{name}.parquet")
    assert [(field.name, str(field.type)) for field in file.schema_arrow] == [
        (field["name"], STORED[field["type"]]) for field in fields
    ]
    described = {key.decode(): text.decode() for key, text in file.metadata.metadata.items()}
    assert {field["name"]: field["description"] for field in fields}.items() <= described.items()
    for group in range(file.metadata.num_row_groups):
        assert file.metadata.row_group(group).column(0).compression == "ZSTD"


def columns(con: duckdb.DuckDBPyConnection, table: str) -> list[Column]:
    found = []
    for name, kind, *_ in con.execute(f"DESCRIBE {table}").fetchall():
        known = find_kind(kind)
        assert known is not None
        found.append(Column(name, known, f"It's {name}", ()))
    return found


def test_bytes_do_not_depend_on_the_number_of_threads(tmp_path: Path) -> None:
    hashes = set()
    with duckdb.connect() as con:
        con.execute(
            "CREATE TABLE t AS SELECT 'h' || i AS host, i, (i * 7919) % 100003 / 7 AS share,"
            " TIMESTAMP '2024-01-01' + to_seconds(i) AS time FROM range(600000) AS r(i) ORDER BY host"
        )
        for threads in (1, 2, 4):
            con.execute(f"SET threads = {threads}")
            path = tmp_path / f"{threads}.parquet"
            assert write_parquet(con, columns(con, "t"), "t", path) == 600000
            hashes.add(hash_file(path))
    assert len(hashes) == 1


def test_numbers_are_those_that_a_reader_of_the_csv_gets(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        con.execute(
            "CREATE TABLE t AS SELECT i AS n_hosts, sqrt(i) * pow(10, i % 17 - 6) AS x,"
            " sqrt(i) * pow(10, i % 13 - 3) AS weight FROM range(50000) AS r(i)"
        )
        write_csv(con, columns(con, "t"), "t", tmp_path / "t.csv")
        write_parquet(con, columns(con, "t"), "t", tmp_path / "t.parquet")
    with (tmp_path / "t.csv").open() as file:
        expected = [(int(n), float(x), float(weight)) for n, x, weight in list(csv.reader(file))[1:]]
    assert [tuple(row.values()) for row in pq.read_table(tmp_path / "t.parquet").to_pylist()] == expected


def test_a_time_is_utc_whatever_the_session_says(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'America/New_York'")
        con.execute(
            "CREATE TABLE t AS SELECT TIMESTAMP '2024-02-29 12:34:56.789' AS plain,"
            " TIMESTAMPTZ '2024-02-29 14:34:56+02:00' AS zoned"
        )
        write_parquet(con, columns(con, "t"), "t", tmp_path / "t.parquet")
    noon = datetime(2024, 2, 29, 12, 34, 56, tzinfo=UTC)
    assert pq.read_table(tmp_path / "t.parquet").to_pylist() == [{"plain": noon, "zoned": noon}]


def test_a_file_is_known_by_its_path_below_the_folder(tmp_path: Path) -> None:
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "t.sql").write_bytes(b"abc")
    of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert describe_file(tmp_path / "sql" / "t.sql", tmp_path) == File("sql/t.sql", 3, of_abc)
