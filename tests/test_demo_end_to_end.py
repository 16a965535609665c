"""The main job on the bundled archive gives the result that was judged by hand, and the same bytes each time.

The expected result stands in pipeline/demo/expected: see docs/demo.md. A failure names host and snapshot.
"""

import csv
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from analysis.findings.table import FINDINGS
from pipeline.commands.demo import BUNDLE
from pipeline.run import run_stages, stages_of
from pipeline.study import read_study

ROOT = Path(__file__).parents[1]
EXPECTED = ROOT / "pipeline" / "demo" / "expected"
AGENTS = ("CCBot", "ClaudeBot", "GPTBot", "Google-Extended", "Googlebot")
DAMAGE = {
    ("CC-MAIN-2018-34", "bad_warc_header"): 1,  # lost-header.example
    ("CC-MAIN-2020-24", "short_file"): 1,  # lost-tail.example
    ("CC-MAIN-2023-40", "damaged_member"): 1,  # lost-middle.example
}

Rows = dict[Any, Any]  # key columns → value columns


def read_expected(name: str) -> list[dict[str, str]]:
    with (EXPECTED / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def run_demo(folder: Path) -> str:
    """Run the demo as a user would; returns what it says on standard output."""
    command = [sys.executable, "-m", "pipeline.cli", "demo", "--output", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("first") / "demo"
    return folder, run_demo(folder)


@pytest.fixture(scope="module")
def warehouse(demo: tuple[Path, str]) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(demo[0] / "census.duckdb"), read_only=True) as con:
        yield con


def compare(expected: Rows, found: Rows) -> None:
    """Fail with one line for every key whose values differ, or that only one side has."""
    lines = [
        f"{' '.join(key)}: expected {expected.get(key, 'no row')}, found {found.get(key, 'no row')}"
        for key in sorted(expected.keys() | found.keys())
        if expected.get(key) != found.get(key)
    ]
    assert lines == [], "\n" + "\n".join(lines)


def ask(con: duckdb.DuckDBPyConnection, query: str, n_keys: int = 2) -> Rows:
    """The rows of a query by their first columns; the value is the rest (alone when it is one column)."""
    rows = con.execute(query).fetchall()
    return {row[:n_keys]: row[n_keys] if len(row) == n_keys + 1 else row[n_keys:] for row in rows}


def test_every_host_was_answered_as_judged_by_hand(warehouse: duckdb.DuckDBPyConnection) -> None:
    expected = {
        (r["host"], r["snapshot"]): (r["access_state"], r["end_reason"])
        for r in read_expected("answers.csv")
        if r["access_state"] != "not_captured"
    }
    compare(expected, ask(warehouse, "SELECT host, snapshot, access_state, end_reason FROM answers"))


def test_every_agent_is_restricted_as_judged_by_hand(warehouse: duckdb.DuckDBPyConnection) -> None:
    expected = {
        (r["host"], r["snapshot"], agent): tuple(r[agent].split("/"))
        for r in read_expected("answers.csv")
        for agent in AGENTS
        if r["access_state"] == "rules"
    }
    query = """SELECT host, snapshot, agent, group_match, restriction FROM panel
        WHERE NOT is_carried AND access_state = 'rules'"""
    compare(expected, ask(warehouse, query, 3))


def test_the_wildcard_declares_what_was_judged_by_hand(warehouse: duckdb.DuckDBPyConnection) -> None:
    expected = {
        (r["host"], r["snapshot"]): tuple(r["*"].split("/"))
        for r in read_expected("answers.csv")
        if r["access_state"] == "rules"
    }
    query = """SELECT host, snapshot, group_match, restriction
        FROM answers JOIN declarations USING (content_digest)
        WHERE agent = '*' AND dialect = 'rfc9309' AND access_state = 'rules'"""
    compare(expected, ask(warehouse, query))


def test_nothing_is_claimed_where_nothing_was_read(warehouse: duckdb.DuckDBPyConnection) -> None:
    query = """SELECT host, snapshot, agent, access_state, restriction FROM panel
        WHERE access_state NOT IN ('rules', 'empty') AND restriction IS NOT NULL"""
    compare({}, ask(warehouse, query, 3))


def test_an_empty_file_restricts_nobody(warehouse: duckdb.DuckDBPyConnection) -> None:
    expected = {
        (r["host"], r["snapshot"], agent): ("none", "none")
        for r in read_expected("answers.csv")
        for agent in AGENTS
        if r["access_state"] == "empty"
    }
    query = """SELECT host, snapshot, agent, group_match, restriction FROM panel
        WHERE NOT is_carried AND access_state = 'empty'"""
    compare(expected, ask(warehouse, query, 3))


def test_what_was_not_captured_is_carried_with_its_age_or_absent(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = read_expected("answers.csv")
    expected = {}
    for r in (r for r in rows if r["access_state"] == "not_captured"):
        earlier = [
            e["snapshot"]
            for e in rows
            if e["host"] == r["host"]
            and e["snapshot"] < r["snapshot"]
            and e["access_state"] != "not_captured"
        ]
        expected[r["host"], r["snapshot"]] = (max(earlier, default=None), bool(earlier))
    query = """SELECT DISTINCT host, snapshot, observed_snapshot, age_days > 0 FROM panel
        WHERE is_carried OR access_state = 'not_captured'"""
    found = {key: (seen, bool(is_old)) for key, (seen, is_old) in ask(warehouse, query).items()}
    compare(expected, found)


def test_captures_and_their_digests_are_counted(warehouse: duckdb.DuckDBPyConnection) -> None:
    expected = {
        (r["snapshot"],): (int(r["n_captures"]), int(r["n_digest_wrong"]), int(r["n_digest_none"]))
        for r in read_expected("counts.csv")
    }
    query = """SELECT snapshot, count(*), count(*) FILTER (digest_ok IS FALSE),
        count(*) FILTER (digest_ok IS NULL) FROM captures GROUP BY snapshot"""
    compare(expected, ask(warehouse, query, 1))


def test_damage_is_counted_by_reason(warehouse: duckdb.DuckDBPyConnection) -> None:
    reasons = tuple({reason for _, reason in DAMAGE})
    query = (
        f"SELECT snapshot, reason, sum(n_records)::INTEGER FROM losses WHERE reason IN {reasons} GROUP BY ALL"
    )
    compare(DAMAGE, ask(warehouse, query))


def test_changes_towards_gptbot_are_transitions_of_the_right_kind(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    expected = {
        ("coastal-times.example", "CC-MAIN-2023-40"): "became_unreadable",
        ("daily-ledger.example", "CC-MAIN-2018-34"): "new_block",
        ("daily-ledger.example", "CC-MAIN-2024-10"): "wildcard_to_named",
        ("evening-courier.example", "CC-MAIN-2023-40"): "new_block",
        ("evening-courier.example", "CC-MAIN-2026-08"): "loosened",
        ("the-quarterly.example", "CC-MAIN-2024-10"): "new_block",
        ("the-quarterly.example", "CC-MAIN-2026-08"): "robots_removed",
        ("vanishing.example", "CC-MAIN-2024-10"): "new_block",
    }
    hosts = tuple({host for host, _ in expected})
    query = f"SELECT host, snapshot_to, kind FROM transitions WHERE agent = 'GPTBot' AND host IN {hosts}"
    compare(expected, ask(warehouse, query))


def test_corpora_have_heads_samples_and_totals(warehouse: duckdb.DuckDBPyConnection) -> None:
    expected = {
        ("c4_tokens",): ("C4", 400e6, 10, 38_149_022, 48, 620_030),
        ("dolma_tokens",): ("Dolma", 1e9, 10, 156_851_650, 48, 1_702_800),
        ("hosts",): ("Hosts", None, None, None, None, None),
    }
    query = (
        "SELECT corpus, any_value(title), any_value(total_weight), countif(is_head),"
        " sum(weight) FILTER (is_head), countif(stratum = sample_stratum),"
        " sum(weight) FILTER (stratum = sample_stratum)"
        " FROM corpora LEFT JOIN site_weights USING (corpus) LEFT JOIN sites USING (host) GROUP BY corpus"
    )
    compare(expected, ask(warehouse, query, n_keys=1))


def test_the_source_that_is_no_host_is_listed_and_in_no_count_of_hosts(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    listed = warehouse.execute("SELECT host FROM sites WHERE NOT is_domain").fetchall()
    assert listed == [("code-archive",)]
    weights = "SELECT corpus, weight, is_head FROM site_weights WHERE host = 'code-archive' ORDER BY corpus"
    assert warehouse.execute(weights).fetchall() == [
        ("c4_tokens", 0.0, False),
        ("dolma_tokens", 25_000_000.0, True),
    ]
    counts = (
        "SELECT DISTINCT n FROM (SELECT sum(n_hosts) AS n FROM declared_levels{} GROUP BY snapshot, agent)"
    )
    for corpus in ("hosts", "c4_tokens", "dolma_tokens"):
        where = f" WHERE stratum = '(all)' AND corpus = '{corpus}'"
        assert warehouse.execute(counts.format(where)).fetchall() == [(59,)]


def test_other_signals_are_kept_apart(warehouse: duckdb.DuckDBPyConnection) -> None:
    names = [
        row[0]
        for row in warehouse.execute("SELECT DISTINCT lower(signal) FROM signals ORDER BY 1").fetchall()
    ]
    assert names == ["content-signal", "content-usage", "license"]


def test_demo_ends_with_its_headline(demo: tuple[Path, str]) -> None:
    folder, said = demo
    n_captures = sum(int(r["n_captures"]) for r in read_expected("counts.csv"))
    assert f"59 hosts, 6 snapshots, {n_captures} captures" in said
    for agent in ("GPTBot", "CCBot", "Google-Extended"):
        assert agent in said
    for name in ("census.duckdb", "dataset", "report.html"):
        assert str(folder / name) in said
        assert (folder / name).exists()


def test_every_finding_of_the_report_is_answered_by_its_query_or_says_what_it_needs(
    demo: tuple[Path, str], warehouse: duckdb.DuckDBPyConnection
) -> None:
    for finding in FINDINGS:
        rows = warehouse.execute(finding.query).fetchall()
        html = (demo[0] / "report" / f"{finding.id}.html").read_text("utf-8")
        assert ("Nothing to show. " in html) is (not rows), finding.id
        assert (demo[0] / "report" / f"{finding.id}.svg").exists() is bool(rows)


def test_the_same_archive_gives_the_same_dataset_bytes(demo: tuple[Path, str], tmp_path: Path) -> None:
    # In this process and without its report: the bytes are those of the dataset all the same.
    study = replace(read_study(BUNDLE / "study.toml"), folder=tmp_path / "again")
    run_stages(study, stages_of(study)[:-1])
    first, second = (
        {p.relative_to(f).as_posix(): p.read_bytes() for p in sorted(f.rglob("*")) if p.is_file()}
        for f in (demo[0] / "dataset", tmp_path / "again" / "dataset")
    )
    assert first.keys() == second.keys() != set()
    assert [name for name in first if first[name] != second[name]] == []
