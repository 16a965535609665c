"""What the findings on intervals, breakdowns, head starts and staying say: the numbers are the models'."""

import re
from datetime import date
from typing import Any

import duckdb
import pytest

from analysis.findings import estimates, forecasting
from analysis.findings.finding import Told
from analysis.findings.rows import Rows
from analysis.findings.table import FINDINGS
from analysis.report_pages import make_page

LAST = "CC-MAIN-2024-52"
STUDY = "agent = '(study combined)'"


@pytest.fixture
def con(made_up_census: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return made_up_census


def told(con: duckdb.DuckDBPyConnection, name: str) -> Told:
    page = make_page(con, next(finding for finding in FINDINGS if finding.id == name))
    assert page.told is not None
    return page.told


def ask(con: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    (row,) = con.execute(query).fetchall()
    return tuple(row)


def per_cent(share: float) -> str:
    return f"{100 * share:.2f} %"


def test_the_estimate_of_the_first_corpus_comes_with_its_interval(con: duckdb.DuckDBPyConnection) -> None:
    share, low, high, kish = ask(
        con,
        f"SELECT share, share_low, share_high, kish_n FROM level_estimates WHERE {STUDY} AND corpus = 'c4'"
        f" AND snapshot = '{LAST}' AND estimator = 'design' AND part = 'whole' AND basis = 'carried'"
        " AND measure = 'all'",
    )
    said = told(con, "estimates")
    assert low - 1e-6 <= share <= high + 1e-6
    assert said.answer.startswith(
        f"C4, whole: {per_cent(share)} is closed to any agent of the 2024 study in {LAST} (95 % interval "
        f"{per_cent(low)} to {per_cent(high)})"
    )
    assert any(f"as sure as {kish:,.1f} hosts" in sentence for sentence in said.sentences)


def test_the_agent_that_loses_most_is_that_of_the_estimates(con: duckdb.DuckDBPyConnection) -> None:
    agent, share = ask(
        con,
        "SELECT agent, share FROM level_estimates WHERE agent NOT LIKE '(%' AND corpus = 'c4' AND estimator ="
        f" 'design' AND part = 'whole' AND basis = 'carried' AND measure = 'all' AND snapshot = '{LAST}'"
        " ORDER BY share DESC, agent LIMIT 1",
    )
    assert told(con, "estimates-by-agent").answer.startswith(f"{agent}: {per_cent(share)} of C4 in {LAST}")


def test_the_change_is_the_later_share_less_the_earlier(con: duckdb.DuckDBPyConnection) -> None:
    found = re.match(r"C4, whole: ([+-][\d.]+) percentage points from ([\d.]+) % to ([\d.]+) %",
                     told(con, "corpus-changes").answer)  # fmt: skip
    assert found is not None
    change, earlier, later = (float(number) for number in found.groups())
    assert change == pytest.approx(later - earlier, abs=0.011)
    assert f"{later:.2f} %" in told(con, "estimates").alt


def test_what_was_not_seen_leaves_a_width(con: duckdb.DuckDBPyConnection) -> None:
    (width,) = ask(
        con,
        "SELECT max(share_if_unknown_closed - share_if_unknown_open) FROM level_estimates WHERE"
        f" {STUDY} AND snapshot = '{LAST}' AND estimator = 'design' AND part = 'whole' AND measure = 'all'",
    )
    assert told(con, "unseen").answer.startswith(f"At most {100 * width:.2f} percentage points: ")


def test_an_operators_agents_count_together(con: duckdb.DuckDBPyConnection) -> None:
    known, closed = ask(
        con,
        "SELECT count(*), count(*) FILTER (is_closed) FROM (SELECT host, bool_or(level = 'all') AS "
        "is_closed FROM"
        f" panel WHERE snapshot = '{LAST}' AND agent IN ('GPTBot', 'ChatGPT-User')"
        " AND level <> 'not_captured' GROUP BY host)",
    )
    assert f"OpenAI {per_cent(closed / known)}" in told(con, "by-operator").sentences[0]


def test_of_the_hosts_that_name_an_agent_some_are_closed(con: duckdb.DuckDBPyConnection) -> None:
    agent, naming, closed = ask(
        con,
        f"SELECT agent, count(*) AS n, count(*) FILTER (level = 'all') FROM panel WHERE snapshot = '{LAST}'"
        " AND group_match = 'specific' GROUP BY agent ORDER BY n DESC, agent LIMIT 1",
    )
    assert told(con, "by-match").answer == (
        f"{agent}: of {naming} hosts where it is named, {per_cent(closed / naming)} close every path in "
        f"{LAST}."
    )


@pytest.mark.parametrize("name", ["by-purpose", "by-tld", "by-language", "by-management"])
def test_the_category_most_closed_is_that_of_the_rows(con: duckdb.DuckDBPyConnection, name: str) -> None:
    page = make_page(con, next(finding for finding in FINDINGS if finding.id == name))
    assert page.told is not None
    large = [row for row in page.rows if row.n_hosts >= 30]
    most = max(row.n_hosts_closed / row.n_hosts for row in large)
    assert per_cent(most) in page.told.answer
    assert all(
        row.share_named + row.share_wildcard == pytest.approx(row.share_closed, abs=2e-6) for row in page.rows
    )


def test_an_incumbent_holds_what_a_newcomer_may_not_fetch(con: duckdb.DuckDBPyConnection) -> None:
    held, now, n_held = ask(
        con,
        f"SELECT share_held, share_open_now, n_hosts_held FROM incumbent_corpus WHERE {STUDY} AND corpus = "
        "'c4'"
        " AND stratum = '(all)' ORDER BY snapshot_from LIMIT 1",
    )
    said = told(con, "incumbents")
    assert said.answer == (
        f"C4: a crawler at work since CC-MAIN-2020-39 holds {per_cent(held)} of the weight, one that "
        "begins now "
        f"may fetch {per_cent(now)}."
    )
    assert held > now
    assert f"{n_held} hosts held" in said.sentences[0]


def test_the_largest_head_start_by_weight_is_named(con: duckdb.DuckDBPyConnection) -> None:
    agent, share = ask(
        con,
        "SELECT agent, share_closed_since FROM head_start WHERE stratum = '(all)'"
        " ORDER BY share_closed_since DESC LIMIT 1",
    )
    assert told(con, "head-start-corpora").answer.startswith(f"{agent}: {per_cent(share)} of the ")


def test_the_curve_that_falls_lowest_is_told_with_its_interval(con: duckdb.DuckDBPyConnection) -> None:
    page = make_page(con, next(finding for finding in FINDINGS if finding.id == "survival"))
    assert page.told is not None
    lowest = min(row.share_open for row in page.rows)
    assert page.told.answer.startswith(f"{per_cent(lowest)} of hosts are still open to ")
    assert all(row.share_low <= row.share_open <= row.share_high for row in page.rows)
    closing = con.execute(
        "SELECT count(DISTINCT agent) FROM openness_survival WHERE n_events > 0 AND agent NOT LIKE '(%'"
    )
    assert closing.fetchall() == [(len(page.rows.values("agent")),)]


def test_closings_and_re_openings_are_those_of_the_model(con: duckdb.DuckDBPyConnection) -> None:
    closed, opened, n = ask(
        con,
        f"SELECT sum(n_closed), sum(n_reopened), count(*) FROM churn WHERE {STUDY} AND stratum = '(all)'"
        " AND corpus = 'hosts'",
    )
    assert told(con, "churn").answer.startswith(f"{closed} closing")
    assert f" {opened} re-opening" in told(con, "churn").answer
    assert told(con, "churn").answer.endswith(f"in {n} snapshots.")


def test_the_domain_that_moves_most_is_named_and_those_that_move_a_headline() -> None:
    columns = ("corpus", "estimator", "part", "place", "domain", "n_sources", "share", "share_without",
               "influence_points", "moves_headline")  # fmt: skip
    rows = Rows.of(columns, [
        ("C4", "design-based", "whole", 1, "a.example", 2, 0.3, 0.25, 5.0, True),
        ("C4", "design-based", "whole", 2, "b.example", 1, 0.3, 0.305, -0.5, False),
        ("C4", "study's", "head", 1, "c.example", 1, 0.4, 0.5, -10.0, True),
    ])  # fmt: skip
    said = estimates.tell_influences(rows)
    assert said.answer == "c.example most: without it, 40.00 % of C4 (head, study's) would be 50.00 %."
    assert said.sentences == ("Domains that move an estimate by more than a point: a.example and c.example.",)


def test_what_the_parser_explains_is_told_of_the_first_corpus(con: duckdb.DuckDBPyConnection) -> None:
    share, explained = ask(
        con,
        "SELECT share, explained FROM parser_estimates WHERE corpus = 'c4' AND part = 'whole' AND basis ="
        f" 'carried' AND {STUDY} AND snapshot = '{LAST}' AND reading = 'protego'"
        " ORDER BY estimator = 'study' DESC LIMIT 1",
    )
    page = make_page(con, next(finding for finding in FINDINGS if finding.id == "parser-estimates"))
    (row,) = [row for row in page.rows if (row.series, row.reading) == ("C4, whole", "protego")]
    assert (row.share, row.explained_share) == (round(share, 6), round(explained, 6))
    assert page.told is not None
    assert "under the reference" in page.told.answer or "the reference reading finds" in page.told.answer


def test_forecasts_of_others_that_cannot_be_scored_say_why(con: duckdb.DuckDBPyConnection) -> None:
    n, why = ask(con, "SELECT count(*), min(why_not) FROM published_forecasts")
    said = told(con, "published-forecasts")
    assert said.answer == f"None of {n} published forecasts can be scored on this study: {why}."
    assert any("48.80 % (32.10 % to 65.50 %)" in sentence for sentence in said.sentences)


def test_a_forecast_that_came_true_is_scored() -> None:
    columns = ("label", "source", "month", "share_forecast", "share_low", "share_high", "snapshot")
    columns += ("n_hosts", "n_hosts_known", "share_observed", "error_points", "is_within_interval", "why_not")
    rows = Rows.of(columns, [
        ("one", "x", date(2025, 4, 1), 0.5, 0.4, 0.6, "s", 9, 9, 0.45, 5.0, True, None),
        ("two", "x", date(2025, 4, 1), 0.5, 0.4, 0.6, "s", 9, 9, 0.75, -25.0, False, None),
    ])  # fmt: skip
    assert forecasting.tell_published(rows).answer == (
        "1 of 2 published forecasts came true within its interval. one, 2025-04: 50.00 % (40.00 % to 60.00 "
        "%); "
        "45.00 % came, +5.00 points off."
    )


def test_breaks_forecasts_and_their_errors_are_told_from_their_rows() -> None:
    months = [date(2024, n, 1) for n in range(1, 5)]
    series = [("GPTBot", m, "s", 100, 0.01 * n, 5.0 if n == 2 else None, 0.004 if n == 2 else None)
              for n, m in enumerate(months)]  # fmt: skip
    columns = ("agent", "month", "snapshot", "n_hosts", "share", "size_points", "p_value")
    breaks = forecasting.tell_breaks(Rows.of(columns, series))
    assert breaks.answer == "1 break; the largest towards GPTBot in 2024-03: +5.00 points."
    columns = ("agent", "kind", "month", "model", "share", "share_low_95", "share_high_95", "share_low_80",
               "share_high_80")  # fmt: skip
    past = [("GPTBot", "measured", m, None, 0.2, None, None, None, None) for m in months]
    ahead = [("GPTBot", "forecast", date(2025, 4, 1), "drift", 0.3, 0.1, 0.5, 0.2, 0.4)]
    said = forecasting.tell_forecasts(Rows.of(columns, past + ahead))
    assert said.answer == "GPTBot: 30.00 % in 2025-04 (95 % interval 10.00 % to 50.00 %), 20.00 % now."
    assert said.n == "4 months per series"
    columns = ("model", "n_series", "n_forecasts", "error_points", "error_low_points", "error_high_points",
               "bias_points", "share_within_80", "share_within_95", "n_better")  # fmt: skip
    scores = [
        ("drift", 2, 40, 0.5, 0.4, 0.6, 0.1, 0.8, 0.9, 2),
        ("last_value", 2, 40, 0.75, 0.7, 0.8, 0.0, 0.7, 0.9, 0),
    ]
    assert forecasting.tell_scores(Rows.of(columns, scores)).answer == (
        "drift is off by 0.50 percentage points on average, no change by 0.75."
    )
