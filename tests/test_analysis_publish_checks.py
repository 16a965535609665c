"""The checks and the columns of the published tables, one by one, on tables of a few rows."""

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from analysis.checks import iter_checks, run_check, run_checks
from analysis.dataset import Check, Dataset, DatasetError, Reference
from analysis.dataset_columns import KINDS, Column, find_kind, read_columns, read_comments
from analysis.dataset_docs import render_checksums, render_dictionary, render_readme
from analysis.dataset_files import File, Published
from analysis.dataset_package import render_package
from analysis.dataset_table import DATASETS
from analysis.release import Edition, Release
from consent.vocabulary import Restriction

TEXT = KINDS[0]

# DuckDB value → Frictionless type, cell in the CSV
CELLS = {
    "'a'": ("string", "a"),
    "42::SMALLINT": ("integer", "42"),
    "sum(2::HUGEINT)": ("integer", "2"),
    "1 / 3": ("number", "0.333333"),
    "0.1::FLOAT": ("number", "0.100000"),
    "-1e-12": ("number", "0.000000"),
    "12.5::DECIMAL(10, 1)": ("number", "12.500000"),
    "170005451386.25": ("number", "170005451386.250000"),
    "true": ("boolean", "true"),
    "DATE '2024-02-29'": ("date", "2024-02-29"),
    "TIMESTAMP '2024-02-29 12:34:56.789'": ("datetime", "2024-02-29T12:34:56Z"),
    "TIMESTAMP_S '1999-12-31 23:59:59'": ("datetime", "1999-12-31T23:59:59Z"),
    "TIMESTAMPTZ '2024-02-29 12:00:00+02:00'": ("datetime", "2024-02-29T10:00:00Z"),
    "'b'::ENUM('a', 'b')": ("string", "b"),
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A table `t` of two described columns, and a table `u` that it refers to."""
    with duckdb.connect() as con:
        con.execute("CREATE TABLE t (id VARCHAR, restriction VARCHAR, n_hosts BIGINT, share_all DOUBLE)")
        con.execute("INSERT INTO t VALUES ('a', 'all', 1, 0.5), ('b', 'none', 0, NULL), ('c', NULL, NULL, 1)")
        for column in ("id", "restriction", "n_hosts", "share_all"):
            con.execute(f"COMMENT ON COLUMN t.{column} IS 'What {column} holds'")
        con.execute("CREATE TABLE u AS SELECT unnest(['a', 'b', 'c', 'd']) AS id")
        yield con


def dataset(**changes: object) -> Dataset:
    given = {"name": "t", "one_row_per": "thing", "sources": ("t",), "key": ("id",)}
    return Dataset(**{**given, **changes})  # type: ignore[arg-type]


def published(*columns: Column, **changes: object) -> Published:
    files = (File(f"t.{suffix}", 99, "ab" * 32) for suffix in ("csv", "parquet", "sql"))
    return Published(dataset(**changes), columns, 3, 5, *files, ("u",))


def release(title: str = "P") -> Release:
    return Release(Edition("p", title), "2024.10.0", (), (), (), "1", "1", (), ())


def package(*tables: Published) -> dict[str, Any]:
    companions = File("dictionary.csv", 1, "00"), File("release.json", 1, "00")
    return json.loads(render_package(tables, release(), *companions))  # type: ignore[no-any-return]


def check_all(con: duckdb.DuckDBPyConnection, checked: Dataset) -> int:
    return run_checks(con, checked, read_columns(con, checked), "t", {"u": "u"})


@pytest.mark.parametrize("value", CELLS)
def test_a_value_has_one_type_and_one_way_to_be_written(value: str, con: duckdb.DuckDBPyConnection) -> None:
    con.execute("SET TimeZone = 'America/New_York'")
    con.execute(f"CREATE TABLE v AS SELECT {value} AS x")
    duckdb_type = con.execute("DESCRIBE v").fetchall()[0][1]
    kind = find_kind(duckdb_type)
    assert kind is not None
    cell = Column("x", kind, "", ()).cell
    shown = con.execute(f"SELECT CAST(x AS VARCHAR) FROM (SELECT {cell} FROM v)").fetchone()
    assert (kind.name, shown) == (CELLS[value][0], (CELLS[value][1],))


@pytest.mark.parametrize(
    "duckdb_type", ["VARCHAR[]", "INTEGER[3]", "BLOB", "STRUCT(a INTEGER)", "MAP(VARCHAR, INTEGER)"]
)
def test_what_a_cell_cannot_hold_has_no_kind(duckdb_type: str) -> None:
    assert find_kind(duckdb_type) is None


def test_weights_keep_twelve_decimals(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE v AS SELECT 1e-9 AS weight, 1e-9 AS share")
    kind = find_kind("DOUBLE")
    assert kind is not None
    cells = ", ".join(Column(name, kind, "", ()).cell for name in ("weight", "share"))
    row = con.execute(f"SELECT {cells} FROM v").fetchone()
    assert row is not None
    assert [f"{cell:f}" for cell in row] == ["0.000000001000", "0.000000"]


def test_a_column_of_any_name_can_be_published(con: duckdb.DuckDBPyConnection) -> None:
    con.execute('CREATE TABLE v AS SELECT 1 AS "a ""b"" order"')
    cell = Column('a "b" order', KINDS[1], "", ()).cell
    assert con.execute(f"SELECT {cell} FROM v").fetchone() == (1,)


def test_columns_are_described_by_the_first_source_that_has_them(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("COMMENT ON COLUMN u.id IS 'Another'")
    columns = read_columns(con, dataset(sources=("t", "u"), query="SELECT id FROM u"))
    assert [(column.name, column.description) for column in columns] == [("id", "What id holds")]
    columns = read_columns(con, dataset(sources=("u", "t"), query="SELECT id, n_hosts FROM t"))
    assert [column.description for column in columns] == ["Another", "What n_hosts holds"]


def test_an_addition_stands_after_the_comment_or_in_its_place(con: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT id, 1 AS more FROM t"
    columns = read_columns(con, dataset(query=query, added=(("id", ", or *"), ("more", "New"))))
    assert [column.description for column in columns] == ["What id holds, or *", "New"]
    with pytest.raises(DatasetError, match="more has no comment"):
        read_columns(con, dataset(query=query))


def test_comments_of_a_view_count_and_missing_ones_are_left_out(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE VIEW w AS SELECT id, n_hosts FROM t")
    con.execute("COMMENT ON COLUMN w.id IS 'Of the view'")
    assert read_comments(con, "w") == {"id": "Of the view"}
    assert read_comments(con, "nothing") == {}


def test_sound_rows_pass_every_check_and_the_number_of_checks_comes_back(
    con: duckdb.DuckDBPyConnection,
) -> None:
    checked = dataset(
        vocabularies=(("restriction", Restriction),),
        references=(Reference(("id",), "u", ("id",)),),
        checks=(Check("few", "SELECT 1 FROM {rows} HAVING count(*) > 9"),),
    )
    assert check_all(con, checked) == 8


def test_null_is_in_every_vocabulary_and_every_range(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("DELETE FROM t WHERE id <> 'c'")
    con.execute("UPDATE t SET share_all = NULL")
    assert check_all(con, dataset(vocabularies=(("restriction", Restriction),))) == 6


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("INSERT INTO t (id) VALUES ('a')", "t: check 'key is unique' failed, first rows: id='a', n=2"),
        ("UPDATE t SET id = NULL WHERE id = 'b'", "t: check 'key has no NULL' failed, first rows: id=None"),
        (
            "UPDATE t SET share_all = 1.01 WHERE id = 'a'",
            "'share_all is within 0-1' failed, first rows: share_all=1.01",
        ),
        (
            "UPDATE t SET share_all = 'inf' WHERE id = 'a'",
            "'share_all is finite' failed, first rows: share_all=inf",
        ),
        ("UPDATE t SET n_hosts = -2 WHERE id = 'a'", "'n_hosts is a count' failed, first rows: n_hosts=-2"),
        (
            "UPDATE t SET restriction = 'full'",
            "'restriction is in its vocabulary' failed, first rows: restriction='full'",
        ),
        ("DELETE FROM u WHERE id = 'c'", "'id in u' failed, first rows: id='c'"),
    ],
)
def test_each_check_catches_its_fault_and_shows_it(
    statement: str, message: str, con: duckdb.DuckDBPyConnection
) -> None:
    con.execute(statement)
    checked = dataset(
        vocabularies=(("restriction", Restriction),), references=(Reference(("id",), "u", ("id",)),)
    )
    with pytest.raises(DatasetError) as caught:
        check_all(con, checked)
    assert message in str(caught.value)


def test_a_reference_of_two_columns_is_checked_as_a_pair(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("CREATE TABLE v AS SELECT 'a' AS x, 1 AS y UNION ALL SELECT 'b', 7")
    checked = dataset(references=(Reference(("id", "n_hosts"), "v", ("x", "y")),))
    with pytest.raises(DatasetError, match=r"'id, n_hosts in v' failed, first rows: id='b', n_hosts=0$"):
        run_checks(con, checked, read_columns(con, checked), "t", {"v": "v"})


def test_a_passing_check_says_nothing_and_a_failing_one_shows_three_rows(
    con: duckdb.DuckDBPyConnection,
) -> None:
    run_check(con, "t", Check("none", "SELECT * FROM {rows} WHERE false"), "t")
    with pytest.raises(DatasetError, match=r"x=0; x=1; x=2$"):
        run_check(con, "t", Check("some", "SELECT i AS x FROM range(9) AS r(i)"), "t")


def test_every_published_dataset_checks_its_key_before_anything_else() -> None:
    for one in DATASETS:
        names = [check.name for check in iter_checks(one, (), {d.name: d.sources[0] for d in DATASETS})]
        assert names[:2] == ["key has no NULL", "key is unique"]


def test_a_reference_to_part_of_a_key_is_no_foreign_key() -> None:
    whole = Reference(("id",), "sites", ("host",))
    part = Reference(("id",), "rulesets", ("ruleset",))
    one = published(Column("id", TEXT, "Id", ()), references=(whole, part))
    sites = published(Column("host", TEXT, "Host", ()), name="sites", key=("host",))
    rulesets = published(Column("ruleset", TEXT, "R", ()), name="rulesets", key=("ruleset", "agent"))
    resources = package(one, sites, rulesets)["resources"]
    assert resources[0]["schema"]["foreignKeys"] == [
        {"fields": ["id"], "reference": {"resource": "sites", "fields": ["host"]}}
    ]
    assert "foreignKeys" not in resources[1]["schema"]


def test_the_package_states_bytes_hash_dialect_and_vocabulary() -> None:
    one = published(Column("restriction", TEXT, "Level", ("none", "all")))
    resource = package(one)["resources"][0]
    assert (resource["bytes"], resource["hash"]) == (99, "sha256:" + "ab" * 32)
    assert resource["dialect"]["lineTerminator"] == "\n"
    assert resource["schema"]["fields"][0]["constraints"] == {"enum": ["none", "all"]}


def test_the_dictionary_quotes_what_csv_must_quote() -> None:
    one = published(Column("id", TEXT, 'One, "two"', ()), Column("x", KINDS[1], "X", ("1", "2")))
    assert render_dictionary([one]).splitlines()[1:] == [
        't,1,id,string,true,,"One, ""two"""',
        "t,2,x,integer,false,1|2,X",
    ]
    assert render_dictionary([]).count("\n") == 1


def test_the_readme_has_a_heading_a_note_and_the_references_of_each_table() -> None:
    one = published(
        Column("id", TEXT, "a | b", ("x",)), note="Mind this.", references=(Reference(("id",), "u", ("id",)),)
    )
    readme = render_readme([one], release("Of hosts"))
    assert readme.startswith("# Of hosts\n")
    assert "## t\n" in readme
    assert "Mind this." in readme
    assert "| **id** | string | a \\| b (x) |" in readme
    assert "`id` occurs in `u`." in readme


def test_checksums_are_sorted_by_name() -> None:
    assert render_checksums({"b.csv": "22", "a.csv": "11"}) == "11  a.csv\n22  b.csv\n"
    assert render_checksums({}) == ""
