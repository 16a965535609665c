"""The demo's own pages: the accessible shares are those that were counted by hand in demo_data/pages.toml."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from pipeline.run import run_stages
from pipeline.study import read_study
from pipeline.tasks import Stage

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "pipeline" / "demo"
HOSTS = tomllib.loads((ROOT / "tests/demo_data/pages.toml").read_text("utf-8"))["pages"]
IDS = {"2020": "CC-MAIN-2020-24", "2026": "CC-MAIN-2026-08"}
NEW = IDS["2026"]
STAGES = (Stage.DISCOVER, Stage.CAPTURE, Stage.URLS, Stage.DECLARE, Stage.LOAD, Stage.ANALYSE, Stage.PUBLISH)
CASES = [
    (row["host"], agent, column, text)
    for row in HOSTS
    for column in ("expect", "ever")
    for agent, text in row.get(column, {}).items()
]


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    import dataclasses

    folder = tmp_path_factory.mktemp("demo")
    run_stages(dataclasses.replace(read_study(DEMO / "study.toml"), folder=folder, workers=1), STAGES)
    with duckdb.connect(str(folder / "census.duckdb"), read_only=True) as con:
        yield con


def ask(con: duckdb.DuckDBPyConnection, query: str, *values: object) -> list[tuple[Any, ...]]:
    return con.execute(query, list(values)).fetchall()


@pytest.mark.parametrize(("host", "agent", "column", "text"), CASES)
def test_the_counts_are_those_made_by_hand(
    con: duckdb.DuckDBPyConnection, host: str, agent: str, column: str, text: str
) -> None:
    columns = {"expect": "n_urls_allowed, n_urls_sampled", "ever": "n_ever_allowed, n_ever_sampled"}[column]
    query = f"SELECT {columns} FROM accessible_share WHERE snapshot = ? AND host = ? AND agent = ?"
    allowed, drawn = text.split("/")
    assert ask(con, query, NEW, host, agent) == [(None if allowed == "-" else int(allowed), int(drawn))]


def test_hosts_closed_to_ccbot_have_no_pages(con: duckdb.DuckDBPyConnection) -> None:
    rows = ask(
        con,
        "SELECT n_hosts, n_hosts_with_urls FROM url_coverage WHERE stratum = '(all)' AND ccbot_level = 'all'",
    )
    assert [with_urls for _, with_urls in rows] == [0, 0]
    assert all(n > 0 for n, _ in rows)


def test_a_part_of_many_pages_has_an_interval(con: duckdb.DuckDBPyConnection) -> None:
    query = (
        "SELECT n_urls_seen, n_urls_sampled, share_accessible, share_low, share_high FROM accessible_share"
        " WHERE snapshot = ? AND host = 'library.northfield-university.example' AND agent = '*'"
    )
    ((seen, sampled, share, low, high),) = ask(con, query, NEW)
    assert (seen, sampled, share, high) == (51, 20, 1.0, 1.0)
    assert 0.85 < low < 1


def test_the_port_of_another_server_is_no_page_of_a_host(con: duckdb.DuckDBPyConnection) -> None:
    rows = ask(con, "SELECT DISTINCT split_part(url, '/', 3) FROM url_samples WHERE host LIKE 'parks%'")
    assert rows == [("parks.gov-state.example",)]


def test_both_forms_of_a_host_are_apart_where_the_study_has_both(con: duckdb.DuckDBPyConnection) -> None:
    rows = ask(
        con, "SELECT DISTINCT host, split_part(url, '/', 3) FROM url_samples WHERE host LIKE '%choir%'"
    )
    assert {host == authority for host, authority in rows} == {True}


@pytest.mark.parametrize("key", IDS)
def test_the_index_of_pages_is_sorted_and_of_pages_alone(key: str) -> None:
    paths = sorted((DEMO / "archive").rglob(f"crawl={IDS[key]}/subset=warc/*.parquet"))
    rows = [row for path in paths for row in pq.read_table(path).to_pylist()]
    keys = [row["url_surtkey"] for row in rows]
    assert len(paths) == 2
    assert keys == sorted(keys)
    assert {row["fetch_status"] for row in rows} == {200}
    assert all("/warc/" in row["warc_filename"] for row in rows)
    assert len(pq.read_metadata(paths[0]).schema.names) == 30
