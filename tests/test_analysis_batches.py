"""Models filled some snapshots at a time: batches cover every snapshot once, and change nothing."""

from collections.abc import Callable

import duckdb
import pytest

from analysis import batches, models

Warehouse = Callable[..., duckdb.DuckDBPyConnection]
SNAPSHOTS = ["CC-MAIN-2023-06", "CC-MAIN-2023-14", "CC-MAIN-2023-23", "CC-MAIN-2023-40"]
HISTORIES = {"a.org": "open shut 404 open", "b.org": "- open 403 shut", "c.org": "shut - - 503"}


def build(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    con = warehouse(
        snapshots=SNAPSHOTS, histories=HISTORIES, rulesets={"open": {"*": "none"}, "shut": {"*": "all"}}
    )
    models.build(con, until="answers")
    return con


def test_batches_cover_every_snapshot_once_and_keep_to_the_limit() -> None:
    counts = [(f"s{number:02}", n) for number, n in enumerate([5, 1, 1, 1, 9, 2, 2, 3])]
    divided = batches.divide(counts, most=4)
    covered = [[name for name, _ in counts if first <= name <= last] for first, last in divided]
    assert [name for batch in covered for name in batch] == [name for name, _ in counts]
    sizes = [sum(n for name, n in counts if name in batch) for batch in covered]
    assert sizes == [5, 3, 9, 4, 3]


def test_no_captures_are_no_batches() -> None:
    assert batches.divide([]) == []


def test_answers_are_the_same_whatever_the_batches(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = build(warehouse).execute("FROM answers").fetchall()
    monkeypatch.setattr(batches.divide, "__defaults__", (1,))
    one_by_one = build(warehouse).execute("FROM answers").fetchall()
    # Nine of the twelve months of the three hosts were captured.
    assert len(at_once) == 9
    assert one_by_one == at_once


def test_the_query_alone_answers_for_all_snapshots(warehouse: Warehouse) -> None:
    con = build(warehouse)
    whole = con.execute(models.query_of("answers")).fetchall()
    assert whole == con.execute("FROM answers").fetchall()


def test_the_variables_are_gone_after_the_build(warehouse: Warehouse) -> None:
    con = build(warehouse)
    assert con.execute("SELECT getvariable('first_snapshot'), getvariable('last_snapshot')").fetchall() == [
        (None, None)
    ]
