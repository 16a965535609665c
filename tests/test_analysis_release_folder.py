"""A folder is a release, with its tables and their types, or is refused with the fix."""

import json
from pathlib import Path

import duckdb
import pytest

from analysis.release_folder import ReleaseError, read_release_folder

PACKAGE = {
    "name": "small",
    "version": "2024.5.0",
    "resources": [
        {
            "name": "t",
            "path": "t.csv",
            "schema": {
                "fields": [
                    {"name": "host", "type": "string"},
                    {"name": "n", "type": "integer"},
                    {"name": "at", "type": "datetime"},
                ],
                "primaryKey": ["host"],
            },
        },
        {"name": "t-sql", "path": "sql/t.sql"},
        {"name": "dictionary", "path": "dictionary.csv", "schema": {"fields": [], "primaryKey": []}},
    ],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "datapackage.json").write_text(json.dumps(PACKAGE), "utf-8")
    (tmp_path / "t.csv").write_text('host,n,at\n"",7,2024-02-29T12:00:00Z\nb,,\n', "utf-8")
    return tmp_path


def test_a_table_has_its_key_its_types_and_nothing_that_is_not_told(folder: Path) -> None:
    release = read_release_folder(folder)
    assert (release.name, release.version, release.account) == ("small", "2024.5.0", None)
    assert list(release.tables) == ["t"]
    table = release.tables["t"]
    assert (table.key, table.reads, table.script_sha256) == (("host",), None, "")
    assert dict(table.types) == {"host": "string", "n": "integer", "at": "datetime"}


def test_a_csv_tells_empty_text_from_no_value(folder: Path) -> None:
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'America/New_York'")
        rows = con.execute(
            f"FROM {read_release_folder(folder).tables['t'].relation} ORDER BY host"
        ).fetchall()
    assert [(host, n) for host, n, _ in rows] == [("", 7), ("b", None)]


def test_the_output_folder_of_a_study_will_do(folder: Path) -> None:
    study = folder.parent / "study"
    study.mkdir()
    folder.rename(study / "dataset")
    assert read_release_folder(study).path == study / "dataset"


def test_a_file_that_is_not_there_is_named(folder: Path) -> None:
    (folder / "t.csv").unlink()
    with pytest.raises(ReleaseError, match=r"t\.csv: .* not there"):
        read_release_folder(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no datapackage.json"),
        ("nonsense", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "not the description"),
    ],
)
def test_a_folder_that_is_no_release_is_refused_with_the_fix(tmp_path: Path, text: str, message: str) -> None:
    if text:
        (tmp_path / "datapackage.json").write_text(text)
    with pytest.raises(ReleaseError, match=message):
        read_release_folder(tmp_path)
