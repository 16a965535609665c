"""Closings and re-openings: by hand, and on a drawn study against plain counting of the observations."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import date

import duckdb
import pytest

from analysis import models

Warehouse = Callable[..., duckdb.DuckDBPyConnection]
Rows = list[tuple[object, ...]]
# Mondays 70, 70 and 126 days apart.
S = ["CC-MAIN-2023-01", "CC-MAIN-2023-11", "CC-MAIN-2023-21", "CC-MAIN-2023-39"]
D = [date(2023, 1, 2), date(2023, 3, 13), date(2023, 5, 22), date(2023, 9, 25)]
RULESETS = {
    "open": {"*": "none"},
    "some": {"*": "some"},
    "shut": {"*": "all"},
    "gpt_shut": {"*": "none", "GPTBot": "all"},
    "gpt_open": {"*": "all", "GPTBot": "none"},
    "cc_shut": {"*": "some", "CCBot": "all"},
}
AGENTS = {"GPTBot": "training", "CCBot": "archive"}
# The strictest member counts; the members of (study combined) are nine, two of which are tracked here.
MEMBERS = {
    "GPTBot": ["GPTBot"],
    "CCBot": ["CCBot"],
    "(any training)": ["GPTBot"],
    "(study combined)": ["GPTBot", "CCBot", "ClaudeBot"],
}
UNREADABLE = {"-", "403", "503", "html", "301"}


def build(warehouse: Warehouse, histories: dict[str, str], **study: object) -> duckdb.DuckDBPyConnection:
    con = warehouse(snapshots=S, histories=histories, rulesets=RULESETS, agents=AGENTS, **study)
    models.build(con, until="churn")
    return con


def rows(con: duckdb.DuckDBPyConnection, query: str) -> Rows:
    return con.execute(query).fetchall()


COUNTS = (
    "n_at_risk_open, n_closed, n_closed_named, n_reclosed,"
    " n_at_risk_closed, n_reopened, n_reopened_named, n_removed_robots, net_closed"
)


def test_closings_and_reopenings_by_hand(warehouse: Warehouse) -> None:
    con = build(
        warehouse,
        {
            "a.org": "open gpt_shut open gpt_shut",  # closes by name, opens, closes again
            "b.org": "some shut 404 404",  # closes for all, then has no file
            "c.org": "open 403 gpt_shut gpt_shut",  # closes while nobody could read it
            "d.org": "404 open - open",
            "e.org": "shut shut shut shut",
            "f.org": "- - - shut",  # seen once: never at risk
        },
    )
    query = f"SELECT snapshot, {COUNTS} FROM churn WHERE agent = 'GPTBot' AND corpus = 'hosts' ORDER BY ALL"
    assert rows(con, query) == [
        (S[1], 3, 2, 1, 0, 1, 0, 0, 0, 2),
        (S[2], 1, 1, 1, 0, 3, 2, 1, 1, -1),
        (S[3], 3, 1, 1, 1, 2, 0, 0, 0, 1),
    ]
    shares = "SELECT share_closed, share_reopened FROM churn WHERE agent = 'GPTBot' ORDER BY snapshot"
    assert rows(con, shares) == [
        (pytest.approx(2 / 3), 0.0),
        (1.0, pytest.approx(2 / 3)),
        (pytest.approx(1 / 3), 0.0),
    ]


def test_rates_are_by_the_time_between_the_two_observations(warehouse: Warehouse) -> None:
    con = build(warehouse, {"a.org": "open - open gpt_shut", "b.org": "shut - - open"})
    columns = "host_years_open, closed_per_host_year, host_years_closed, reopened_per_host_year"
    found = rows(con, f"SELECT snapshot, {columns} FROM churn WHERE agent = 'GPTBot' ORDER BY snapshot")
    assert found == [
        (S[2], pytest.approx(140 / 365.25), 0.0, 0.0, None),
        (S[3], pytest.approx(126 / 365.25), pytest.approx(365.25 / 126),
         pytest.approx(266 / 365.25), pytest.approx(365.25 / 266)),
    ]  # fmt: skip


def test_weights_and_strata_are_those_of_the_study(warehouse: Warehouse) -> None:
    con = build(
        warehouse,
        {"a.org": "open gpt_shut - -", "b.org": "open open - -", "c.org": "shut open - -"},
        strata={"a.org": "head", "b.org": "head"},
        weights={("a.org", "c4"): 2.5, ("b.org", "c4"): 0.25, ("c.org", "c4"): 4.0},
    )
    query = (
        "SELECT stratum, n_closed, weight_at_risk_open, weight_closed, weight_at_risk_closed, weight_reopened"
        " FROM churn WHERE agent = 'GPTBot' AND corpus = 'c4' ORDER BY ALL"
    )
    assert rows(con, query) == [
        ("(all)", 1, 2.75, 2.5, 4.0, 4.0),
        ("(none)", 0, 0.0, 0.0, 4.0, 4.0),
        ("head", 1, 2.75, 2.5, 0.0, 0.0),
    ]


def test_who_was_observed_once_has_no_churn(warehouse: Warehouse) -> None:
    assert rows(build(warehouse, {"a.org": "shut - - -", "b.org": "- 403 503 open"}), "FROM churn") == []


# ---- against plain counting


def level_of(word: str, member: str) -> tuple[str, str | None]:
    if word in ("404", "empty"):
        return ("absent", None) if word == "404" else ("none", "none")
    levels = RULESETS[word]
    return (levels[member], "specific") if member in levels else (levels["*"], "wildcard")


def strictest(word: str, agent: str) -> tuple[str, str | None]:
    answers = [level_of(word, member) for member in MEMBERS[agent]]
    return max(answers, key=lambda one: (["absent", "none", "some", "all"].index(one[0]), one[1] or ""))


def count_host(history: str, agent: str, found: dict[tuple[str, str], Counter[str]]) -> None:
    before: list[tuple[str, str | None]] = []
    for snapshot, word in zip(S, history.split(), strict=True):
        if word in UNREADABLE:
            continue
        (level, match), earlier = strictest(word, agent), [one[0] for one in before]
        counts = found.setdefault((snapshot, agent), Counter())
        if earlier and earlier[-1] != "all":
            closed = level == "all"
            counts.update(open=1, closed=closed, named=closed and match == "specific")
            counts["reclosed"] += closed and "all" in earlier
        elif earlier:
            opened = level != "all"
            counts.update(shut=1, reopened=opened, absent=level == "absent")
            counts["was_named"] += opened and before[-1][1] == "specific"
        before.append((level, match))


@pytest.mark.parametrize("seed", range(3))
def test_churn_is_what_plain_counting_finds(warehouse: Warehouse, seed: int) -> None:
    rng = random.Random(seed)
    words = [*RULESETS, "404", "empty", *sorted(UNREADABLE)]
    histories = {f"h{n}.org": " ".join(rng.choices(words, k=len(S))) for n in range(150)}
    con = build(warehouse, histories)
    wanted: dict[tuple[str, str], Counter[str]] = {}
    for agent in MEMBERS:
        for history in histories.values():
            count_host(history, agent, wanted)
    names = ("open", "closed", "named", "reclosed", "shut", "reopened", "was_named", "absent")
    expected = {
        (*key, *(counts[name] for name in names), counts["closed"] - counts["reopened"])
        for key, counts in wanted.items()
        if counts
    }
    agents = ", ".join(f"'{agent}'" for agent in MEMBERS)
    assert (
        set(rows(con, f"SELECT snapshot, agent, {COUNTS} FROM churn WHERE agent IN ({agents})")) == expected
    )
    assert sum(counts["reclosed"] for counts in wanted.values()) > 0


def test_where_all_could_be_read_closings_are_the_new_blocks_of_transitions(warehouse: Warehouse) -> None:
    rng = random.Random(7)
    words = [*RULESETS, "404", "empty"]
    con = build(warehouse, {f"h{n}.org": " ".join(rng.choices(words, k=len(S))) for n in range(200)})
    churn = (
        "SELECT snapshot, agent, n_closed FROM churn WHERE agent NOT LIKE '(%' AND n_closed > 0 ORDER BY ALL"
    )
    changes = (
        "SELECT snapshot_to, agent, count(*) FROM transitions WHERE is_new_block GROUP BY ALL ORDER BY ALL"
    )
    assert rows(con, churn) == rows(con, changes) != []
