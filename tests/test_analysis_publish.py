"""The published dataset: what is in the folder, that it is the same every time, and what stops it."""

import csv
import hashlib
import json
import runpy
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import duckdb
import frictionless
import pytest

from analysis import models
from analysis.dataset import DatasetError
from analysis.dataset_files import Published
from analysis.dataset_table import DATASETS
from analysis.publish import publish
from analysis.release import Edition

SNAPSHOTS = ("CC-MAIN-2020-39", "CC-MAIN-2022-12", "CC-MAIN-2023-39", "CC-MAIN-2024-52")
MADE_UP = Path(__file__).with_name("made_up_census.py")
COMPANIONS = {
    "README.md",
    "checksums.txt",
    "croissant.json",
    "datapackage.json",
    "dictionary.csv",
    "release.json",
}
Census = Callable[[tuple[str, ...], int], duckdb.DuckDBPyConnection]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[tuple[str, ...], int], Path]:
    """Databases of made-up hosts with every model built, each made once."""
    fill_census = runpy.run_path(str(MADE_UP))["fill_census"]
    folder = tmp_path_factory.mktemp("built")

    def build(snapshots: tuple[str, ...], n_hosts: int) -> Path:
        path = folder / f"{len(snapshots)}-{n_hosts}.duckdb"
        if not path.exists():
            with duckdb.connect(str(path)) as con:
                fill_census(con, snapshots, n_hosts)
                models.build(con)
        return path

    return build


@pytest.fixture
def census(
    built: Callable[[tuple[str, ...], int], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Census]:
    """A database of one's own to change: `census(snapshots, n_hosts)`."""
    opened: list[duckdb.DuckDBPyConnection] = []

    def make(snapshots: tuple[str, ...], n_hosts: int) -> duckdb.DuckDBPyConnection:
        path = built(snapshots, n_hosts)
        own = shutil.copy(path, tmp_path_factory.mktemp("own") / path.name)
        opened.append(duckdb.connect(str(own)))
        return opened[-1]

    yield make
    for con in opened:
        con.close()


class Publication(NamedTuple):
    """A dataset as it was published, for reading only: what came back, what was told, the folder."""

    published: Sequence[Published]
    told: list[str]
    folder: Path


@pytest.fixture(scope="module")
def publication(
    built: Callable[[tuple[str, ...], int], Path], tmp_path_factory: pytest.TempPathFactory
) -> Publication:
    """20 made-up hosts in four snapshots."""
    told: list[str] = []
    folder = tmp_path_factory.mktemp("published") / "dataset"
    with duckdb.connect(str(built(SNAPSHOTS, 20)), read_only=True) as con:
        made = publish(con, folder, on_progress=lambda one: told.append(one.dataset.name))
    return Publication(made, told, folder)


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_folder(folder: Path) -> dict[str, bytes]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_every_dataset_is_csv_parquet_and_script_with_companions(publication: Publication) -> None:
    names = {
        name.format(dataset.name) for dataset in DATASETS for name in ("{}.csv", "{}.parquet", "sql/{}.sql")
    }
    assert read_folder(publication.folder).keys() == names | COMPANIONS
    assert [one.dataset for one in publication.published] == list(DATASETS)
    assert all(one.n_checks > 0 for one in publication.published)
    assert [path.name for path in publication.folder.parent.iterdir()] == ["dataset"]


def test_the_package_validates_with_frictionless(publication: Publication) -> None:
    report = frictionless.validate(str(publication.folder / "datapackage.json"))
    assert report.valid, report.flatten(["type", "note"])
    assert len(report.tasks) == 3 * len(DATASETS) + 2


def test_frictionless_would_see_a_foreign_key_that_does_not_hold(
    publication: Publication, tmp_path: Path
) -> None:
    shutil.copytree(publication.folder, tmp_path / "dataset")
    sites = tmp_path / "dataset" / "sites.csv"
    sites.write_text(sites.read_text().splitlines()[0] + "\n")
    report = frictionless.validate(str(tmp_path / "dataset" / "datapackage.json"))
    assert {"foreign-key", "hash-count", "byte-count"} <= {row[0] for row in report.flatten(["type"])}


@pytest.mark.parametrize(("snapshots", "n_hosts"), [((), 0), (SNAPSHOTS[:1], 8), (SNAPSHOTS, 0)])
def test_small_censuses_are_published_too(
    census: Census, tmp_path: Path, snapshots: tuple[str, ...], n_hosts: int
) -> None:
    publish(census(snapshots, n_hosts), tmp_path / "dataset")
    assert frictionless.validate(str(tmp_path / "dataset" / "datapackage.json")).valid


def test_same_inputs_give_the_same_bytes_whatever_the_threads(census: Census, tmp_path: Path) -> None:
    for name, threads in (("one", 1), ("two", 4)):
        con = census(SNAPSHOTS, 200)
        con.execute(f"SET threads = {threads}")
        publish(con, tmp_path / name)
    assert read_folder(tmp_path / "one") == read_folder(tmp_path / "two")


def test_publishing_again_takes_the_place_of_what_was_there(census: Census, tmp_path: Path) -> None:
    con = census(SNAPSHOTS, 20)
    publish(con, tmp_path / "dataset")
    before = read_folder(tmp_path / "dataset")
    (tmp_path / "dataset" / "left_over.csv").write_text("a\n")
    publish(con, tmp_path / "dataset")
    assert read_folder(tmp_path / "dataset") == before


def test_a_folder_of_someone_else_is_left_alone(census: Census, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DatasetError, match="folder is ours"):
        publish(census(SNAPSHOTS, 20), tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_rows_are_sorted_by_key_and_lines_end_in_lf(publication: Publication) -> None:
    for one in publication.published:
        path = publication.folder / one.csv.path
        kinds = {column.name: column.kind.name for column in one.columns}
        keys = [
            tuple(int(row[k]) if kinds[k] == "integer" else row[k] for k in one.dataset.key)
            for row in read_csv(path)
        ]
        assert keys == sorted(keys), one.dataset.name
        assert len(keys) == one.n_rows
        assert b"\r\n" not in path.read_bytes()


def test_cells_are_written_in_one_fixed_way(census: Census, tmp_path: Path) -> None:
    con = census(SNAPSHOTS[:1], 5)
    con.execute("UPDATE site_weights SET weight = 1e-9")
    con.execute("UPDATE losses SET reason = 'a \"quoted\", long' || chr(10) || 'reason'")
    publish(con, tmp_path / "dataset")
    snapshot = read_csv(tmp_path / "dataset" / "snapshots.csv")[0]
    assert snapshot["starts_at"] == "2020-09-21T00:00:00Z"
    assert snapshot["notes"] == ""
    assert {row["is_tracked"] for row in read_csv(tmp_path / "dataset" / "agents.csv")} == {"true"}
    weights = {row["weight"] for row in read_csv(tmp_path / "dataset" / "site_weights.csv")}
    assert weights == {"0.000000001000"}
    assert read_csv(tmp_path / "dataset" / "losses.csv")[0]["reason"] == 'a "quoted", long\nreason'
    shares = [row["share_of_observed"] for row in read_csv(tmp_path / "dataset" / "declared_levels.csv")]
    assert all(len(share.split(".")[1]) == 6 for share in shares if share)


def test_checksums_are_those_of_every_file(publication: Publication) -> None:
    lines = (publication.folder / "checksums.txt").read_text().splitlines()
    stated = {name: digest for digest, name in (line.split("  ") for line in lines)}
    files = read_folder(publication.folder)
    del files["checksums.txt"]
    assert stated == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def test_the_dictionary_says_what_every_column_holds(publication: Publication) -> None:
    folder = publication.folder
    rows = read_csv(folder / "dictionary.csv")
    described = {(row["dataset"], row["column"]): row["description"] for row in rows}
    readme = (folder / "README.md").read_text()
    package = json.loads((folder / "datapackage.json").read_text())
    for resource in package["resources"][: len(DATASETS)]:
        header = (folder / resource["path"]).read_text().splitlines()[0].split(",")
        assert header == [field["name"] for field in resource["schema"]["fields"]]
        assert header == [row["column"] for row in rows if row["dataset"] == resource["name"]]
        for field in resource["schema"]["fields"]:
            assert described[resource["name"], field["name"]] == field["description"] != ""
            assert field["description"].replace("|", "\\|") in readme
        assert resource["schema"]["primaryKey"]


BREAKS = {
    "key is unique": ("INSERT INTO sites SELECT * FROM sites LIMIT 1", "sites"),
    "key has no NULL": ("INSERT INTO sites (tld) VALUES ('org')", "sites"),
    "share_of_observed is within 0-1": (
        "UPDATE declared_levels SET share_of_observed = 1.5",
        "declared_levels",
    ),
    "weight is finite": ("UPDATE site_weights SET weight = 'nan'", "site_weights"),
    "restriction is in its vocabulary": ("UPDATE rulesets SET restriction = 'most'", "host_declarations"),
    "access_state is in its vocabulary": ("UPDATE answers SET access_state = 'fine'", "answers"),
    "host in sites": ("INSERT INTO site_weights VALUES ('nobody', 'c4', 1, NULL)", "site_weights"),
    "n_records is a count": ("UPDATE losses SET n_records = -1", "losses"),
    "columns described": ("COMMENT ON COLUMN sites.tld IS NULL", "sites"),
    "plain columns": ("ALTER TABLE sites ADD COLUMN blob BLOB", "sites"),
    "source exists": ("DROP TABLE coverage", "coverage"),
    "levels sum to the number of hosts": (
        "UPDATE declared_levels SET n_hosts = n_hosts + 1 WHERE agent = 'CCBot' AND level = 'absent'",
        "declared_levels",
    ),
}


@pytest.mark.parametrize("check", BREAKS)
def test_a_failed_check_names_itself_and_leaves_the_folder_as_it_was(
    check: str, census: Census, tmp_path: Path
) -> None:
    con = census(SNAPSHOTS, 20)
    publish(con, tmp_path / "dataset", datasets=DATASETS[:1])
    before = read_folder(tmp_path / "dataset")
    statement, name = BREAKS[check]
    con.execute(statement)
    with pytest.raises(DatasetError, match=rf"^{name}: check '{check}' failed"):
        publish(con, tmp_path / "dataset")
    assert read_folder(tmp_path / "dataset") == before
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]


def test_a_failed_check_shows_the_first_offending_rows(census: Census, tmp_path: Path) -> None:
    con = census(SNAPSHOTS, 20)
    con.execute("INSERT INTO site_weights SELECT 'nobody' || i, 'c4', 1, NULL FROM range(5) AS r(i)")
    with pytest.raises(DatasetError, match=r"host='nobody0'; host='nobody1'; host='nobody2'$"):
        publish(con, tmp_path / "dataset")


def test_progress_is_told_table_by_table(publication: Publication) -> None:
    assert publication.told == [dataset.name for dataset in DATASETS]


def test_datasets_are_named_once_and_refer_to_datasets_and_columns_that_exist(census: Census) -> None:
    con = census((), 0)
    names = [dataset.name for dataset in DATASETS]
    assert len(set(names)) == len(names)
    for dataset in DATASETS:
        columns = {row[0] for row in con.execute(f"DESCRIBE {dataset.rows_query}").fetchall()}
        listed = {
            *dataset.key,
            *(name for name, _ in dataset.vocabularies),
            *(name for name, _ in dataset.added),
        }
        assert listed <= columns, dataset.name
        for reference in dataset.references:
            assert set(reference.columns) <= columns
            assert reference.dataset in names


def test_a_dataset_of_ones_own_can_be_published_alone(census: Census, tmp_path: Path) -> None:
    sites = next(dataset for dataset in DATASETS if dataset.name == "sites")
    few = replace(sites, name="heads", query="SELECT host, stratum FROM sites WHERE stratum = 'head'")
    publish(census((), 9), tmp_path / "dataset", Edition("heads-only", "Heads"), [few])
    assert len(read_csv(tmp_path / "dataset" / "heads.csv")) == 3
    assert json.loads((tmp_path / "dataset" / "datapackage.json").read_text())["name"] == "heads-only"
