"""Transitions, how robots.txt itself was answered, and coverage: each expectation counted by hand."""

from collections.abc import Callable, Iterable

import duckdb

from analysis import models

Warehouse = Callable[..., duckdb.DuckDBPyConnection]
Rows = list[tuple[object, ...]]
S1, S2, S3 = "CC-MAIN-2022-05", "CC-MAIN-2023-06", "CC-MAIN-2024-10"
RULESETS = {
    "open": {"*": "none"},
    "some": {"*": "some"},
    "shut": {"*": "all"},
    "silent": {},
    "gpt_open": {"*": "all", "GPTBot": "none"},
    "gpt_some": {"*": "none", "GPTBot": "some"},
    "gpt_shut": {"*": "some", "GPTBot": "all"},
    "gpt_shut_too": {"*": "all", "GPTBot": "all"},
    "only_gpt_open": {"GPTBot": "none"},
    "other_delay": {"*": "some", "OtherBot": "none"},
}


def build(
    warehouse: Warehouse, histories: dict[str, str], until: str = "transitions", **study: object
) -> duckdb.DuckDBPyConnection:
    snapshots = [S1, S2, S3][: len(next(iter(histories.values())).split())]
    study = {"agents": {"GPTBot": "training"}, **study}
    con = warehouse(snapshots=snapshots, histories=histories, rulesets=RULESETS, **study)
    models.build(con, until=until)
    return con


def rows(con: duckdb.DuckDBPyConnection, query: str) -> Rows:
    return con.execute(query).fetchall()


KINDS = {
    # history: kind, is_new_block, is_lifted
    "open gpt_shut": ("new_block", True, False),
    "some shut": ("new_block", True, False),
    "open some": ("tightened", False, False),
    "shut open": ("removal", False, True),
    "gpt_shut gpt_some": ("loosened", False, False),
    "some open": ("loosened", False, False),
    "shut gpt_shut": ("wildcard_to_named", False, False),
    "gpt_shut_too shut": ("named_to_wildcard", False, False),
    "silent only_gpt_open": ("became_named", False, False),
    "only_gpt_open silent": ("no_longer_named", False, False),
    "404 open": ("robots_appeared", False, False),
    "404 shut": ("robots_appeared", True, False),
    "404 empty": ("robots_appeared", False, False),
    "open 404": ("robots_removed", False, False),
    "gpt_shut 404": ("robots_removed", False, True),
    "some 403": ("became_unreadable", False, False),
    "404 503": ("became_unreadable", False, False),
    "301 shut": ("became_readable", False, False),
    "html 404": ("became_readable", False, False),
    "403 503": ("unreadable_otherwise", False, False),
}
NO_CHANGE = [
    "open open",
    "some other_delay",  # another agent's group is no change for GPTBot
    "open silent",  # open under a star group or under none
    "empty silent",
    "403 403",
    "shut -",
    "- shut",
    "- -",
]


def one_host_each(histories: Iterable[str]) -> dict[str, str]:
    """A host for every history, named after it so that a failure says which."""
    return {history.replace(" ", " to "): history for history in histories}


def test_each_change_has_its_kind(warehouse: Warehouse) -> None:
    con = build(warehouse, one_host_each(KINDS))
    found = rows(con, "SELECT host, (kind, is_new_block, is_lifted) FROM transitions")
    assert dict(found) == {host: KINDS[history] for host, history in one_host_each(KINDS).items()}
    assert len(found) == len(KINDS)


def test_what_changes_nothing_for_the_agent_is_no_transition(warehouse: Warehouse) -> None:
    assert rows(build(warehouse, one_host_each(NO_CHANGE)), "SELECT * FROM transitions") == []


def test_a_change_is_found_across_snapshots_without_the_host(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "open - gpt_shut"})
    query = "SELECT snapshot_from, snapshot_to, kind, days_between FROM transitions"
    # From Monday of week 5 of 2022 to Monday of week 10 of 2024.
    assert rows(con, query) == [(S1, S3, "new_block", 763)]


def test_both_captures_are_given(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "404 gpt_shut"})
    query = (
        "SELECT level_from, level_to, group_match_from, group_match_to, content_digest_from,"
        " content_digest_to, warc_filename_from, warc_record_offset_from, warc_filename_to,"
        " warc_record_offset_to, fetch_time_from::VARCHAR, fetch_time_to::VARCHAR FROM transitions"
    )
    times = ("2022-06-01 00:00:00", "2023-06-01 00:00:00")
    assert rows(con, query) == [
        ("absent", "all", None, "specific", None, "gpt_shut", "f", 0, "f", 1, *times),
    ]


def test_the_last_restriction_before_is_remembered(warehouse: Warehouse) -> None:
    wanted = {
        "open 403 gpt_shut": [("became_unreadable", "none"), ("became_readable", "none")],
        "gpt_shut 404 gpt_shut": [("robots_removed", "all"), ("robots_appeared", "all")],
        "403 some shut": [("became_readable", None), ("new_block", "some")],
        "empty 503 shut": [("became_unreadable", "none"), ("became_readable", "none")],
    }
    con = build(warehouse, one_host_each(wanted))
    query = "SELECT kind, restriction_before FROM transitions WHERE host = '{}' ORDER BY snapshot_to"
    for host, history in one_host_each(wanted).items():
        assert rows(con, query.format(host)) == wanted[history], history


def test_hosts_and_agents_are_kept_apart(warehouse: Warehouse) -> None:
    agents = {"GPTBot": "training", "OtherBot": "search", "Ignored": "untracked"}
    con = build(warehouse, {"a.org": "open gpt_shut", "b.org": "shut shut"}, agents=agents)
    query = "SELECT host, agent, kind FROM transitions ORDER BY ALL"
    assert rows(con, query) == [("a.org", "GPTBot", "new_block"), ("a.org", "OtherBot", "tightened")]


def test_a_body_without_a_reading_is_passed_over(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "open some shut"})
    con.execute("DELETE FROM readings WHERE content_digest = 'some'")
    models.build(con, until="transitions")
    assert rows(con, "SELECT snapshot_from, snapshot_to, kind FROM transitions") == [(S1, S3, "new_block")]


def test_how_robots_was_answered_by_state_and_provider(warehouse: Warehouse) -> None:
    con = build(
        warehouse,
        {"a.org": "open -", "b.org": "403 403", "c.org": "403 404", "d.org": "- -", "e.org": "403 403"},
        markers={
            ("b.org", S1): "cloudflare/deny",
            ("c.org", S1): "cloudflare/deny",
            ("e.org", S2): "akamai/deny",
        },
        strata={"b.org": "head"},
        until="refusals_over_time",
    )
    columns = "access_state, provider, n_hosts, n_hosts_observed, share_of_observed"
    query = (
        f"SELECT {columns} FROM refusals_over_time WHERE snapshot = '{{}}' AND stratum = '{{}}' ORDER BY ALL"
    )
    assert rows(con, query.format(S1, "(all)")) == [
        ("not_captured", "(none)", 1, 4, None),
        ("refused", "(none)", 1, 4, 0.25),
        ("refused", "cloudflare", 2, 4, 0.5),
        ("rules", "(none)", 1, 4, 0.25),
    ]
    assert rows(con, query.format(S2, "(all)")) == [
        ("absent", "(none)", 1, 3, 1 / 3),
        ("not_captured", "(none)", 2, 3, None),
        ("refused", "(none)", 1, 3, 1 / 3),
        ("refused", "akamai", 1, 3, 1 / 3),
    ]
    assert rows(con, query.format(S1, "head")) == [("refused", "cloudflare", 1, 1, 1.0)]


def test_a_snapshot_without_any_answer_has_no_share(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "-"}, until="refusals_over_time")
    query = "SELECT access_state, n_hosts, n_hosts_observed, share_of_observed FROM refusals_over_time"
    assert rows(con, query) == [("not_captured", 1, 0, None)]


def test_coverage_counts_files_captures_hosts_and_losses(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "open -", "b.org": "404 -", "c.org": "- -"})
    con.execute("UPDATE snapshots SET mode = 'scan'")
    con.execute(f"UPDATE snapshots SET n_files_planned = 4, n_files_read = 3 WHERE snapshot = '{S1}'")
    con.execute(
        "INSERT INTO captures (snapshot, url, host, digest_ok, fetch_status) VALUES"
        f" ('{S1}', 'https://c.org/robots.txt', 'c.org', false, 200),"
        f" ('{S1}', 'https:////x', NULL, NULL, 404)"
    )
    con.execute("INSERT INTO access_states VALUES (200, '', false, 'not_robots')")
    con.execute(
        f"INSERT INTO losses VALUES ('{S1}', 'capture', 'damaged_member', 2, 10),"
        f" ('{S1}', 'capture', 'short_file', 1, NULL), ('{S1}', 'capture', 'short_file', 4, 5)"
    )
    models.build(con, until="losses_by_reason")
    assert rows(con, "SELECT * EXCLUDE (notes) FROM coverage ORDER BY snapshot") == [
        (S1, "scan", 4, 3, 0.75, 4, 1, 3, 3, 2, 0, 1, 7, 15),
        (S2, "scan", None, None, None, 0, 0, 0, 3, 0, 2, 1, 0, 0),
    ]
    assert rows(con, "SELECT * FROM losses_by_reason") == [
        (S1, "capture", "damaged_member", 2, 10),
        (S1, "capture", "short_file", 5, 5),
    ]


def test_a_plan_of_no_files_has_no_share(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "-"})
    con.execute("UPDATE snapshots SET n_files_planned = 0, n_files_read = 0")
    models.build(con, until="losses_by_reason")
    assert rows(con, "SELECT share_files_read FROM coverage") == [(None,)]


def test_a_snapshot_is_covered_when_the_study_has_no_host(warehouse: Warehouse) -> None:
    con = warehouse(snapshots=[S1])
    models.build(con, until="losses_by_reason")
    assert rows(
        con, "SELECT snapshot, n_study_hosts, n_hosts_observed, n_hosts_never_captured FROM coverage"
    ) == [(S1, 0, 0, 0)]
