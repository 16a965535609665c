"""`release.json` says from what a release was made and by which rules, and nothing of clock or place."""

import json
import runpy
from collections.abc import Iterator
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import duckdb
import pytest

from analysis import models
from analysis.criteria import read_criteria
from analysis.publish import publish
from analysis.release import Edition
from consent.markers import MARKERS_VERSION

MADE_UP = runpy.run_path(str(Path(__file__).with_name("made_up_census.py")))
SNAPSHOTS = ("CC-MAIN-2020-39", "CC-MAIN-2022-12", "CC-MAIN-2024-05")
RUN = "INSERT INTO runs (run, stage, code_version, library_versions) VALUES (?, ?, ?, ?)"


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        MADE_UP["fill_census"](con, SNAPSHOTS, 30)
        models.build(con)
        yield con


def account(con: duckdb.DuckDBPyConnection, folder: Path, edition: Edition | None = None) -> dict[str, Any]:
    publish(con, folder, edition or Edition("s", "A study"))
    found: dict[str, Any] = json.loads((folder / "release.json").read_text("utf-8"))
    return found


def test_the_rules_in_force_are_named(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    edition = Edition("s", "A study", code_version="1.2.3", schema_version="7")
    release = account(con, tmp_path / "dataset", edition)
    assert release["dialects"] == {"protego": "1", "rfc9309": "1"}
    assert release["registry_digests"] == ["0123456789abcdef"]
    assert release["criteria_version"] == str(read_criteria().version)
    assert release["markers_version"] == MARKERS_VERSION
    assert (release["name"], release["title"]) == ("s", "A study")
    assert (release["code_version"], release["schema_version"]) == ("1.2.3", "7")


def test_the_digest_of_a_snapshot_is_that_of_its_answers_in_any_order(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    release = account(con, tmp_path / "dataset")
    query = """SELECT host, start_url, end_reason, end_status::VARCHAR, coalesce(content_digest, ''),
        warc_filename, warc_record_offset::VARCHAR FROM answers WHERE snapshot = ? ORDER BY random()"""
    for stated in release["snapshots"]:
        rows = con.execute(query, [stated["snapshot"]]).fetchall()
        digest = 0
        for row in rows:
            digest ^= int.from_bytes(md5("\n".join(row).encode()).digest(), "little")
        assert (stated["n_answers"], stated["answers_digest"]) == (len(rows), f"{digest:032x}")
        assert len(rows) > 10


def test_one_other_record_is_another_digest_of_that_snapshot_alone(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    before = account(con, tmp_path / "dataset")["snapshots"]
    con.execute(
        "UPDATE answers SET warc_record_offset = 7 WHERE host ="
        f" (SELECT min(host) FROM answers WHERE snapshot = '{SNAPSHOTS[1]}') AND snapshot = '{SNAPSHOTS[1]}'"
    )
    after = account(con, tmp_path / "dataset")["snapshots"]
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, True]


def test_the_libraries_are_those_of_the_stages_that_read(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    new, old = '{"protego": "2", "duckdb": "9"}', '{"protego": "1"}'
    rows = [("b", "capture", "0.2", new), ("a", "capture", "0.1", old), ("c", "capture", "0.2", new)]
    con.executemany(RUN, [*rows, ("c", "analyse", "0.2", new)])
    assert account(con, tmp_path / "dataset")["stages"] == [
        {"stage": "capture", "code_version": "0.1", "libraries": {"protego": "1"}},
        {"stage": "capture", "code_version": "0.2", "libraries": {"duckdb": "9", "protego": "2"}},
    ]


def test_every_table_has_its_hashes_key_and_sources(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = tmp_path / "dataset"
    tables = account(con, folder)["tables"]
    for name, table in tables.items():
        for kind, path in (
            ("csv", f"{name}.csv"),
            ("parquet", f"{name}.parquet"),
            ("sql", f"sql/{name}.sql"),
        ):
            assert table[f"{kind}_sha256"] == sha256((folder / path).read_bytes()).hexdigest()
    assert tables["site_weights"]["key"] == ["host", "corpus"]
    assert tables["site_weights"]["rows"] == 30
    assert "answers" in tables["declared_levels"]["reads"]


def test_the_version_is_the_last_snapshot_and_what_the_rows_are(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    first = account(con, tmp_path / "one")["version"]
    assert first.startswith("2024.5.0+")
    assert account(con, tmp_path / "two")["version"] == first
    con.execute("UPDATE sites SET tld = 'other' WHERE host = 'h1.example.org'")
    assert account(con, tmp_path / "three", Edition("x", "Y", "MIT"))["version"] != first


def test_a_release_without_snapshots_is_undated(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        MADE_UP["fill_census"](con, (), 0)
        models.build(con)
        release = account(con, tmp_path / "dataset")
    assert release["version"].startswith("0.0.0+")
    assert release["snapshots"] == []


@pytest.mark.parametrize(
    ("stated", "url"),
    [
        ("CC0-1.0", "https://spdx.org/licenses/CC0-1.0.html"),
        ("https://example.org/terms", "https://example.org/terms"),
    ],
)
def test_a_licence_is_an_identifier_or_an_address(stated: str, url: str) -> None:
    assert Edition(license=stated).license_url == url
