"""Declared against observed, and the rates at which the probe itself errs."""

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from analysis import models

MADE_UP = runpy.run_path(str(Path(__file__).with_name("probe_notation.py")))
everyone, observe = MADE_UP["everyone"], MADE_UP["observe"]
CONFIRM, SCREEN = MADE_UP["CONFIRM"], MADE_UP["SCREEN"]
TOKEN = "token:GPTBot"
ROBOTS = {
    "rules": "allow",
    "blank": "allow",
    "404": "absent",
    "closed": "disallow",
    "html": "unreadable",
    "403": "unreadable",
    "500": "unreadable",
    "http/timeout": "unreadable",
    "challenge": "unreadable",
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    notation = runpy.run_path(str(Path(__file__).with_name("warehouse_notation.py")))
    with duckdb.connect() as con:
        notation["fill"](con, notation["Study"]())
        yield con


def declared(con: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    return dict(con.execute("SELECT host, declared FROM verdicts WHERE identity = ?", [TOKEN]).fetchall())


def test_declared_is_how_robots_txt_was_obtained_and_what_it_says(con: duckdb.DuckDBPyConnection) -> None:
    hosts = {f"h{n}.org": word for n, word in enumerate(ROBOTS)}
    rows = [row for host, word in hosts.items() for row in observe(host, everyone({"robots": word}), SCREEN)]
    MADE_UP["fill_probe"](con, rows)
    assert declared(con) == {host: ROBOTS[word] for host, word in hosts.items()}


def test_a_robots_txt_that_nobody_read_is_not_known(con: duckdb.DuckDBPyConnection) -> None:
    rows = observe("a.org", everyone("ok"), SCREEN)
    for row in rows:
        row["body_digest"] = "UNREAD"
    MADE_UP["fill_probe"](con, rows)
    assert declared(con) == {"a.org": None}
    found = con.execute("SELECT DISTINCT declared, is_undeclared FROM declared_vs_observed").fetchall()
    assert found == [("(not known)", False)]


def test_one_answer_that_can_be_read_outweighs_later_failures(con: duckdb.DuckDBPyConnection) -> None:
    rows = observe("a.org", everyone("ok"), (0, 1)) + observe("a.org", everyone({"robots": "500"}), (2, 3))
    MADE_UP["fill_probe"](con, rows)
    assert declared(con) == {"a.org": "allow"}


def test_what_is_declared_to_the_token_counts_not_what_is_declared_to_all(
    con: duckdb.DuckDBPyConnection,
) -> None:
    MADE_UP["fill_probe"](con, observe("a.org", everyone("ok"), SCREEN))
    con.execute(
        "UPDATE live_declarations SET restriction = 'all' WHERE agent = 'GPTBot' AND body_digest = 'RULES'"
    )
    models.build(con)
    assert con.execute("SELECT identity, agent, declared FROM verdicts ORDER BY ALL").fetchall() == [
        ("placebo", "*", "allow"),
        (TOKEN, "GPTBot", "disallow"),
    ]


def test_a_token_that_robots_txt_does_not_answer_apart_is_declared_what_all_are(
    con: duckdb.DuckDBPyConnection,
) -> None:
    MADE_UP["fill_probe"](con, observe("a.org", everyone("ok") | {"token:CCBot": "ok"}, SCREEN))
    found = con.execute("SELECT agent, declared FROM verdicts ORDER BY ALL").fetchall()
    assert found == [("*", "allow"), ("CCBot", "allow"), ("GPTBot", "allow")]


def test_an_agent_is_spelt_as_in_the_registry(con: duckdb.DuckDBPyConnection) -> None:
    rows = observe("a.org", {"honest": "ok", "honest2": "ok", "token:gptbot": "ok"}, SCREEN)
    MADE_UP["fill_probe"](con, rows)
    assert con.execute("SELECT identity, agent FROM verdicts").fetchall() == [("token:gptbot", "GPTBot")]


def test_undeclared_is_a_block_where_robots_txt_allows_or_is_absent(con: duckdb.DuckDBPyConnection) -> None:
    hosts = {
        "allow.org": everyone("ok", token="403"),
        "absent.org": everyone({"robots": "404", "home": "ok"}, token={"robots": "404", "home": "403"}),
        "page.org": everyone({"robots": "html", "home": "ok"}, token={"robots": "html", "home": "403"}),
        "price.org": everyone("ok", token="price"),
        "open.org": everyone("ok"),
        "said.org": everyone({"robots": "closed"}, token={"robots": "403"}),
    }
    MADE_UP["fill_probe"](con, [row for host, said in hosts.items() for row in observe(host, said)])
    con.execute("UPDATE sites SET stratum = 'head' WHERE host = 'allow.org'")
    con.execute("INSERT INTO site_weights (host, corpus, weight) VALUES ('allow.org', 'c4', 2.5)")
    models.build(con)
    query = (
        "SELECT declared, verdict, is_undeclared, n_hosts, weight, share_of_hosts FROM declared_vs_observed"
        " WHERE identity = ? AND stratum = ? AND corpus = ? ORDER BY ALL"
    )
    assert con.execute(query, [TOKEN, "(all)", "hosts"]).fetchall() == [
        ("absent", "blocks_token", True, 1, 1.0, 1 / 6),
        ("allow", "blocks_token", True, 1, 1.0, 1 / 6),
        ("allow", "open", False, 1, 1.0, 1 / 6),
        ("allow", "payment", False, 1, 1.0, 1 / 6),
        ("disallow", "blocks_token", False, 1, 1.0, 1 / 6),
        ("unreadable", "blocks_token", False, 1, 1.0, 1 / 6),
    ]
    assert con.execute(query, [TOKEN, "head", "c4"]).fetchall() == [
        ("allow", "blocks_token", True, 1, 2.5, 1.0)
    ]
    (rate,) = con.execute(
        "SELECT n, n_of FROM probe_rates WHERE rate = 'undeclared' AND identity = ?", [TOKEN]
    ).fetchall()
    assert rate == (2, 4)


def rate_of(con: duckdb.DuckDBPyConnection, rate: str, identity: str) -> tuple[Any, ...]:
    (row,) = con.execute(
        "SELECT n_sites, n_of, n, share, share_low, share_high FROM probe_rates"
        " WHERE rate = ? AND identity = ?",
        [rate, identity],
    ).fetchall()
    return row


def test_the_screens_false_negatives_are_blocks_among_what_it_found_concordant(
    con: duckdb.DuckDBPyConnection,
) -> None:
    rows = []
    for n in range(20):
        rows += observe(f"quiet{n}.org", everyone("ok"))
    for n in range(5):
        rows += observe(f"late{n}.org", everyone("ok"), (0,))
        rows += observe(f"late{n}.org", everyone("ok", token="403"), CONFIRM[1:])
    rows += observe("seen.org", everyone("ok", token="403"))
    rows += observe("screened.org", everyone("ok"), SCREEN)
    MADE_UP["fill_probe"](con, rows)
    n_sites, n_of, n, share, low, high = rate_of(con, "screen_false_negatives", TOKEN)
    assert (n_sites, n_of, n, share) == (25, 25, 5, 0.2)
    assert 0 < low < 0.2 < high < 0.45
    assert rate_of(con, "verdict_blocks_token", TOKEN)[:3] == (27, 27, 6)
    assert rate_of(con, "verdict_open", TOKEN)[:3] == (27, 27, 21)


def test_the_error_rate_is_that_of_two_arms_that_are_alike(con: duckdb.DuckDBPyConnection) -> None:
    rows = observe("a.org", everyone("ok")) + observe("b.org", everyone("ok", honest2="503"), (0, 1))
    rows += observe("c.org", everyone("ok", honest2="403"))
    MADE_UP["fill_probe"](con, rows)
    # a: six blocks and none differs; b: one and it differs; c: six and all do.
    assert rate_of(con, "aa_blocks", "honest2")[:3] == (3, 13, 7)
    assert rate_of(con, "aa_verdicts", "honest2")[:3] == (2, 2, 1)


def test_hosts_of_one_domain_are_drawn_together(con: duckdb.DuckDBPyConnection) -> None:
    rows = []
    for n in range(8):
        for host in (f"d{n}.org", f"www.d{n}.org"):
            rows += observe(host, everyone("ok", token="403") if n < 4 else everyone("ok"))
    MADE_UP["fill_probe"](con, rows)
    assert rate_of(con, "verdict_blocks_token", TOKEN)[:4] == (8, 16, 8, 0.5)


def test_rates_are_the_same_at_every_build(con: duckdb.DuckDBPyConnection) -> None:
    rows = [
        row for n in range(6) for row in observe(f"a{n}.org", everyone("ok", token="403" if n % 2 else "ok"))
    ]
    MADE_UP["fill_probe"](con, rows)
    before = con.execute("FROM probe_rates").fetchall()
    models.build(con)
    assert con.execute("FROM probe_rates").fetchall() == before
    assert any(row[-1] is not None for row in before)


def test_q_is_benjamini_and_hochbergs_over_the_hosts_of_a_run(con: duckdb.DuckDBPyConnection) -> None:
    rows = [row for n in range(3) for row in observe(f"b{n}.org", everyone("ok", token="403"))]
    rows += [row for n in range(9) for row in observe(f"o{n}.org", everyone("ok"))]
    rows += observe("screen.org", everyone("ok"), SCREEN)
    rows += [row | {"run": "r2"} for row in observe("b0.org", everyone("ok", token="403"))]
    MADE_UP["fill_probe"](con, rows)
    found = dict(
        con.execute(
            "SELECT run || ' ' || host, q_value FROM verdicts WHERE identity = ? AND verdict <> 'open'",
            [TOKEN],
        ).fetchall()
    )
    p = 1 / 924
    assert found == {
        **{f"r1 b{n}.org": pytest.approx(p * 12 / 3) for n in range(3)},
        "r2 b0.org": pytest.approx(p),
    }
    assert con.execute(
        "SELECT max(q_value), count(*) FROM verdicts WHERE host = 'screen.org'"
    ).fetchall() == [(None, 2)]


def test_many_tests_make_one_block_insufficient(con: duckdb.DuckDBPyConnection) -> None:
    rows = observe("b.org", {"honest": "ok", "honest2": "ok", TOKEN: "403"})
    rows += [
        r for n in range(60) for r in observe(f"o{n}.org", {"honest": "ok", "honest2": "ok", TOKEN: "ok"})
    ]
    MADE_UP["fill_probe"](con, rows)
    found = con.execute("SELECT verdict, criterion_id FROM verdicts WHERE host = 'b.org'").fetchall()
    assert found == [("insufficient", "unproven")]
