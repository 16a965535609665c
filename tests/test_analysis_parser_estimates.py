"""The estimates under each reading of a file, against fractions and plain loops."""

import runpy
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pytest

from analysis import models

HERE = Path(__file__).parent
TRUTH = runpy.run_path(str(HERE / "estimate_truth.py"))
NOTATION = runpy.run_path(str(HERE / "warehouse_notation.py"))
READINGS = (
    "rfc9309",
    "rfc9309+longpre2024-rule",
    "longpre2024-paper",
    "longpre2024-paper+longpre2024-rule",
    "protego",
)
OTHER = {
    "longpre2024-paper": {"gpt": "open", "cc": "shut", "some": "unread"},
    "protego": {"gpt": "some"},
}
STUDY_RULE = {("some", "*"): "all", ("gpt", "GPTBot"): "some", ("open", "*"): "some"}
Drawn = tuple[dict[str, Any], duckdb.DuckDBPyConnection]
Shares = dict[tuple[str, ...], Fraction | None]


@pytest.fixture(scope="module", params=[21, 22])
def drawn(request: pytest.FixtureRequest) -> Iterator[Drawn]:
    study = {**TRUTH["draw_study"](request.param, 24), "other_readings": OTHER, "longpre2024": STUDY_RULE}
    with duckdb.connect() as con:
        NOTATION["fill"](con, NOTATION["Study"](**study))
        models.build(con, until="parser_estimates")
        yield study, con


def expected_shares(study: dict[str, Any]) -> Shares:
    """By snapshot, agent, estimator, part, basis and reading."""
    shares: Shares = {}
    for reading in READINGS:
        read = TRUTH["read_by"](study, reading)
        for (snapshot, agent, estimator, part, basis, measure), share in TRUTH["iter_estimates"](read):
            if measure == "all" and part in ("whole", "head") and basis in ("carried", "carried_files"):
                shares[snapshot, agent, estimator, part, basis, reading] = share
    return shares


def read_rows(con: duckdb.DuckDBPyConnection, columns: str) -> dict[tuple[str, ...], tuple[Any, ...]]:
    key = "snapshot, agent, estimator, part, basis, reading"
    rows = con.execute(f"SELECT {key}, {columns} FROM parser_estimates WHERE corpus = 'c4'").fetchall()
    return {row[:6]: row[6:] for row in rows}


def approximately(value: Fraction | None) -> Any:
    return None if value is None else pytest.approx(float(value), abs=1e-8)


def test_every_share_is_that_of_the_files_as_the_reading_has_them(drawn: Drawn) -> None:
    study, con = drawn
    found, expected = read_rows(con, "share"), expected_shares(study)
    assert found.keys() == expected.keys()
    for key, share in expected.items():
        assert found[key] == (approximately(share),), key


def test_what_the_reading_explains_is_what_the_standard_does_not_find(drawn: Drawn) -> None:
    study, con = drawn
    found, shares = read_rows(con, "difference_points, explained"), expected_shares(study)
    signs = set()
    for key, share in shares.items():
        reference = shares[*key[:5], "rfc9309"]
        if share is None or reference is None:
            assert found[key] == (None, None)
            continue
        explained = (share - reference) / share if share else None
        assert found[key] == (approximately(100 * (share - reference)), approximately(explained)), key
        signs.add(None if explained is None else (explained > 0) - (explained < 0))
    assert signs >= {-1, 0, 1}


def test_of_a_change_it_is_what_would_not_have_changed_under_the_standard(drawn: Drawn) -> None:
    study, con = drawn
    columns = "change_first_points, change_first_explained, change_12m_points, change_12m_explained"
    found, shares = read_rows(con, f"{columns}, snapshot_12m_before"), expected_shares(study)
    first_of_all, _, third, last = TRUTH["SNAPSHOTS"]
    years = {third: first_of_all, last: third}
    for key, row in found.items():
        assert row[4] == years.get(key[0])
        first = change(shares, key, first_of_all)
        a_year = change(shares, key, years[key[0]]) if key[0] in years else (None, None)
        assert row[:4] == tuple(approximately(value) for value in (*first, *a_year)), key


def change(shares: Shares, key: tuple[str, ...], since: str) -> tuple[Fraction | None, Fraction | None]:
    """Points of change since a snapshot, and the part of it that the standard does not find."""
    steps = []
    for reading in (key[5], "rfc9309"):
        now, then = shares[*key[:5], reading], shares[since, *key[1:5], reading]
        steps.append(None if now is None or then is None else now - then)
    ours, theirs = steps
    if ours is None:
        return None, None
    return 100 * ours, (ours - theirs) / ours if ours and theirs is not None else None


def test_the_reference_is_the_default_dialect_where_the_standard_was_not_used() -> None:
    study = {**TRUTH["draw_study"](21), "other_readings": {"protego": {"gpt": "open"}}}
    with duckdb.connect() as con:
        NOTATION["fill"](con, NOTATION["Study"](**study))
        con.execute("DELETE FROM dialects WHERE dialect = 'rfc9309'")
        con.execute("UPDATE dialects SET is_default = true")
        models.build(con, until="parser_estimates")
        rows = con.execute("SELECT DISTINCT reading, difference_points FROM parser_estimates").fetchall()
        assert set(rows) <= {("protego", 0.0), ("protego", None)}
        assert ("protego", 0.0) in rows
