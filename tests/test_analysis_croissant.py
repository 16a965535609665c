"""`croissant.json` validates with mlcroissant, which reads every table by it, offline."""

import csv
import json
import runpy
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import mlcroissant
import pytest

from analysis import models
from analysis.dataset_table import DATASETS
from analysis.publish import publish
from analysis.release import Edition

MADE_UP = runpy.run_path(str(Path(__file__).with_name("made_up_census.py")))
SNAPSHOTS = ("CC-MAIN-2020-39", "CC-MAIN-2024-05")
EDITION = Edition("us-gov", "US sites", code_version="0.9.0")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("croissant") / "dataset"
    with duckdb.connect() as con:
        MADE_UP["fill_census"](con, SNAPSHOTS, 5)
        models.build(con)
        publish(con, folder, EDITION)
    return folder


@pytest.fixture(scope="module")
def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "croissant.json").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def read(folder: Path) -> mlcroissant.Dataset:
    return mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))


def test_it_validates_without_errors_and_without_warnings(read: mlcroissant.Dataset) -> None:
    issues = read.metadata.ctx.issues
    assert (issues.errors, issues.warnings) == (set(), set())
    assert [one.id for one in read.metadata.record_sets] == [dataset.name for dataset in DATASETS]


@pytest.mark.parametrize("name", [dataset.name for dataset in DATASETS])
def test_the_records_are_the_rows_of_the_csv(folder: Path, read: mlcroissant.Dataset, name: str) -> None:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    records = list(read.records(name))
    assert len(records) == len(rows)
    for record, row in zip(records, rows, strict=True):
        assert {key.removeprefix(f"{name}/") for key in record} == row.keys()
        for column, text in row.items():
            value = record[f"{name}/{column}"]
            if isinstance(value, bytes) or text == "":
                assert (value or b"").decode() == text
            elif isinstance(value, bool):
                assert str(value).lower() == text
            elif isinstance(value, int | float):
                assert value == float(text)


def test_every_file_is_stated_with_its_size_and_hash(folder: Path, document: dict[str, Any]) -> None:
    stated = {one["contentUrl"]: one for one in document["distribution"]}
    for path, one in stated.items():
        content = (folder / path).read_bytes()
        assert one["sha256"] == sha256(content).hexdigest()
        assert one["contentSize"] == f"{len(content)} B"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    beside = {"croissant.json", "datapackage.json", "README.md", "checksums.txt"}
    assert stated.keys() == files - beside


def test_what_is_stated_depends_on_the_data_and_not_on_the_clock(document: dict[str, Any]) -> None:
    # The made-up snapshots last ten days; week 5 of 2024 begins on 29 January.
    assert document["datePublished"] == "2024-02-08"
    assert document["rai:dataCollectionTimeFrame"] == ["2020-09-21", "2024-02-08"]
    assert document["license"] == "https://spdx.org/licenses/CC-BY-4.0.html"
    assert (
        "crawlcensus 0.9.0 from Common Crawl's snapshots CC-MAIN-2020-39 to CC-MAIN-2024-05"
        in (document["citeAs"])
    )


def test_limits_and_biases_are_said_in_the_terms_of_responsible_ai(read: mlcroissant.Dataset) -> None:
    metadata = read.metadata
    assert any("no random sample" in text for text in metadata.data_biases)
    assert any("reading" in text for text in metadata.data_limitations)
    for text in (metadata.data_collection, metadata.data_imputation_protocol, metadata.data_social_impact):
        assert text


def test_a_key_elsewhere_is_a_reference_and_a_part_of_one_is_not(document: dict[str, Any]) -> None:
    fields = {field["@id"]: field for one in document["recordSet"] for field in one["field"]}
    assert fields["answers/host"]["references"] == {"field": {"@id": "sites/host"}}
    assert fields["transitions/snapshot_from"]["references"] == {"field": {"@id": "snapshots/snapshot"}}
    assert "references" not in fields["readings/ruleset"]
    for field in fields.values():
        assert field.get("references", {}).get("field", {"@id": "sites/host"})["@id"] in fields


def test_vocabularies_and_keys_are_told(document: dict[str, Any]) -> None:
    answers = next(one for one in document["recordSet"] if one["@id"] == "answers")
    assert answers["key"] == [{"@id": "answers/host"}, {"@id": "answers/snapshot"}]
    state = next(field for field in answers["field"] if field["name"] == "access_state")
    assert "One of rules, empty, absent" in state["description"]


def test_a_census_without_snapshots_has_no_date_and_still_validates(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        MADE_UP["fill_census"](con, (), 0)
        models.build(con)
        publish(con, tmp_path / "dataset")
    read = mlcroissant.Dataset(jsonld=str(tmp_path / "dataset" / "croissant.json"))
    assert read.metadata.ctx.issues.errors == set()
    assert read.metadata.date_published is None
    assert list(read.records("answers")) == []
