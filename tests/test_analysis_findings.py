"""What each finding says: its numbers are those of its CSV, counted again here."""

import re
from typing import Any

import duckdb
import pytest

from analysis.findings.finding import Told
from analysis.findings.table import FINDINGS
from analysis.report_pages import make_page

SNAPSHOTS = ("CC-MAIN-2020-39", "CC-MAIN-2022-12", "CC-MAIN-2023-39", "CC-MAIN-2024-52")
FIRST, LAST = SNAPSHOTS[0], SNAPSHOTS[-1]


@pytest.fixture
def con(made_up_census: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    return made_up_census


def told(con: duckdb.DuckDBPyConnection, name: str) -> Told:
    page = make_page(con, next(finding for finding in FINDINGS if finding.id == name))
    assert page.told is not None
    return page.told


def ask(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return con.execute(query).fetchall()


PANEL = "panel WHERE NOT is_carried AND level <> 'not_captured'"


def test_the_agent_shut_out_most_is_that_of_the_panel(con: duckdb.DuckDBPyConnection) -> None:
    ((agent, n, share),) = ask(
        con,
        "SELECT agent, count(*), count(*) FILTER (level = 'all' AND group_match = 'specific') / count(*) AS s"
        f" FROM {PANEL} AND snapshot = '{LAST}' GROUP BY agent ORDER BY s DESC, agent LIMIT 1",
    )
    ((before,),) = ask(
        con,
        "SELECT count(*) FILTER (level = 'all' AND group_match = 'specific') / count(*)"
        f" FROM {PANEL} AND snapshot = '{FIRST}' AND agent = '{agent}'",
    )
    assert told(con, "named").answer == (
        f"{agent} most: {100 * share:.2f} % of {n} hosts close every path to it by name in {LAST}, "
        f"up from {100 * before:.2f} % in {FIRST}."
    )
    ((since, n_first),) = ask(
        con,
        f"SELECT snapshot, count(*) FROM {PANEL} AND agent = '{agent}' AND level = 'all' AND"
        " group_match = 'specific' GROUP BY snapshot ORDER BY snapshot LIMIT 1",
    )
    assert told(con, "named").sentences[-1].endswith(f"{agent} is {since}: {n_first} hosts.")


def test_agents_named_nowhere_are_counted(con: duckdb.DuckDBPyConnection) -> None:
    ((named, tracked),) = ask(
        con,
        "SELECT count(DISTINCT agent) FILTER (group_match = 'specific' AND level IN ('all', 'some')),"
        f" count(DISTINCT agent) FROM {PANEL}",
    )
    assert told(con, "every-agent").answer.startswith(f"{named} of {tracked} tracked agents are named")


def test_the_corpus_with_most_weight_closed_is_that_of_the_levels(con: duckdb.DuckDBPyConnection) -> None:
    ((corpus, share),) = ask(
        con,
        "SELECT corpus, sum(weight_observed) FILTER (level = 'all') / sum(weight_observed) AS s"
        f" FROM declared_levels WHERE agent LIKE '(%' AND stratum = '(all)' AND snapshot = '{LAST}'"
        " GROUP BY corpus, agent ORDER BY s DESC LIMIT 1",
    )
    title = {"c4": "C4", "hosts": "Hosts"}[corpus]
    assert told(con, "corpora").answer.startswith(f"Most in {title}: {100 * share:.2f} % of its")


def test_the_hosts_open_at_first_are_followed_to_the_end(con: duckdb.DuckDBPyConnection) -> None:
    rows = ask(
        con,
        "SELECT a.agent, count(*), count(*) FILTER (b.level = 'all' AND b.group_match = 'specific') AS closed"
        " FROM panel AS a JOIN panel AS b USING (host, agent) WHERE NOT a.is_carried AND NOT b.is_carried"
        f" AND a.snapshot = '{FIRST}' AND b.snapshot = '{LAST}' AND a.level IN ('none', 'some', 'absent')"
        " AND b.level <> 'not_captured' GROUP BY ALL ORDER BY closed / count(*) DESC LIMIT 1",
    )
    ((agent, n, closed),) = rows
    assert told(con, "endpoints").answer == (
        f"Of {n} hosts open to {agent} in {FIRST}, {closed} ({100 * closed / n:.2f} %) close every path to "
        "it "
        f"by name in {LAST}."
    )


def test_the_head_start_is_the_models(con: duckdb.DuckDBPyConnection) -> None:
    ((agent, n_open, n_closed, n_named),) = ask(
        con,
        "SELECT agent, n_hosts_open, n_hosts_closed_since, n_hosts_closed_by_name FROM head_start WHERE"
        " stratum = '(all)' AND corpus = 'hosts' ORDER BY n_hosts_closed_since / n_hosts_open DESC, agent "
        "LIMIT 1",
    )
    said = told(con, "head-start")
    assert said.answer == (
        f"{agent} most: of {n_open} hosts open when it was first listed, {100 * n_closed / n_open:.2f} % are "
        f"closed to it in {LAST}."
    )
    assert f"To {agent}, {n_closed} hosts have closed since" in said.sentences[0]
    assert said.sentences[0].endswith(f"{n_named} of them by name.")


def test_changes_are_counted_by_host(con: duckdb.DuckDBPyConnection) -> None:
    ((closed, opened, changes),) = ask(
        con,
        "SELECT count(DISTINCT host) FILTER (kind = 'new_block'), count(DISTINCT host) FILTER (kind = "
        "'removal'),"
        " count(*) FROM transitions",
    )
    said = told(con, "change-kinds")
    assert said.answer == (
        f"{closed} hosts newly restricted an agent in full, {opened} removed a full restriction."
    )
    assert said.n == f"{changes:,} changes"
    ((agent, kind, n),) = ask(
        con,
        "SELECT agent, kind, count(DISTINCT host) AS n FROM transitions"
        " WHERE group_match_from = 'specific' OR group_match_to = 'specific'"
        " GROUP BY ALL ORDER BY n DESC, agent, kind LIMIT 1",
    )
    assert kind == "new_block"
    assert told(con, "transitions").answer == f"{agent}, newly restricted in full: {n} hosts."


def test_answers_are_shares_of_the_hosts_captured(con: duckdb.DuckDBPyConnection) -> None:
    shares = [
        ask(
            con,
            "SELECT count(*) FILTER (access_state = 'rules') / count(*),"
            " count(*) FILTER (access_state = 'refused') / count(*) FROM answers WHERE snapshot = "
            f"'{snapshot}'",
        )[0]
        for snapshot in (LAST, FIRST)
    ]
    (rules, refused), (_, before) = shares
    assert told(con, "answers").answer == (
        f"{100 * rules:.2f} % of hosts answer with rules in {LAST}; {100 * refused:.2f} % refuse the file "
        "itself, "
        f"{100 * before:.2f} % in {FIRST}."
    )


def test_the_widest_difference_of_readings_is_named(con: duckdb.DuckDBPyConnection) -> None:
    ((agent, share, points),) = ask(
        con,
        "SELECT agent, share_all, difference_all_points FROM parser_bounds WHERE stratum = '(all)'"
        f" AND corpus = 'hosts' AND snapshot = '{LAST}' AND dialect = 'protego' AND agent NOT LIKE '(%'"
        " ORDER BY abs(difference_all_points) DESC, agent LIMIT 1",
    )
    assert agent == "GPTBot"
    assert points < 0
    assert told(con, "parsers").answer == (
        f"By up to {-points:.2f} percentage points: protego puts {agent} at {100 * share:.2f} % in {LAST}."
    )


def test_coverage_and_losses_are_the_tables(con: duckdb.DuckDBPyConnection) -> None:
    ((captured,),) = ask(con, f"SELECT count(*) FROM answers WHERE snapshot = '{LAST}'")
    ((never,),) = ask(con, "SELECT count(*) FROM sites WHERE host NOT IN (SELECT host FROM answers)")
    assert told(con, "coverage").answer == (
        f"{captured} of 200 hosts were captured in {LAST}, {never} never."
    )
    ((captures, lost),) = ask(
        con, "SELECT (SELECT count(*) FROM captures), (SELECT sum(n_records) FROM losses)"
    )
    assert told(con, "coverage").sentences == (
        f"{captures} captures in 4 snapshots; {lost} records were lost or passed over.",
    )
    assert told(con, "losses").answer == f"{lost} records, most of them in capture: damaged_member ({lost})."


def test_every_number_of_every_answer_is_in_the_rows_or_counted_from_them(
    con: duckdb.DuckDBPyConnection,
) -> None:
    for finding in FINDINGS:
        page = make_page(con, finding)
        if page.told:
            assert re.search(r"\d", page.told.answer), finding.id
            assert "nan" not in page.told.answer.lower()
            assert not re.search(
                r"None(?! of)", " ".join((page.told.answer, *page.told.sentences, page.told.alt, page.told.n))
            )
