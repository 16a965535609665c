"""The panel: every host, snapshot and agent; what is carried says so; absence has its own value."""

from collections.abc import Callable

import duckdb

from analysis import models

Warehouse = Callable[..., duckdb.DuckDBPyConnection]
JAN, MAR, NOV = "CC-MAIN-2023-06", "CC-MAIN-2023-14", "CC-MAIN-2023-50"
RULESETS = {
    "open": {"*": "none"},
    "closed": {"*": "all"},
    "named": {"*": "some", "GPTBot": "all"},
    "silent": {"CCBot": "all"},
}


def build(warehouse: Warehouse, histories: dict[str, str], **study: object) -> duckdb.DuckDBPyConnection:
    snapshots = [JAN, MAR, NOV][: len(next(iter(histories.values())).split())]
    con = warehouse(snapshots=snapshots, histories=histories, rulesets=RULESETS, **study)
    models.build(con, until="panel")
    return con


def panel_row(con: duckdb.DuckDBPyConnection, columns: str, agent: str = "GPTBot") -> tuple[object, ...]:
    """The only row of an agent in a panel of one host and one snapshot."""
    rows = con.execute(f"SELECT {columns} FROM panel WHERE agent = ?", [agent]).fetchall()
    assert len(rows) == 1
    return rows[0]


def test_every_host_is_in_every_snapshot_for_every_tracked_agent(warehouse: Warehouse) -> None:
    con = build(
        warehouse,
        {"a.org": "open 404 -", "b.org": "- - -"},
        agents={"GPTBot": "training", "CCBot": "data", "OldBot": "untracked"},
    )
    rows = con.execute("SELECT snapshot, host, agent FROM panel ORDER BY ALL").fetchall()
    assert rows == [
        (s, h, a) for s in (JAN, MAR, NOV) for h in ("a.org", "b.org") for a in ("CCBot", "GPTBot")
    ]


STATES = {
    # word of the history: access state, restriction, group match, level
    "open": ("rules", "none", "wildcard", "none"),
    "closed": ("rules", "all", "wildcard", "all"),
    "named": ("rules", "all", "specific", "all"),
    "silent": ("rules", "none", "none", "none"),
    "empty": ("empty", "none", "none", "none"),
    "404": ("absent", None, None, "absent"),
    "403": ("refused", None, None, "refused"),
    "503": ("server_error", None, None, "server_error"),
    "301": ("unresolved_redirect", None, None, "unresolved_redirect"),
    "html": ("not_robots", None, None, "not_robots"),
    "-": ("not_captured", None, None, "not_captured"),
}


def test_the_level_is_the_restriction_of_a_file_else_how_it_was_obtained(warehouse: Warehouse) -> None:
    con = build(warehouse, {f"{word}.org": word for word in STATES})
    rows = con.execute(
        "SELECT host, (access_state, restriction, group_match, level) FROM panel WHERE agent = 'GPTBot'"
    ).fetchall()
    assert dict(rows) == {f"{word}.org": state for word, state in STATES.items()}


def test_an_agent_that_is_not_named_gets_the_answer_to_the_star(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "named"})
    assert panel_row(con, "restriction, group_match, crawl_delay", "CCBot") == ("some", "wildcard", 2.0)
    assert panel_row(con, "restriction, group_match, crawl_delay", "GPTBot") == ("all", "specific", None)


def test_agents_are_found_in_any_case(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "named"}, agents={"gptBOT": "training"})
    assert panel_row(con, "restriction, group_match", "gptBOT") == ("all", "specific")


def test_the_rule_of_the_2024_study_stands_beside_ours(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "named"}, longpre2024={("named", "GPTBot"): "some"})
    assert panel_row(con, "restriction, restriction_longpre2024") == ("all", "some")


def test_carrying_is_a_column_and_its_age_grows(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "- named -"})
    rows = con.execute(
        "SELECT snapshot, level, is_carried, age_days, observed_snapshot, fetch_time::VARCHAR FROM panel"
        " WHERE agent = 'GPTBot' ORDER BY snapshot"
    ).fetchall()
    # Weeks 14 and 50 of 2023 are 36 weeks apart.
    assert rows == [
        (JAN, "not_captured", False, None, None, None),
        (MAR, "all", False, 0, MAR, "2023-06-01 00:00:00"),
        (NOV, "all", True, 36 * 7, MAR, "2023-06-01 00:00:00"),
    ]


def test_the_last_observation_is_carried_whatever_it_was(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "closed 404 -", "b.org": "closed 503 -", "c.org": "open - closed"})
    rows = con.execute(
        "SELECT host, level, is_carried FROM panel WHERE agent = 'GPTBot' ORDER BY host, snapshot"
    ).fetchall()
    assert rows == [
        ("a.org", "all", False),
        ("a.org", "absent", False),
        ("a.org", "absent", True),
        ("b.org", "all", False),
        ("b.org", "server_error", False),
        ("b.org", "server_error", True),
        ("c.org", "none", False),
        ("c.org", "none", True),
        ("c.org", "all", False),
    ]


def test_an_age_needs_two_dates(warehouse: Warehouse) -> None:
    con = warehouse(
        snapshots=["release-2023", "release-2024"], histories={"a.org": "open -"}, rulesets=RULESETS
    )
    models.build(con, until="panel")
    rows = con.execute(
        "SELECT snapshot, age_days, is_carried FROM host_snapshots ORDER BY snapshot"
    ).fetchall()
    assert rows == [("release-2023", 0, False), ("release-2024", None, True)]


def test_each_row_says_which_capture_it_rests_on(warehouse: Warehouse) -> None:
    con = build(warehouse, {"b.org": "404 -", "a.org": "named -"})
    columns = "start_url, end_url, content_digest, warc_filename, warc_record_offset"
    rows = con.execute(
        f"SELECT host, {columns} FROM panel WHERE agent = 'CCBot' AND snapshot = '{MAR}' ORDER BY host"
    ).fetchall()
    assert rows == [
        ("a.org", "https://a.org/robots.txt", "https://a.org/robots.txt", "named", "f", 1),
        ("b.org", "https://b.org/robots.txt", "https://b.org/robots.txt", None, "f", 0),
    ]


def test_another_dialect_has_its_own_panel_and_may_lack_a_reading(warehouse: Warehouse) -> None:
    con = build(
        warehouse,
        {"a.org": "named", "b.org": "closed", "c.org": "404"},
        other_readings={"google": {"named": "open", "closed": "unread"}},
    )
    query = "SELECT host, level, restriction FROM {} WHERE agent = 'GPTBot' ORDER BY host"
    assert con.execute(query.format("panel")).fetchall() == [
        ("a.org", "all", "all"),
        ("b.org", "all", "all"),
        ("c.org", "absent", None),
    ]
    assert con.execute(query.format("panel_of('google')")).fetchall() == [
        ("a.org", "none", "none"),
        ("b.org", "not_read", None),
        ("c.org", "absent", None),
    ]
    assert con.execute(query.format("panel_of('klingon')")).fetchall() == []


def test_declarations_are_the_rows_of_the_body_in_each_dialect(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "named"}, other_readings={"google": {"named": "open"}})
    rows = con.execute(
        "SELECT dialect, agent, group_match, restriction FROM declarations"
        " WHERE content_digest = 'named' ORDER BY ALL"
    ).fetchall()
    assert rows == [
        ("google", "*", "wildcard", "none"),
        ("rfc9309", "*", "wildcard", "some"),
        ("rfc9309", "GPTBot", "specific", "all"),
    ]


def label(con: duckdb.DuckDBPyConnection, outcome: str, agent: str) -> tuple[object, ...] | None:
    columns = "level, group_match, restriction_longpre2024"
    query = f"SELECT {columns} FROM outcome_levels WHERE outcome = ? AND agent = ?"
    return con.execute(query, [outcome, agent]).fetchone()


def test_a_label_has_the_strictest_answer_of_its_members(warehouse: Warehouse) -> None:
    agents = {"GPTBot": "training", "ClaudeBot": "training", "OtherBot": "search"}
    rulesets = {
        "one": {"*": "some", "GPTBot": "all"},
        "mild": {"*": "all", "GPTBot": "none"},
        "both": {"*": "all", "GPTBot": "none", "ClaudeBot": "some"},
        "tie": {"*": "all", "GPTBot": "all"},
        "other": {"*": "some", "OtherBot": "all"},
    }
    con = warehouse(agents=agents, rulesets=rulesets, longpre2024={("one", "GPTBot"): "none"})
    models.build(con, until="panel")
    training = {name: label(con, name, "(any training)") for name in rulesets}
    assert training == {
        "one": ("all", "specific", "some"),  # by the study's rule GPTBot is open: the others' star decides
        "mild": ("all", "wildcard", "all"),  # ClaudeBot is not named, so the star still speaks for it
        "both": ("some", "specific", "some"),  # every member is named: the star speaks for none
        "tie": ("all", "specific", "all"),
        "other": None,  # no member is named: the row of the star holds
    }


def test_the_study_label_reads_its_agents_even_when_they_are_not_tracked(warehouse: Warehouse) -> None:
    con = warehouse(agents={"NewBot": "training"}, rulesets={"r": {"*": "none", "claude-web": "all"}})
    models.build(con, until="panel")
    assert label(con, "r", "(study combined)") == ("all", "specific", "all")


def test_a_label_has_the_longest_delay_of_its_members(warehouse: Warehouse) -> None:
    rulesets = {"r": {"GPTBot": "all", "ClaudeBot": "none"}}
    con = warehouse(agents={"GPTBot": "training", "ClaudeBot": "training"}, rulesets=rulesets)
    con.execute("UPDATE rulesets SET crawl_delay = if(agent = 'GPTBot', 1, 30) WHERE agent <> '*'")
    models.build(con, until="panel")
    query = "SELECT crawl_delay FROM outcome_levels WHERE agent = '(any training)'"
    assert con.execute(query).fetchall() == [(30.0,)]
