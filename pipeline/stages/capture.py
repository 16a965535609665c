"""Capture: read WARC files into captures (one row per answer) and the bodies not yet in the store.

A task reads the files of one serial of one release: by the shard law they hold every capture
of their URLs. Bodies are staged; the stage `store` merges them into the one body store. What the
same serial of the releases before has brought in is not staged again: most sites change little.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from consent.markers import MARKERS_VERSION, find_marker
from pipeline.archive_tables import CAPTURES, CONTENTS
from pipeline.context import Context
from pipeline.known import read_sound_digests
from pipeline.layout import STAGING_FOLDER
from pipeline.parts import Output, rows_to_table, sort_rows, write_part
from pipeline.tables import SCHEMA_VERSION
from pipeline.tasks import Receipt, SkipCount, Stage, State, Task
from snapshots.archive import FileMissing
from snapshots.captures import Capture, Scan, scan_warc

# Goes up when the same WARC file would give other rows.
CAPTURE_VERSION = "1"
# Value of the column `source`.
FROM_WARC = "warc"
MAX_FILES_PER_TASK = 128
STAGE_BYTES = 64 << 20
# Few rows to a group: a task of `store` reads a range of digests and passes over the other groups.
STAGE_ROWS = 256
# What may stand before the first tag of a page: white space and the bytes of a byte order mark.
_BLANKS = b" \t\r\n\xef\xbb\xbf"
# The last two fields of a capture, its HTTP head and its body, are no columns.
N_STORED = len(Capture._fields) - 2
_KINDS = {field.name: field.type for field in CAPTURES.schema if field.name != "fetch_time"}


class ListedFile(NamedTuple):
    """A WARC file as `discover` has listed it; `n_serials` is None where the shard law does not hold."""

    snapshot: str
    warc_filename: str
    serial: int
    n_serials: int | None


def plan(files: Sequence[ListedFile]) -> tuple[Task, ...]:
    """One task per release and serial, cut where it would have more than 128 files."""
    groups: dict[tuple[str, int, int], list[str]] = {}
    for snapshot, path, serial, n_serials in files:
        groups.setdefault((snapshot, serial, n_serials or 0), []).append(path)
    return tuple(task for key, paths in sorted(groups.items()) for task in _cut(*key, paths))


def plan_release(snapshot: str, rows: pa.Table) -> tuple[Task, ...]:
    """The same for rows of `warc_files` of one release, of which there may be a hundred thousand."""
    rows = rows.sort_by([(name, "ascending") for name in ("serial", "n_serials", "warc_filename")])
    paths = rows["warc_filename"].to_pylist()
    groups = rows.group_by(["serial", "n_serials"], use_threads=False).aggregate([([], "count_all")])
    tasks: list[Task] = []
    start = 0
    for serial, n_serials, n in zip(*(groups[i].to_pylist() for i in range(3)), strict=True):
        tasks += _cut(snapshot, serial, n_serials or 0, paths[start : start + n])
        start += n
    return tuple(tasks)


def _cut(snapshot: str, serial: int, n_serials: int, paths: Sequence[str]) -> Iterator[Task]:
    for start in range(0, len(paths), MAX_FILES_PER_TASK):
        yield _task(snapshot, serial, n_serials, paths[start : start + MAX_FILES_PER_TASK], start)


def n_tasks_of(n_files: Iterable[int]) -> int:
    """How many tasks `plan` makes of serials with so many files each."""
    return sum(-(-n // MAX_FILES_PER_TASK) for n in n_files)


def _task(snapshot: str, serial: int, n_serials: int, paths: Sequence[str], start: int) -> Task:
    label = f"{snapshot}/{serial:05d}" + (f"+{start}" if start else "")
    return Task(
        Stage.CAPTURE,
        label,
        f"snapshot={snapshot}",
        tuple(paths),
        (SCHEMA_VERSION, CAPTURE_VERSION, MARKERS_VERSION),
        (str(serial), str(n_serials)),
    )


class _Collector:
    """Gathers one task's captures and distinct bodies, staging bodies before they grow large."""

    def __init__(self, context: Context, task: Task) -> None:
        self._context, self._task = context, task
        self._tables: list[pa.Table] = []
        self._bodies: dict[str, bytes] = {}
        self._n_body_bytes = 0
        self._seen = set[str](read_sound_digests(context.layout, task.hints).to_pylist())
        self.staged: list[Output] = []
        self.counts: Counter[str] = Counter()
        self._n_lost: Counter[str] = Counter()
        self._n_bytes_lost: Counter[str] = Counter()

    def add_file(self, snapshot: str, path: str, scan: Scan) -> None:
        """Take over the captures of one WARC file, and count what it lost."""
        # Streamed: a capture's body is let go as soon as it has been looked at.
        rows, markers = [], []
        for capture in scan:
            markers.append(self._look_at(capture))
            rows.append(capture[:N_STORED])
        if rows:
            self._tables.append(_captures_table(snapshot, path, rows, markers))
        self.counts.update(captures=len(rows), law_checked=scan.n_law_checked, misplaced=scan.n_misplaced)
        for loss in scan.losses:
            self._n_lost[loss.reason] += loss.n_records
            self._n_bytes_lost[loss.reason] += loss.n_bytes
        if self._n_body_bytes > STAGE_BYTES:
            self.stage_bodies()

    def skips(self, snapshot: str) -> tuple[SkipCount, ...]:
        """What the files lost, by reason."""
        return tuple(
            SkipCount(snapshot, self._task.stage, reason, n, self._n_bytes_lost[reason])
            for reason, n in sorted(self._n_lost.items())
        )

    def _look_at(self, capture: Capture) -> str | None:
        """Keep the body of a successful answer; returns provider/action of a refusal."""
        if 200 <= capture.fetch_status < 300:
            if capture.digest_ok is not False:
                self._keep_body(capture.content_digest, capture.body)
            if capture.fetch_status == 200 and capture.body[:64].lstrip(_BLANKS)[:1] != b"<":
                return None
        marker = find_marker(capture.fetch_status, capture.head, capture.body)
        return f"{marker.provider}/{marker.action}" if marker and marker.is_refusal else None

    def _keep_body(self, digest: str, body: bytes) -> None:
        if digest not in self._seen:
            self._seen.add(digest)
            self.counts["bodies"] += 1
            self._bodies[digest] = body
            self._n_body_bytes += len(body)

    def stage_bodies(self) -> None:
        """Write the bodies that are new as one staged part, sorted by digest."""
        if self._bodies:
            rows = rows_to_table(CONTENTS, sorted(self._bodies.items()))
            part = f"{STAGING_FOLDER}/{self._task.partition}/part-{self._task.task_id}"
            storage = self._context.layout.published
            self.staged.append(write_part(storage, part, CONTENTS, rows, STAGE_ROWS, codec="lz4"))
        self._bodies, self._n_body_bytes = {}, 0

    def write_captures(self) -> Output:
        """Publish the captures, sorted by their key."""
        rows = pa.concat_tables(self._tables) if self._tables else CAPTURES.schema.empty_table()
        part = self._context.layout.part(CAPTURES.name, self._task.partition, self._task.task_id)
        return write_part(self._context.layout.published, part, CAPTURES, sort_rows(CAPTURES, rows))


def _captures_table(
    snapshot: str, path: str, rows: Sequence[tuple[object, ...]], markers: Sequence[str | None]
) -> pa.Table:
    """One file's captures; `rows` are the stored fields of `Capture`."""
    columns: dict[str, Sequence[object]] = dict(
        zip(Capture._fields[:N_STORED], zip(*rows, strict=True), strict=True)
    )
    arrays = {name: pa.array(values, type=_KINDS[name]) for name, values in columns.items() if name in _KINDS}
    arrays["fetch_time"] = _times(columns["fetch_time"])
    arrays["refusal_marker"] = pa.array(markers, type=pa.string())
    arrays["snapshot"] = pa.repeat(snapshot, len(rows))
    arrays["warc_filename"] = pa.repeat(path, len(rows))
    arrays["source"] = pa.repeat(FROM_WARC, len(rows))
    return pa.Table.from_arrays([arrays[name] for name in CAPTURES.schema.names], schema=CAPTURES.schema)


def _times(stamps: Sequence[object]) -> pa.Array:
    """ISO stamps in UTC as timestamps without a zone."""
    return pc.utf8_slice_codeunits(pa.array(stamps, type=pa.string()), 0, 19).cast(pa.timestamp("s"))


def run(context: Context, task: Task) -> Receipt:
    """Read the task's files; a file that the archive does not have makes the receipt partial."""
    snapshot = task.partition.removeprefix("snapshot=")
    serial, n_serials = map(int, task.arguments)
    shard = (serial, n_serials) if n_serials else None
    collector = _Collector(context, task)
    missing = []
    with context.open_archive(task.task_id) as archive:
        for path in task.inputs:
            try:
                data = archive.read(path)
            except FileMissing:
                missing.append(path)
            else:
                collector.add_file(snapshot, path, scan_warc(data, snapshot, shard))
    collector.stage_bodies()
    return Receipt(
        task.task_id,
        task.stage,
        task.label,
        task.partition,
        State.PARTIAL if missing else State.DONE,
        (collector.write_captures(),),
        collector.skips(snapshot),
        {**collector.counts, "files_read": len(task.inputs) - len(missing)},
        staged=tuple(collector.staged),
        missing=tuple(missing),
    )
