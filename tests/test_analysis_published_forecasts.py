"""What others forecast, held against data by hand; and why it is not scored where it cannot be."""

import random
from collections.abc import Callable

import duckdb
import pytest

from analysis import models

Warehouse = Callable[..., duckdb.DuckDBPyConnection]
COMBINED, OPENAI = "longpre2024-c4-head-combined", "longpre2024-c4-head-openai"
RULESETS = {
    "open": {"*": "none"},
    "shut": {"*": "all"},
    "gpt": {"*": "none", "gptbot": "all"},
    "user": {"*": "all", "GPTBot": "some", "ChatGPT-User": "none"},
    "cc": {"*": "some", "CCBot": "all"},
}
HISTORIES = {
    "a.org": "gpt gpt",  # closed to OpenAI
    "b.org": "shut -",  # carried: closed to all
    "c.org": "open cc",  # closed to the combined agents by CCBot
    "d.org": "user user",  # open to OpenAI, which is named twice; closed to the others
    "e.org": "- -",  # never captured: open
    "f.org": "shut shut",  # no part of the head
}
WEIGHTS = {"a.org": 20.0, "b.org": 10.0, "c.org": 5.0, "d.org": 4.0, "e.org": 1.0, "f.org": 99.0}


def build(
    warehouse: Warehouse,
    snapshots: list[str],
    title: str | None = "C4",
    histories: dict[str, str] = HISTORIES,
) -> duckdb.DuckDBPyConnection:
    con = warehouse(
        snapshots=snapshots,
        histories=histories,
        rulesets=RULESETS,
        agents={"CCBot": "archive"},
        weights={(host, "c4_tokens"): WEIGHTS[host] for host in histories},
    )
    con.execute("UPDATE site_weights SET is_head = host <> 'f.org'")
    con.execute("DELETE FROM corpora")
    if title:
        con.execute(
            "INSERT INTO corpora (corpus, title, head_column) VALUES ('c4_tokens', ?, 'c4_head')", [title]
        )
    models.build(con, until="published_forecasts")
    return con


def score(con: duckdb.DuckDBPyConnection, columns: str) -> dict[object, tuple[object, ...]]:
    found = con.execute(f"SELECT forecast_id, {columns} FROM published_forecasts ORDER BY ALL").fetchall()
    return {row[0]: row[1:] for row in found}


def test_the_head_is_scored_as_the_forecasters_counted(warehouse: Warehouse) -> None:
    con = build(warehouse, ["CC-MAIN-2024-10", "CC-MAIN-2025-13"])
    columns = (
        "corpus, snapshot, n_hosts, n_hosts_known, share_observed, error_points, is_within_interval, why_not"
    )
    found = score(con, columns)
    place = ("c4_tokens", "CC-MAIN-2025-13", 5, 4)
    # Combined: a, b, c and d of 40; OpenAI: a and b.
    assert found == {
        COMBINED: (*place, 39 / 40, pytest.approx(48.8 - 97.5), False, None),
        OPENAI: (*place, 30 / 40, pytest.approx(47.2 - 75.0), False, None),
    }


def test_the_forecasts_are_those_that_were_published(warehouse: Warehouse) -> None:
    found = score(warehouse_without_hosts(warehouse), "month::VARCHAR, share_forecast, low, high")
    assert found == {
        COMBINED: ("2025-04-01", 0.488, 0.321, 0.655),
        OPENAI: ("2025-04-01", 0.472, 0.298, 0.646),
    }


def warehouse_without_hosts(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    con = warehouse()
    models.build(con, until="published_forecasts")
    return con


def test_an_observation_within_the_interval_is_a_hit(warehouse: Warehouse) -> None:
    histories = {"a.org": "gpt", "b.org": "open", "c.org": "open", "d.org": "open"}
    con = build(warehouse, ["CC-MAIN-2025-18"], histories=histories)
    assert score(con, "share_observed, is_within_interval")[OPENAI] == (20 / 39, True)


@pytest.mark.parametrize(
    ("snapshots", "nearest", "days"),
    [
        (["CC-MAIN-2025-10", "CC-MAIN-2025-22"], "CC-MAIN-2025-22", 41),  # 3 March and 26 May
        (["CC-MAIN-2025-13", "CC-MAIN-2025-22"], "CC-MAIN-2025-13", 22),
        (["CC-MAIN-2025-09", "CC-MAIN-2025-23"], None, None),  # 50 and 48 days away
    ],
)
def test_the_nearest_snapshot_within_45_days_counts(
    warehouse: Warehouse, snapshots: list[str], nearest: str | None, days: int | None
) -> None:
    con = build(warehouse, snapshots)
    found = score(con, "snapshot, days_away, why_not")[COMBINED]
    missing = "the study has no snapshot within 45 days of the middle of the month"
    assert found == (nearest, days, None if nearest else missing)


@pytest.mark.parametrize("title", [None, "Dolma"])
def test_without_the_corpus_it_says_so(warehouse: Warehouse, title: str | None) -> None:
    con = build(warehouse, ["CC-MAIN-2024-10", "CC-MAIN-2025-13"], title)
    found = score(con, "share_observed, why_not")[OPENAI]
    assert found == (None, "the study has no corpus with the title C4 and a head")


def test_a_source_that_is_no_web_host_stays_in_the_head(warehouse: Warehouse) -> None:
    con = build(warehouse, ["CC-MAIN-2024-10", "CC-MAIN-2025-13"])
    con.execute("UPDATE sites SET is_domain = false WHERE host = 'a.org'")
    models.build(con, until="published_forecasts")
    assert score(con, "n_hosts, share_observed")[OPENAI] == (5, 10 / 40)


def test_the_combined_head_is_that_of_the_estimates(warehouse: Warehouse) -> None:
    rng = random.Random(3)
    snapshots = ["CC-MAIN-2024-10", "CC-MAIN-2025-13"]
    words = [*RULESETS, "404", "403", "-"]
    histories = {f"h{n}.org": " ".join(rng.choices(words, k=2)) for n in range(60)}
    con = warehouse(
        snapshots=snapshots,
        histories=histories,
        rulesets=RULESETS,
        strata=dict.fromkeys(list(histories)[40:], "random"),
        weights={(host, "c4_tokens"): rng.randrange(1, 99) for host in histories},
        corpora={"c4_tokens": ("random", 1e6)},
        heads={(host, "c4_tokens") for host in list(histories)[:40]},
    )
    con.execute("UPDATE corpora SET title = 'C4' WHERE corpus = 'c4_tokens'")
    models.build(con, until="published_forecasts")
    query = (
        "SELECT share FROM level_estimates WHERE snapshot = 'CC-MAIN-2025-13' AND agent = '(study combined)'"
        " AND corpus = 'c4_tokens' AND estimator = 'study' AND part = 'head' AND basis = 'carried'"
        " AND measure = 'all'"
    )
    ((estimate,),) = con.execute(query).fetchall()
    (observed,) = score(con, "share_observed")[COMBINED]
    assert observed == pytest.approx(estimate, abs=1e-9)
    assert 0 < estimate < 1
