"""The sample of URLs into the warehouse: parts drawn apart become one sample and one frame for each host."""

from collections.abc import Sequence

import duckdb

from pipeline.layout import Layout
from pipeline.manifest import StageEntry
from pipeline.url_drawing import FRAMES, SAMPLES
from pipeline.url_tables import URL_FRAMES, URL_ROWS, URL_SAMPLES, URL_SNAPSHOTS


def load_urls(con: duckdb.DuckDBPyConnection, layout: Layout, entry: StageEntry) -> None:
    """Fill the tables of drawn URLs from the parts that the stage `urls` has published."""
    per_host = int(entry.versions[0])
    rows = [
        (facts.snapshot, per_host, facts.n_files_planned, facts.n_files_read) for facts in entry.snapshots
    ]
    if rows:
        con.executemany(f"INSERT INTO {URL_SNAPSHOTS.name} VALUES (?, ?, ?, ?)", sorted(rows))
    for snapshot, _, _, _ in rows:
        _load_release(con, layout, _paths_of(entry, snapshot), per_host)


def _load_release(
    con: duckdb.DuckDBPyConnection, layout: Layout, paths: Sequence[str], per_host: int
) -> None:
    """A release at a time: pages are compared within one only."""
    if not paths:
        return
    files = ", ".join("'" + str(layout.file(path)).replace("'", "''") + "'" for path in paths)
    parts = f"read_parquet([{files}], hive_partitioning = false)"
    for table, query in ((URL_FRAMES, FRAMES), (URL_SAMPLES, SAMPLES)):
        con.execute(f"INSERT INTO {table.name} BY NAME {query.format(parts=parts, per_host=per_host)}")


def _paths_of(entry: StageEntry, snapshot: str) -> list[str]:
    place = f"/snapshot={snapshot}/"
    return sorted(o.path for o in entry.outputs if o.table == URL_ROWS.name and place in o.path)
