"""Which bodies are fetched, and from where: each digest that the store lacks once, from its cheapest place.

A plan is a Parquet file, one row per body, written once and kept: a run that was interrupted goes on with
the very ranges that it had begun.
"""

import hashlib
from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.keys import write_list
from pipeline.known import find_unseen
from pipeline.layout import Layout
from pipeline.parts import Output, iter_column, read_part
from pipeline.receipts import read_receipt
from pipeline.stages import fetch
from pipeline.stages.fetch import PLANNED
from pipeline.storage.folder import TEMPORARY
from pipeline.storage.storage import Storage
from pipeline.tasks import State, Task

ROWS_PER_TASK, MAX_ROWS_PER_TASK = 512, 4096
BYTES_PER_TASK = 16 << 20
N_OTHER_PLACES = 3

# The more wanted bodies a file holds, the more of them one request brings. A refusal may have the body of a
# success, but is no place for it: nothing is fetched of a refusal.
_QUERY = f"""
WITH found AS (
    SELECT content_digest, snapshot, warc_filename, warc_record_offset, warc_record_length
    FROM captured SEMI JOIN wanted USING (content_digest)
    WHERE fetch_status BETWEEN 200 AND 299 AND warc_record_length > 0
),
crowd AS (
    SELECT warc_filename, count(DISTINCT content_digest) AS n_wanted FROM found GROUP BY warc_filename
),
ranked AS (
    SELECT found.*, row_number() OVER (
        PARTITION BY content_digest
        ORDER BY n_wanted DESC, warc_record_length, warc_filename, warc_record_offset
    ) AS place
    FROM found JOIN crowd USING (warc_filename)
),
others AS (
    SELECT content_digest, list(struct_pack(
        snapshot := snapshot, warc_filename := warc_filename,
        warc_record_offset := warc_record_offset, warc_record_length := warc_record_length
    ) ORDER BY place) AS other_places
    FROM ranked WHERE place BETWEEN 2 AND {1 + N_OTHER_PLACES} GROUP BY content_digest
)
SELECT
    content_digest, snapshot, warc_filename, warc_record_offset, warc_record_length,
    coalesce(other_places, []) AS other_places
FROM ranked LEFT JOIN others USING (content_digest)
WHERE place = 1
ORDER BY snapshot, warc_filename, warc_record_offset, content_digest
"""


def plan_fetches(layout: Layout, captures: Sequence[Output], lookups: str) -> tuple[Task, ...]:
    """The tasks that fetch what the captures point at and the store lacks; none when it lacks nothing.

    `lookups` names the look-ups that found the captures. A plan that was made for them before is kept as
    long as it covers all that is lacking and nothing that others have stored since.
    """
    wanted = find_unseen(layout, captures)
    for path, _ in layout.published.iter_below("plans"):
        if not path.startswith(f"plans/fetch-{lookups}-"):
            continue
        tasks = _cut(layout.published, path)
        if _is_current(layout, tasks, wanted):
            return tasks
    if not len(wanted):
        return ()
    return _cut(layout.published, write_plan(layout, choose_places(layout, captures, wanted), lookups))


def choose_places(layout: Layout, captures: Sequence[Output], wanted: pa.Array) -> pa.Table:
    """One row per wanted digest: where it is fetched, and up to three other places (schema `PLANNED`)."""
    with layout.published.local(output.path for output in captures) as paths, duckdb.connect() as con:
        con.execute("SET memory_limit = '600MiB'")
        con.execute("SET temp_directory = $folder", {"folder": str(layout.folder / f"{TEMPORARY}plan")})
        con.register("wanted", pa.table({"content_digest": wanted}))
        con.register("captured", con.read_parquet([str(path) for path in paths]))
        return con.sql(_QUERY).to_arrow_table().cast(PLANNED)


def write_plan(layout: Layout, rows: pa.Table, lookups: str) -> str:
    """Store a plan under a name made of its look-ups and its content; returns the path below the folder."""
    text = "\n".join(
        f"{d} {f}" for d, f in zip(*_texts(rows, "content_digest", "warc_filename"), strict=True)
    )
    path = f"plans/fetch-{lookups}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.parquet"
    write_list(layout.published, path, rows)
    return path


def _texts(rows: pa.Table, *columns: str) -> list[list[str]]:
    return [rows[column].to_pylist() for column in columns]


def _is_current(layout: Layout, tasks: Sequence[Task], wanted: pa.Array) -> bool:
    planned = [fetch.read_rows(layout.published, task)["content_digest"].combine_chunks() for task in tasks]
    left = [_not_stored_by(layout, task, digests) for task, digests in zip(tasks, planned, strict=True)]
    covered = pa.concat_arrays(planned)
    return _is_within(wanted, covered) and _is_within(pa.concat_arrays(left), wanted)


def _is_within(digests: pa.Array, others: pa.Array) -> bool:
    return bool(pc.all(pc.is_in(digests, value_set=others), min_count=0).as_py())


def _not_stored_by(layout: Layout, task: Task, digests: pa.Array) -> pa.Array:
    """Of a task's digests, those that it has still to fetch: none once it is done."""
    receipt = read_receipt(layout, task)
    if receipt is None:
        return digests
    if receipt.state is State.DONE:
        return digests[:0]
    for stored in iter_column(layout.shared, receipt.outputs, "content_digest"):
        digests = digests.filter(pc.invert(pc.is_in(digests, value_set=stored)))
    return digests


def _cut(storage: Storage, path: str) -> tuple[Task, ...]:
    rows = read_part(storage, path, ["snapshot", "warc_filename", "warc_record_length"])
    return tuple(fetch.make_task(path, snapshot, start, stop) for snapshot, start, stop in _pieces(rows))


def _pieces(rows: pa.Table) -> Iterator[tuple[str, int, int]]:
    """Stretches of one release, cut between WARC files if possible: neighbours come in one request."""
    places = list(zip(*(column.to_pylist() for column in rows.columns), strict=True))
    start = n_bytes = 0
    for i, (snapshot, path, length) in enumerate(places):
        n_rows = i - start
        is_full = n_rows >= ROWS_PER_TASK or n_bytes >= BYTES_PER_TASK
        at_border = i > 0 and path != places[i - 1][1]
        is_other = i > 0 and snapshot != places[i - 1][0]
        if is_other or (is_full and at_border) or n_rows >= MAX_ROWS_PER_TASK:
            yield places[start][0], start, i
            start, n_bytes = i, 0
        n_bytes += length
    if places:
        yield places[start][0], start, len(places)
