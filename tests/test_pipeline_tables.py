"""The data contract: names and keys as designed, every column described, descriptions in the warehouse."""

import hashlib
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.archive_tables import CONTENTS
from pipeline.loading.database import create_tables
from pipeline.parts import rows_to_table, sort_rows, write_part
from pipeline.storage.folder import FolderStorage
from pipeline.table import TIME, Table
from pipeline.tables import RULESETS, SIGNALS, TABLES

# Written down a second time on purpose: a change of the contract has to be made in two places.
KEYS = {
    "snapshots": ("snapshot",),
    "warc_files": ("snapshot", "warc_filename"),
    "index_files": ("snapshot", "index_filename"),
    "sites": ("host",),
    "site_weights": ("host", "corpus"),
    "corpora": ("corpus",),
    "captures": ("snapshot", "url", "fetch_time", "warc_filename", "warc_record_offset"),
    "contents": ("content_digest",),
    "bodies": ("content_digest",),
    "readings": ("content_digest", "dialect"),
    "rulesets": ("ruleset", "agent"),
    "signals": ("content_digest", "signal", "scope", "key", "line"),
    "agents": ("agent",),
    "dialects": ("dialect",),
    "losses": ("snapshot", "stage", "reason"),
    "access_states": ("fetch_status", "body_kind", "has_refusal_marker"),
    "observations": (
        "run",
        "site",
        "host",
        "identity",
        "block",
        "target",
        "hop",
        "warc_filename",
        "warc_record_offset",
    ),
    "live_declarations": ("body_digest", "agent"),
    "outcome_kinds": (
        "failure",
        "status",
        "marker",
        "is_priced",
        "asks_license",
        "asks_login",
        "has_body",
    ),
    "url_snapshots": ("snapshot",),
    "url_frames": ("snapshot", "host"),
    "url_samples": ("snapshot", "host", "place"),
    "runs": ("run", "stage"),
}
OTHER_COLUMNS = {
    "snapshots": "starts_at ends_at mode n_files_planned n_files_read notes",
    "warc_files": "serial n_serials is_selected",
    "index_files": "",
    "sites": "registered_domain tld suffix stratum is_domain",
    "site_weights": "weight is_head",
    "corpora": "title unit total_weight head_column sample_stratum",
    "captures": "host scheme fetch_status fetch_redirect content_digest content_mime_type"
    " content_mime_detected content_length content_truncated digest_ok server refusal_marker"
    " source warc_record_length",
    "contents": "content",
    "bodies": "content_length body_kind is_html has_bom n_groups n_rules managed_by is_cut"
    " body_refusal_marker",
    "readings": "dialect_version registry_digest ruleset",
    "rulesets": "group_match restriction restriction_longpre2024 crawl_delay",
    "signals": "value",
    "agents": "operator purpose control_token first_listed date_basis honours_robots source is_tracked",
    "dialects": "dialect_version summary is_default",
    "losses": "n_records n_bytes",
    "access_states": "access_state",
    "observations": "url started_at elapsed_ms failure status http_version address headers body_digest"
    " body_length truncated title markers presence sketch location retry_after_s is_void",
    "live_declarations": "body_kind restriction",
    "outcome_kinds": "stage detail bearing access_state",
    "url_snapshots": "per_host n_parts_planned n_parts_read",
    "url_frames": "n_urls_seen n_urls_sampled",
    "url_samples": "path url",
    "runs": "started_at elapsed_s peak_memory_mib code_version library_versions dialects registry_digest"
    " inputs_digest n_tasks n_tasks_run n_rows skips",
}
EVERY_TABLE = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


@pytest.fixture(scope="module")
def warehouse() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    create_tables(con)
    return con


def test_the_tables_are_those_of_the_contract() -> None:
    assert set(TABLES) == set(KEYS)
    assert all(name == table.name for name, table in TABLES.items())


@EVERY_TABLE
def test_key_and_columns_are_those_of_the_contract(table: Table) -> None:
    assert table.key == KEYS[table.name]
    assert set(table.schema.names) == {*table.key, *OTHER_COLUMNS[table.name].split()}
    assert len(table.schema.names) == len(set(table.schema.names))


@EVERY_TABLE
def test_every_column_is_described_by_a_sentence_without_a_full_stop(table: Table) -> None:
    for column in table.schema.names:
        text = table.column_description(column)
        assert len(text) >= 3, column
        assert text == text.strip(), column
        assert text[0].isupper() or text.split()[0].rstrip(",") in {
            "http",
            "provider/action",
            "rules",
            "none",
            "specific",
        }, text
        assert not text.endswith("."), text
    assert table.one_row_per


def test_one_name_has_one_type_and_the_same_column_one_description_everywhere() -> None:
    types: dict[str, set[pa.DataType]] = {}
    for table in TABLES.values():
        for field in table.schema:
            # A request begins at a millisecond, a run at a second; the warehouse has one type for both.
            kind = pa.timestamp("s") if pa.types.is_timestamp(field.type) else field.type
            types.setdefault(field.name, set()).add(kind)
    assert {name: kinds for name, kinds in types.items() if len(kinds) > 1} == {}
    for shared in ("snapshot", "content_digest"):
        texts = {t.column_description(shared) for t in TABLES.values() if shared in t.schema.names}
        assert len(texts) == 1


@EVERY_TABLE
def test_only_key_columns_are_never_empty(table: Table) -> None:
    assert {field.name for field in table.schema if not field.nullable} == set(table.key)


def test_times_are_utc_without_a_zone_and_counts_are_whole() -> None:
    for table in TABLES.values():
        for field in table.schema:
            if field.name.endswith("_at") or field.name == "fetch_time":
                assert field.type in (pa.timestamp("s"), pa.timestamp("ms")), field.name
            if field.name.startswith("n_") or field.name.endswith("_length"):
                assert field.type == pa.int64(), field.name
            if field.name.startswith(("is_", "has_", "asks_")):
                assert field.type == pa.bool_(), field.name


def test_asking_for_the_description_of_an_unknown_column_is_an_error() -> None:
    with pytest.raises(KeyError):
        RULESETS.column_description("colour")


@pytest.mark.parametrize("name", sorted(set(KEYS) - {"contents"}))
def test_the_warehouse_has_the_columns_with_their_descriptions(
    warehouse: duckdb.DuckDBPyConnection, name: str
) -> None:
    table = TABLES[name]
    found = warehouse.execute(
        "SELECT column_name, comment, is_nullable FROM duckdb_columns() WHERE table_name = ?", [name]
    ).fetchall()
    expected = {
        column: (table.column_description(column), column not in table.key) for column in table.schema.names
    }
    if name == "bodies":
        expected["content"] = (CONTENTS.column_description("content"), True)
    assert {column: (comment, is_nullable) for column, comment, is_nullable in found} == expected
    comment = warehouse.execute("SELECT comment FROM duckdb_tables() WHERE table_name = ?", [name]).fetchone()
    assert comment == (f"One row per {table.one_row_per}",)


def test_the_warehouse_has_no_table_beside_the_contract(warehouse: duckdb.DuckDBPyConnection) -> None:
    found = warehouse.execute("SELECT table_name FROM duckdb_tables()").fetchall()
    assert {name for (name,) in found} == set(KEYS) - {"contents"}


@EVERY_TABLE
def test_a_part_carries_the_descriptions_and_the_schema_even_without_rows(
    table: Table, tmp_path: Path
) -> None:
    storage = FolderStorage(tmp_path)
    output = write_part(storage, f"tables/{table.name}/part-x", table, rows_to_table(table, []))
    stored = pq.read_schema(tmp_path / output.path)
    assert stored.names == table.schema.names
    in_parquet = {TIME: pa.timestamp("ms")}  # Parquet knows no whole seconds
    assert stored.types == [in_parquet.get(kind, kind) for kind in table.schema.types]
    for field in stored:
        assert field.metadata[b"description"].decode() == table.column_description(field.name)
    assert (output.table, output.n_rows) == (table.name, 0)
    assert output.n_bytes == (tmp_path / output.path).stat().st_size


def test_equal_rows_in_any_order_are_equal_bytes(tmp_path: Path) -> None:
    rows = [("r2", "b", "none", "all", "all", None), ("r1", "z", "none", "all", "all", 1.5)]
    rows.append(("r2", "a", "none", "some", "all", None))
    one, two = (
        write_part(
            FolderStorage(tmp_path), name, RULESETS, sort_rows(RULESETS, rows_to_table(RULESETS, order))
        )
        for name, order in (("one", rows), ("two", rows[::-1]))
    )
    assert (tmp_path / one.path).read_bytes() == (tmp_path / two.path).read_bytes()
    keys = pq.read_table(tmp_path / one.path).select(["ruleset", "agent"]).to_pylist()
    assert keys == [{"ruleset": r, "agent": a} for r, a in (("r1", "z"), ("r2", "a"), ("r2", "b"))]


def test_the_name_of_a_part_tells_its_bytes(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    bodies = [("A", b"a"), ("B", b"b"), ("C", b"c")]
    one, same, fewer = (
        write_part(storage, "tables/contents/part-x", CONTENTS, rows_to_table(CONTENTS, rows))
        for rows in (bodies, bodies, bodies[1:])
    )
    assert one == same
    for output in (one, fewer):
        digest = hashlib.sha256((tmp_path / output.path).read_bytes()).hexdigest()[:16]
        assert output.path == f"tables/contents/part-x-{digest}.parquet"
    assert one.path != fewer.path
    assert sorted(entry.name for entry in storage.iter_below("tables")) == sorted([one.path, fewer.path])


def test_a_part_of_bodies_tells_its_least_and_greatest_digest_and_other_parts_do_not(tmp_path: Path) -> None:
    storage, bodies = FolderStorage(tmp_path), rows_to_table(CONTENTS, [("C", b""), ("A", b""), ("B", b"")])
    every = write_part(storage, "part-x", CONTENTS, bodies)
    assert (every.first, every.last, every.n_rows) == ("A", "C", 3)
    some = write_part(storage, "part-x", CONTENTS, bodies, order=pa.array([2, 0]))
    assert (some.first, some.last, some.n_rows) == ("B", "C", 2)
    assert pq.read_table(tmp_path / some.path)["content_digest"].to_pylist() == ["B", "C"]
    none = write_part(storage, "part-x", CONTENTS, rows_to_table(CONTENTS, []))
    signals = [(digest, "License", "", "", "x", 1) for digest in ("D", "E")]
    told = write_part(storage, "part-x", SIGNALS, rows_to_table(SIGNALS, signals))
    assert (told.first, told.last) == ("D", "E")
    rulesets = [("r1", "z", "none", "all", "all", 1.5)]
    other = write_part(storage, "part-x", RULESETS, rows_to_table(RULESETS, rulesets))
    assert (none.first, none.last, other.first, other.last) == ("", "", "", "")


def test_a_part_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage, seen = FolderStorage(tmp_path), list[object]()

    def die(*_: object) -> None:
        seen.append([path.name[:5] for path in (tmp_path / "tables/contents").iterdir()])
        seen.extend(storage.iter_below("tables"))
        raise KeyboardInterrupt

    monkeypatch.setattr(pq.ParquetWriter, "write_table", die)
    rows = pa.table({"content_digest": ["A"], "content": [b"a"]}, schema=CONTENTS.schema)
    with pytest.raises(KeyboardInterrupt):
        write_part(storage, "tables/contents/part-x", CONTENTS, rows)
    assert seen == [[".tmp-"]], "under way, and not to be seen"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
