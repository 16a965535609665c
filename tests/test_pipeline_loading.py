"""Releases loaded one after another end in the rows, the dataset and the report of all loaded at once."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.loading import parts as reading
from pipeline.run import run_stages, stages_of
from pipeline.study import Study, read_study
from pipeline.tables import TABLES
from pipeline.tasks import Stage

DEMO = Path(__file__).parents[1] / "pipeline" / "demo"
RELEASES = sorted(path.name for path in (DEMO / "archive" / "crawl-data").iterdir())
ORDERS = pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)], ids=["newer", "older"])


@pytest.fixture
def make(archives: Any, loaded: Any, studies: Any, tmp_path: Path) -> Any:
    """Makes a study of the releases, by mode."""
    loaded.write_releases(tmp_path / "archive", archives)

    def make_study(mode: str, hosts: Any = loaded.HOSTS) -> Any:
        return studies.TargetedStudy(tmp_path / "study", hosts, mode)

    return make_study


@ORDERS
@pytest.mark.parametrize("mode", ["scan", "shard", "index"])
def test_every_table_is_that_of_all_releases_at_once(
    make: Any, loaded: Any, mode: str, order: tuple[int, ...]
) -> None:
    study, releases = make(mode), [(loaded.OLD, loaded.MIDDLE, loaded.NEW)[n] for n in order]
    for n in range(1, 4):
        loaded.load(study, *releases[:n])
    one_by_one = loaded.rows_of(study)
    assert {row[0] for row in one_by_one["captures"]} == set(releases)
    assert one_by_one["loading.owed"] == []
    assert one_by_one == loaded.rebuild(study)


def test_hosts_of_a_study_without_a_list_come_with_their_captures(make: Any, loaded: Any) -> None:
    study = make("scan", hosts=None)
    loaded.load(study, loaded.MIDDLE)
    assert ("stranger.test",) not in study.ask("SELECT host FROM sites")
    loaded.load(study, loaded.MIDDLE, loaded.NEW)
    one_by_one = loaded.rows_of(study)
    hosts = {*loaded.HOSTS[:10], loaded.HOSTS[11], "stranger.test", "elsewhere.test"}
    assert {row[0] for row in one_by_one["sites"]} == hosts
    assert one_by_one == loaded.rebuild(study)


def test_a_pointer_is_completed_when_a_later_release_brings_its_body(make: Any, loaded: Any) -> None:
    study, damaged = make("index"), loaded.HOSTS[8]
    query = f"SELECT digest_ok, content_length FROM captures WHERE host = '{damaged}' ORDER BY snapshot"
    loaded.load(study, loaded.OLD)
    assert study.ask(query) == [(False, None)]
    assert study.ask("SELECT count(*) FROM loading.owed") == [(1,)]
    loaded.load(study, loaded.OLD, loaded.NEW)
    assert study.ask(query) == [(True, len(loaded.body(80)))] * 2


def test_parts_are_read_some_at_a_time_with_the_same_result(
    make: Any, loaded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make("index")
    loaded.load(study, loaded.OLD, loaded.NEW)
    at_once = loaded.rows_of(study)
    monkeypatch.setattr(reading, "BATCH_BYTES", 1)
    assert loaded.rebuild(study) == at_once


# ---- to the last byte of what is published


def write_demo(folder: Path, *crawls: str) -> Study:
    """The study of the demo with some of its releases, URLs drawn from those of them that it draws from."""
    text = (DEMO / "study.toml").read_text("utf-8").replace("workers = 2", "workers = 1")
    for name in ("archive", "sites.csv"):
        text = text.replace(f'"{name}"', f'"{DEMO / name}"')
    (folder / "study.toml").write_text(text, encoding="utf-8")
    study = read_study(folder / "study.toml")
    assert study.urls is not None
    drawn = tuple(crawl for crawl in crawls if crawl in study.urls.crawls)
    return replace(study, crawls=crawls, urls=replace(study.urls, crawls=drawn))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of the demo's six releases, loaded at once; not to be changed."""
    study = write_demo(tmp_path_factory.mktemp("demo"), *RELEASES)
    run_stages(study, stages_of(study))
    return study.folder


def test_dataset_and_report_are_byte_for_byte_those_of_all_releases_at_once(
    demo: Path, loaded: Any, tmp_path: Path
) -> None:
    few = write_demo(tmp_path, *RELEASES[1:4])
    run_stages(few, stages_of(few))
    assert loaded.products(few.folder) != loaded.products(demo)
    every = write_demo(tmp_path, *RELEASES)
    run_stages(every, stages_of(every))
    assert loaded.products(every.folder) == loaded.products(demo)


def test_the_order_in_which_rows_were_loaded_changes_no_byte_of_dataset_and_report(
    demo: Path, loaded: Any, tmp_path: Path
) -> None:
    study = write_demo(tmp_path, *RELEASES)
    shutil.copytree(demo, study.folder)
    with duckdb.connect(str(study.folder / "census.duckdb")) as con:
        for table in sorted(set(TABLES) - {"contents"}):
            con.execute(f"CREATE TEMP TABLE mixed AS FROM {table} ORDER BY hash(rowid)")
            con.execute(f"DELETE FROM {table}")
            con.execute(f"INSERT INTO {table} FROM mixed")
            con.execute("DROP TABLE mixed")
    products = (Stage.ANALYSE, Stage.PUBLISH, Stage.REPORT)
    loaded.forget(study.folder, *products)
    run_stages(study, products)
    assert loaded.products(study.folder) == loaded.products(demo)
