"""A miniature crawl made from real robots.txt files is read back as what it was made from, host by host."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from consent.access import classify_access
from consent.agents import Registry, read_registry
from consent.bodies import describe_body
from consent.classify import read_reference
from pipeline import cli

pytestmark = pytest.mark.corpus

MONTHS = "2020-09,2024-12"
AGENTS = ("GPTBot", "CCBot", "ClaudeBot", "Google-Extended", "Googlebot", "Applebot-Extended")
STUDY = """
[study]
name = "truth"
[archive]
root = "archive"
[agents]
track = {agents}
[output]
folder = "out"
"""


@pytest.fixture(scope="module")
def census(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse and its models of a study over 200 real hosts and two months, the truth as a view."""
    folder = tmp_path_factory.mktemp("truth")
    build = [
        shared / "minicc" / "minicc.py",
        "build",
        folder / "archive",
        "--hosts",
        "200",
        "--months",
        MONTHS,
    ]
    subprocess.run([sys.executable, *build], check=True, capture_output=True)
    (folder / "study.toml").write_text(STUDY.format(agents=list(AGENTS)), encoding="utf-8")
    for stage in ("discover", "capture", "declare", "load", "analyse"):
        assert cli.main([stage, str(folder / "study.toml")]) == 0
    with duckdb.connect() as con:
        con.execute(f"ATTACH '{folder / 'out' / 'census.duckdb'}' AS census (READ_ONLY)")
        con.execute("USE census")
        con.execute(f"CREATE VIEW memory.truth AS SELECT * FROM '{folder / 'archive' / 'truth.parquet'}'")
        con.execute(f"CREATE VIEW memory.corpus AS SELECT * FROM '{shared / 'corpus' / 'bodies.parquet'}'")
        yield con


# A host and its www. form redirect to one URL, which then has the answers of both: those are left out.
TRUTH = """
    SELECT host, crawl, status, CASE WHEN status BETWEEN 200 AND 299 THEN digest END AS digest
    FROM memory.truth AS one
    WHERE NOT EXISTS (FROM memory.truth AS other WHERE other.crawl = one.crawl
        AND (other.host = 'www.' || one.host OR one.host = 'www.' || other.host))
"""


def rows_of(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return con.execute(query).fetchall()


def test_every_capture_of_the_truth_is_answered_with_its_status_and_body(
    census: duckdb.DuckDBPyConnection,
) -> None:
    query = f"""SELECT truth.*, end_status, content_digest FROM ({TRUTH}) AS truth
        LEFT JOIN answers ON answers.host = truth.host AND answers.snapshot = truth.crawl
        WHERE end_status IS DISTINCT FROM status
            OR digest IS NOT NULL AND content_digest IS DISTINCT FROM digest ORDER BY ALL"""
    assert rows_of(census, f"SELECT count(*) > 200 FROM ({TRUTH})") == [(True,)]
    assert rows_of(census, query) == []


def test_nothing_is_answered_that_the_truth_does_not_have(census: duckdb.DuckDBPyConnection) -> None:
    query = """SELECT snapshot, host FROM answers ANTI JOIN memory.truth AS truth
        ON answers.snapshot = truth.crawl
        AND (answers.host = truth.host OR answers.host = 'www.' || truth.host) ORDER BY ALL"""
    assert rows_of(census, query) == []


def test_nothing_of_a_sound_archive_is_lost(census: duckdb.DuckDBPyConnection) -> None:
    assert rows_of(census, "SELECT * FROM losses WHERE n_records > 0 OR n_bytes > 0") == []
    assert rows_of(census, "SELECT count(*) FROM captures WHERE digest_ok IS NOT TRUE") == [(0,)]


def level_by_reference(body: bytes, agent: str, registry: Registry) -> tuple[str, str]:
    """Group match and restriction by the readable reader, straight from the corpus."""
    rows = {d.agent: d for d in read_reference(body, "rfc9309", registry).declarations}
    declaration = rows.get(agent, rows["*"])
    return str(declaration.group_match), str(declaration.restriction)


def test_the_panel_says_of_every_real_body_what_the_reference_reader_says(
    census: duckdb.DuckDBPyConnection,
) -> None:
    registry = read_registry()
    query = f"""SELECT truth.host, truth.crawl, agent, access_state, group_match, restriction, status, body
        FROM ({TRUTH}) AS truth
        JOIN memory.corpus AS corpus ON corpus.digest = truth.digest
        JOIN panel ON panel.host = truth.host AND panel.snapshot = truth.crawl AND NOT is_carried"""
    compared, wrong = 0, []
    for host, crawl, agent, state, match, restriction, status, body in rows_of(census, query):
        expected = classify_access(status, describe_body(body).kind, has_refusal_marker=False)
        level = level_by_reference(body, agent, registry) if expected in ("rules", "empty") else (None, None)
        compared += 1
        if (state, match, restriction) != (expected, *level):
            wrong.append(
                f"{host} {crawl} {agent}: expected {expected} {level}, found {state} {match} {restriction}"
            )
    assert compared > 100 * len(AGENTS)
    assert wrong == []
