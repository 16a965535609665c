"""The probe in the dataset and in the report: there when something was probed, and only then."""

import csv
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from analysis import models
from analysis.criteria import read_criteria
from analysis.dataset import DatasetError
from analysis.findings.probe import FINDINGS
from analysis.publish import publish
from analysis.report_pages import Page, make_page

MADE_UP = runpy.run_path(str(Path(__file__).with_name("probe_notation.py")))
everyone, observe = MADE_UP["everyone"], MADE_UP["observe"]


@pytest.fixture
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse without snapshots; tables described, as the publisher needs them."""
    fill_census = runpy.run_path(str(Path(__file__).with_name("made_up_census.py")))["fill_census"]
    with duckdb.connect() as con:
        fill_census(con, (), 0)
        yield con


@pytest.fixture
def probed(empty: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    rows: list[dict[str, Any]] = []
    for n in range(6):
        rows += observe(f"open{n}.org", everyone("ok") | {"token:CCBot": "ok"})
    rows += observe("token.org", everyone("ok", token="403") | {"token:CCBot": "ok"})
    rows += observe("marked.org", everyone("ok", token="challenge") | {"token:CCBot": "challenge"})
    rows += observe("price.org", everyone("ok", token="price") | {"token:CCBot": "ok"})
    old = [row | {"run": "r0", "started_at": "2024-01-01T00:00:00.000Z"} for row in rows[:28]]
    MADE_UP["fill_probe"](empty, rows + old)
    return empty


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def page_of(con: duckdb.DuckDBPyConnection, name: str) -> Page:
    return make_page(con, next(finding for finding in FINDINGS if finding.id == name))


def test_without_observations_the_pages_say_so_and_the_tables_have_headers(
    empty: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    models.build(empty)
    assert [page_of(empty, name).told for name in ("verdicts", "probe-rates")] == [None, None]
    assert "Nothing was probed" in page_of(empty, "verdicts").answer
    publish(empty, tmp_path / "dataset")
    for name in ("verdicts", "declared_vs_observed", "probe_rates"):
        assert read_csv(tmp_path / "dataset" / f"{name}.csv") == []
    assert len(read_csv(tmp_path / "dataset" / "criteria.csv")) == len(read_criteria().criteria)


def test_verdicts_are_published_with_criterion_counts_and_reason(
    probed: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    publish(probed, tmp_path / "dataset")
    rows = read_csv(tmp_path / "dataset" / "verdicts.csv")
    found = {(row["run"], row["host"], row["identity"]): row for row in rows}
    blocked = found["r1", "token.org", "token:GPTBot"]
    assert (
        blocked
        | {
            "agent": "GPTBot",
            "declared": "allow",
            "verdict": "blocks_token",
            "is_undeclared": "true",
            "criterion_id": "token_counted",
            "control": "honest",
            "n_blocks": "6",
            "n_denied": "6",
            "n_control_denied": "0",
            "p_value": "0.001082",
            "sign_p": "0.015625",
            "denied_as": "generic_deny/forbidden",
        }
        == blocked
    )
    assert found["r1", "marked.org", "token:CCBot"]["provider"] == "cloudflare"
    assert found["r1", "open0.org", "placebo"]["agent"] == "*"
    assert {row["criterion_id"] for row in rows} <= {one.id for one in read_criteria().criteria}


def test_the_report_shows_the_last_run_and_its_numbers_are_the_tables(
    probed: duckdb.DuckDBPyConnection,
) -> None:
    page = page_of(probed, "verdicts")
    said = {(row.agent, row.verdict): row.n_hosts for row in page.rows}
    assert said == {
        ("GPTBot", "open"): 6,
        ("GPTBot", "blocks_token"): 2,
        ("GPTBot", "payment"): 1,
        ("CCBot", "open"): 8,
        ("CCBot", "blocks_token"): 1,
    }
    assert page.told is not None
    assert page.told.answer == (
        "22.22 % of 9 hosts block requests that bear GPTBot's token; 2 do so without declaring it."
    )
    blocked, run = page.told.sentences
    assert blocked == "Blocked: CCBot 11.11 % and GPTBot 22.22 %."
    assert re.fullmatch(
        r"Run r1: 9 hosts, [\d,]+ requests, at most 7 blocks a host; criteria version \S+\.", run
    )
    assert "unverified address" in page.finding.caveats[0]


def test_rates_come_with_an_interval_where_domains_are_enough(probed: duckdb.DuckDBPyConnection) -> None:
    rows = list(page_of(probed, "probe-rates").rows)
    (undeclared,) = [
        row for row in rows if (row.rate, row.arm) == ("hosts that block without saying so", "token:GPTBot")
    ]
    assert (undeclared.n, undeclared.n_of) == (2, 9)
    assert undeclared.share_low <= 2 / 9 <= undeclared.share_high
    (differing,) = [row for row in rows if row.rate == "blocks in which the two honest arms differ"]
    assert (differing.arm, differing.n) == ("honest2", 0)


BREAKS = {
    "undeclared is a block where robots.txt allows or is absent": "SET is_undeclared = NOT is_undeclared",
    "no more denials than blocks": "SET n_denied = n_blocks + 1",
    "a block has a confirmation and a control that was served": "SET is_block = true, is_undeclared = true,"
    " is_confirmed = false",
    "verdict is in its vocabulary": "SET verdict = 'evil'",
    "criterion_id in criteria": "SET criterion_id = 'a feeling'",
}


@pytest.mark.parametrize("check", BREAKS)
def test_a_verdict_that_cannot_be_is_not_published(
    probed: duckdb.DuckDBPyConnection, tmp_path: Path, check: str
) -> None:
    probed.execute(f"UPDATE verdicts {BREAKS[check]} WHERE host = 'open0.org' AND run = 'r1'")
    with pytest.raises(DatasetError, match=f"^verdicts: check '{re.escape(check)}' failed"):
        publish(probed, tmp_path / "dataset")
