"""The bundled study read by its index, or in the way that is cheapest, gives the result of the scan.

Except for what only a record tells, which the demo has on purpose: the server's marks on a refusal, where
a redirect led before the index said so (CC-MAIN-2019-47), and records that have been damaged since the
index was made. Their hosts are named here one by one.
"""

import csv
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.run import run_stages
from pipeline.study import read_study
from pipeline.tasks import Stage

DEMO = Path(__file__).parents[1] / "pipeline" / "demo"
STAGES = (Stage.DISCOVER, Stage.CAPTURE, Stage.DECLARE, Stage.LOAD, Stage.ANALYSE, Stage.PUBLISH)
# A successful answer, known from the index, whose body stands undamaged under another host.
SEEN_BY_INDEX_ONLY = {
    ("CC-MAIN-2018-34", "lost-header.example"),
    ("CC-MAIN-2020-24", "lost-tail.example"),
    ("CC-MAIN-2023-40", "lost-middle.example"),
}
# The page of a challenge came with status 503, and only its text and headers tell it from an error.
CHALLENGE = ("CC-MAIN-2020-24", "metro-wire.example")
MARKED = {
    CHALLENGE,
    ("CC-MAIN-2023-40", "coastal-times.example"),
    ("CC-MAIN-2024-10", "coastal-times.example"),
    ("CC-MAIN-2024-10", "metro-wire.example"),
    ("CC-MAIN-2026-08", "coastal-times.example"),
    ("CC-MAIN-2026-08", "metro-wire.example"),
}
REDIRECTED = {
    ("CC-MAIN-2018-34", host)
    for host in (
        "choir.example",
        "dead-end.example",
        "five-hops.example",
        "front-door.example",
        "moved-shop.example",
    )
}
EXCEPTIONS = SEEN_BY_INDEX_ONLY | MARKED | REDIRECTED

Answers = dict[tuple[str, str], dict[str, str]]


def run_mode(mode: str, folder: Path, root: str | None = None) -> Path:
    study = read_study(DEMO / "study.toml")
    study = replace(study, archive_root=root or study.archive_root, requests_per_s=0.0, cooldown_s=0.1)
    run_stages(replace(study, mode=mode, folder=folder / mode, workers=1), STAGES)
    return folder / mode


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_mode("scan", tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_mode("index", tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def by_index(indexed: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(indexed / "census.duckdb"), read_only=True) as con:
        yield con


def read_rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "dataset" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_answers(folder: Path) -> Answers:
    return {(row["snapshot"], row["host"]): row for row in read_rows(folder, "answers.csv")}


def differences(scan: Answers, index: Answers) -> dict[tuple[str, str], set[str]]:
    """For every host and snapshot the columns that differ; all of them where one side has no row."""
    found = {}
    for key in scan.keys() | index.keys():
        a, b = scan.get(key, {}), index.get(key, {})
        if columns := {name for name in a.keys() | b.keys() if a.get(name) != b.get(name)}:
            found[key] = columns
    return found


def test_mode_index_answers_as_a_scan_does_but_for_the_named_exceptions(scanned: Path, indexed: Path) -> None:
    found = differences(read_answers(scanned), read_answers(indexed))
    assert set(found) == EXCEPTIONS
    assert all(found[key] == {"refusal_marker"} for key in MARKED - {CHALLENGE})
    assert found[CHALLENGE] == {"refusal_marker", "access_state"}


def test_mode_index_says_that_a_redirect_leads_nowhere_where_the_index_does_not_say_where(
    indexed: Path,
) -> None:
    answers = read_answers(indexed)
    said = {(answers[key]["access_state"], answers[key]["end_reason"]) for key in REDIRECTED}
    assert said == {("unresolved_redirect", "no_location")}


def test_mode_index_knows_a_damaged_record_whose_body_stands_elsewhere(scanned: Path, indexed: Path) -> None:
    assert not SEEN_BY_INDEX_ONLY & read_answers(scanned).keys()
    answers = read_answers(indexed)
    assert {answers[key]["access_state"] for key in SEEN_BY_INDEX_ONLY} == {"rules"}


@pytest.mark.parametrize("name", ["readings.csv", "rulesets.csv", "signals.csv"])
def test_what_bodies_declare_is_byte_equal(scanned: Path, indexed: Path, name: str) -> None:
    assert (indexed / "dataset" / name).read_bytes() == (scanned / "dataset" / name).read_bytes()


def test_hosts_without_an_exception_have_the_same_changes_and_declarations(
    scanned: Path, indexed: Path
) -> None:
    hosts = {host for _, host in EXCEPTIONS}
    query = "SELECT * FROM panel ORDER BY ALL"

    def panel(folder: Path) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(folder / "census.duckdb"), read_only=True) as con:
            names = [column[0] for column in con.execute(query).description or ()]
            return [row for row in con.execute(query).fetchall() if row[names.index("host")] not in hosts]

    assert panel(indexed) == panel(scanned) != []


def test_a_payload_that_has_not_its_digest_is_counted_and_does_not_count(
    by_index: duckdb.DuckDBPyConnection,
) -> None:
    lost = by_index.execute(
        "SELECT stage, reason, sum(n_records)::INTEGER FROM losses GROUP BY ALL"
    ).fetchall()
    assert lost == [("fetch", "wrong_digest", 1)]
    rows = by_index.execute(
        "SELECT digest_ok FROM captures WHERE host = 'digests.example' AND digest_ok IS FALSE"
    )
    assert len(rows.fetchall()) == 2  # the same wrong digest is stated in two snapshots, and fetched once


def test_only_new_bodies_are_fetched_and_each_once(
    by_index: duckdb.DuckDBPyConnection, indexed: Path
) -> None:
    stored = sorted((indexed / "tables" / "contents").rglob("*.parquet"))
    digests = [
        digest
        for (digest,) in by_index.execute(
            "SELECT content_digest FROM read_parquet(?)", [[str(path) for path in stored]]
        ).fetchall()
    ]
    wanted = by_index.execute(
        "SELECT DISTINCT content_digest FROM captures WHERE fetch_status BETWEEN 200 AND 299 AND digest_ok"
    ).fetchall()
    assert sorted(digests) == sorted(digest for (digest,) in wanted)


def test_mode_auto_gives_the_dataset_of_the_way_that_it_chose(
    scanned: Path, indexed: Path, tmp_path: Path
) -> None:
    folder = run_mode("auto", tmp_path)
    (mode,) = {row["mode"] for row in read_rows(folder, "snapshots.csv")}
    like = {"scan": scanned, "index": indexed}[mode]
    found, expected = (
        {path.relative_to(f): path.read_bytes() for path in (f / "dataset").rglob("*") if path.is_file()}
        for f in (folder, like)
    )
    assert found == expected


def cut_files(archive: Path) -> None:
    """Leave the first half of every WARC file of the last snapshot."""
    for path in (archive / "crawl-data" / "CC-MAIN-2026-08").rglob("*.warc.gz"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("is_remote", [False, True])
def test_mode_index_takes_what_a_file_still_has_that_was_cut_short(
    tmp_path: Path, indexed: Path, is_remote: bool, faulty_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    archive = Path(shutil.copytree(DEMO / "archive", tmp_path / "archive"))
    cut_files(archive)
    faulty_server.folder = archive
    folder = run_mode("index", tmp_path, faulty_server.address if is_remote else str(archive))
    reasons = {(r["snapshot"], r["reason"]): int(r["n_records"]) for r in read_rows(folder, "losses.csv")}
    n_lost = reasons["CC-MAIN-2026-08", "short_file"]
    last = [
        {row["content_digest"] for row in read_rows(f, "answers.csv") if row["snapshot"] == "CC-MAIN-2026-08"}
        for f in (folder, indexed)
    ]
    assert 0 < n_lost < len(last[1])
    assert len(last[1] - last[0]) == n_lost
