"""Models that are filled some snapshots at a time, so that memory stays within bounds."""

from collections.abc import Sequence

import duckdb

BATCH_CAPTURES = 250_000


def fill_in_batches(con: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    """Fill a table anew with what the query says of the snapshots from one variable to the other.

    The variables are `first_snapshot` and `last_snapshot`; without captures the table is left empty.
    """
    counts = con.execute("SELECT snapshot, count(*) FROM captures GROUP BY snapshot ORDER BY snapshot")
    batches = divide(counts.fetchall())
    con.execute(f"TRUNCATE {name}")
    for first, last in batches:
        con.execute("SET VARIABLE first_snapshot = $1", [first])
        con.execute("SET VARIABLE last_snapshot = $1", [last])
        con.execute(f"INSERT INTO {name} {query}")
    con.execute("RESET VARIABLE first_snapshot")
    con.execute("RESET VARIABLE last_snapshot")


def divide(counts: Sequence[tuple[str, int]], most: int = BATCH_CAPTURES) -> list[tuple[str, str]]:
    """First and last snapshot of each run of snapshots with `most` captures or fewer; a larger one is alone.

    >>> divide([("a", 300), ("b", 150), ("c", 50)], most=250)
    [('a', 'a'), ('b', 'c')]
    """
    batches: list[tuple[str, str]] = []
    n_so_far = 0
    for snapshot, n_captures in counts:
        n_so_far += n_captures
        if batches and n_so_far <= most:
            batches[-1] = (batches[-1][0], snapshot)
        else:
            batches.append((snapshot, snapshot))
            n_so_far = n_captures
    return batches
