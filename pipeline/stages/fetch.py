"""Fetch: bodies by range out of WARC files, each verified against its digest before it is stored."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import pyarrow as pa

from pipeline.archive_tables import CONTENTS
from pipeline.context import Context
from pipeline.costs import GAP_FOLDER, GAP_REMOTE
from pipeline.parts import read_part, rows_to_table, sort_rows, write_part
from pipeline.receipts import read_receipt
from pipeline.storage.storage import Storage
from pipeline.tables import SCHEMA_VERSION
from pipeline.tasks import Receipt, SkipCount, Stage, State, Task
from snapshots.archive import Archive, FileMissing, FileShorter
from snapshots.losses import LossReason
from snapshots.ranges import coalesce
from snapshots.records import BadRecordError
from snapshots.single import read_capture

FETCH_VERSION = "1"
WRONG_DIGEST, MISSING_FILE = "wrong_digest", "missing_file"

PLACE = pa.struct(
    [
        ("snapshot", pa.string()),
        ("warc_filename", pa.string()),
        ("warc_record_offset", pa.int64()),
        ("warc_record_length", pa.int64()),
    ]
)
PLANNED = pa.schema([("content_digest", pa.string()), *PLACE, ("other_places", pa.list_(PLACE))])


class Place(NamedTuple):
    """Where a record stands: the fields of `PLACE`."""

    snapshot: str
    warc_filename: str
    warc_record_offset: int
    warc_record_length: int

    @property
    def span(self) -> tuple[int, int]:
        return self.warc_record_offset, self.warc_record_offset + self.warc_record_length


class Wanted(NamedTuple):
    """One body to fetch, where, and where else it stands."""

    content_digest: str
    place: Place
    other_places: tuple[Place, ...]


def make_task(path: str, snapshot: str, start: int, stop: int) -> Task:
    """The task that fetches the rows [start, stop) of a plan, all of one release."""
    return Task(
        Stage.FETCH,
        f"{snapshot}/bodies+{start}",
        f"snapshot={snapshot}",
        (path,),
        (SCHEMA_VERSION, FETCH_VERSION),
        (str(start), str(stop)),
    )


def read_rows(storage: Storage, task: Task) -> pa.Table:
    """The rows of the plan that a task stands for."""
    start, stop = map(int, task.arguments)
    return read_part(storage, task.inputs[0]).slice(start, stop - start)


def read_wanted(storage: Storage, task: Task) -> list[Wanted]:
    """The bodies that a task fetches, in the order of their places."""
    return as_wanted(read_rows(storage, task))


def as_wanted(rows: pa.Table) -> list[Wanted]:
    """Rows of a plan (schema `PLANNED`)."""
    return [
        Wanted(
            row["content_digest"],
            Place(*(row[name] for name in Place._fields)),
            tuple(Place(**other) for other in row["other_places"]),
        )
        for row in rows.to_pylist()
    ]


def spans_of(wanted: list[Wanted], gap: int) -> Iterator[tuple[str, int, int, list[Wanted]]]:
    """The ranges to ask for: file, start, stop, and the bodies that stand in it."""
    for path, group in groupby(wanted, key=lambda item: item.place.warc_filename):
        bodies = list(group)
        for span in coalesce([body.place.span for body in bodies], gap):
            yield path, span.start, span.stop, [bodies[i] for i in span.members]


class _Fetcher:
    """Gathers the bodies of one task."""

    def __init__(self, archive: Archive, held: dict[str, bytes]) -> None:
        self._archive = archive
        self.bodies = held
        self.lost: Counter[tuple[str, str]] = Counter()
        self.n_bytes_lost: Counter[tuple[str, str]] = Counter()
        self.missing: dict[str, None] = {}

    def fetch(self, wanted: list[Wanted]) -> None:
        """Fetch every body; one that is not sound where it should stand is sought in its other places."""
        gap = GAP_REMOTE if self._archive.is_remote else GAP_FOLDER
        for path, start, stop, bodies in spans_of(wanted, gap):
            data = self._read_span(path, start, stop)
            for body in bodies:
                first, last = body.place.span
                record = None if data is None else data[first - start : last - start]
                self._fetch_one(body, record)

    def _fetch_one(self, body: Wanted, record: memoryview | None) -> None:
        """Try the places of a body until one is sound; `record` is what has been read of the first."""
        failed: list[tuple[Place, str]] = []
        for place in (body.place, *body.other_places):
            reason = self._try(body.content_digest, place, None if failed else record)
            if not reason:
                return
            failed.append((place, reason))
        missing = [place.warc_filename for place, reason in failed if reason == MISSING_FILE]
        # A file that comes back may hold it still.
        self.missing |= dict.fromkeys(missing)
        if not missing:
            self._lose(*failed[0])

    def _read_span(self, path: str, start: int, stop: int) -> memoryview | None:
        """Nothing of a file that is missing; None where it is cut short, but may have some of the records."""
        try:
            return memoryview(self._archive.read_range(path, start, stop))
        except FileMissing:
            return memoryview(b"")
        except FileShorter:
            return None

    def _try(self, digest: str, place: Place, record: memoryview | None = None) -> str:
        """Keep the body of the record at a place, read if need be; the reason if it is not the wanted one."""
        if record is None:
            record = self._read_span(place.warc_filename, *place.span)
        return LossReason.SHORT_FILE if record is None else self._take(digest, place, record)

    def _take(self, digest: str, place: Place, data: memoryview) -> str:
        """Keep the body of a record if it is the wanted one; the reason if it is not."""
        if not len(data):
            return MISSING_FILE
        try:
            capture = read_capture(bytes(data), place.snapshot, place.warc_record_offset)
        except BadRecordError as bad:
            return str(bad.reason)
        if capture.digest_ok is False or capture.content_digest != digest:
            return WRONG_DIGEST
        self.bodies[digest] = capture.body
        return ""

    def _lose(self, place: Place, reason: str) -> None:
        self.lost[place.snapshot, reason] += 1
        self.n_bytes_lost[place.snapshot, reason] += place.warc_record_length


def run(context: Context, task: Task) -> Receipt:
    """Fetch the task's bodies and store them; a file that the archive lacks makes the receipt partial.

    What an earlier, partial attempt has stored is not fetched again.
    """
    part = context.layout.part(CONTENTS.name, "", task.task_id)
    held = _read_held(context, task)
    wanted = [body for body in read_wanted(context.layout.published, task) if body.content_digest not in held]
    with context.open_archive(task.task_id) as archive:
        fetcher = _Fetcher(archive, held)
        fetcher.fetch(wanted)
        traffic = archive.traffic
    table = sort_rows(CONTENTS, rows_to_table(CONTENTS, list(fetcher.bodies.items())))
    return Receipt(
        task.task_id,
        task.stage,
        task.label,
        task.partition,
        State.PARTIAL if fetcher.missing else State.DONE,
        (write_part(context.layout.shared, part, CONTENTS, table),),
        tuple(
            SkipCount(snapshot, task.stage, reason, n, fetcher.n_bytes_lost[snapshot, reason])
            for (snapshot, reason), n in sorted(fetcher.lost.items())
        ),
        {"bodies": len(fetcher.bodies), "requests": traffic.n_requests, "bytes": traffic.n_bytes},
        missing=tuple(fetcher.missing),
    )


def _read_held(context: Context, task: Task) -> dict[str, bytes]:
    """The bodies that an earlier attempt has stored; nothing when there was none."""
    receipt, held = read_receipt(context.layout, task), dict[str, bytes]()
    for output in receipt.outputs if receipt else ():
        digests, bodies = read_part(context.layout.shared, output.path).to_pydict().values()
        held |= zip(digests, bodies, strict=True)
    return held
