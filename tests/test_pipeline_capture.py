"""Capture and store: every answer becomes one row, every sound body is kept once, every loss is counted."""

import base64
import gzip
import hashlib
import io
import json
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipeline.archive_tables import CAPTURES, CONTENTS
from pipeline.context import Context
from pipeline.known import drop_known, iter_stored_parts
from pipeline.layout import Layout
from pipeline.parts import Output, rows_to_table, write_part
from pipeline.receipts import read_receipt, write_receipt
from pipeline.run_task import run_task
from pipeline.stages import capture, discover, store
from pipeline.stages.capture import ListedFile
from pipeline.storage.folder import temporary_name
from pipeline.tasks import Receipt, Stage, State, Task

SNAPSHOT = "CC-MAIN-2024-10"
CHALLENGE = [("Server", "cloudflare"), ("cf-mitigated", "challenge"), ("Content-Type", "text/html")]


@dataclass(frozen=True)
class Answer:
    """One response record; `digest` replaces the right payload digest ("" leaves it out)."""

    url: str
    body: bytes = b"User-agent: *\nDisallow: /\n"
    status: str = "200 OK"
    time: str = "2024-02-20T21:10:35Z"
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "text/plain"),)
    digest: str | None = None


class PlainWriter(WARCWriter):  # type: ignore[misc]
    """Writes the digests that a record was given, and none beside them."""

    def ensure_digest(self, record: object, block: bool = True, payload: bool = True) -> None:
        """Add nothing."""


def digest_of(body: bytes) -> str:
    return base64.b32encode(hashlib.sha1(body).digest()).decode()


def write_warc(*answers: Answer) -> bytes:
    buffer = io.BytesIO()
    writer = PlainWriter(buffer, gzip=True)
    for answer in answers:
        stated = f"sha1:{digest_of(answer.body)}" if answer.digest is None else answer.digest
        headers = {
            "WARC-Date": answer.time,
            "WARC-Record-ID": f"<urn:uuid:{uuid5(NAMESPACE_URL, answer.url)}>",
        }
        if stated:
            headers["WARC-Payload-Digest"] = stated
        head = StatusAndHeaders(answer.status, list(answer.headers), protocol="HTTP/1.1")
        writer.write_record(
            writer.create_warc_record(
                answer.url,
                "response",
                payload=io.BytesIO(answer.body),
                length=len(answer.body),
                warc_headers_dict=headers,
                http_headers=head,
            )
        )
    return buffer.getvalue()


def file_name(number: int, segment: int = 0) -> str:
    folder = f"crawl-data/{SNAPSHOT}/segments/170794747368{segment}.1/robotstxt"
    return f"{folder}/CC-MAIN-20240220211035-20240221001035-{number:05d}.warc.gz"


def make_context(folder: Path, files: dict[str, bytes], listed: tuple[str, ...] = ()) -> Context:
    """An archive of one release with these files (and a list that may name more)."""
    for path, data in files.items():
        place = folder / "archive" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    release = folder / "archive" / "crawl-data" / SNAPSHOT
    release.mkdir(parents=True, exist_ok=True)
    (release / "robotstxt.paths.gz").write_bytes(gzip.compress("\n".join((*files, *listed)).encode()))
    return Context(folder / "out", str(folder / "archive"))


def capture_files(
    context: Context, *paths: str, hints: tuple[str, ...] = ()
) -> tuple[Receipt, list[dict[str, object]]]:
    (task,) = capture.plan([ListedFile(SNAPSHOT, path, 0, None) for path in paths])
    receipt = run_task(context, replace(task, hints=hints))
    return receipt, pq.read_table(context.folder / receipt.outputs[0].path).to_pylist()


def staged_digests(context: Context, receipt: Receipt) -> list[str]:
    tables = [pq.read_table(context.folder / output.path) for output in receipt.staged]
    return [digest for table in tables for digest in table["content_digest"].to_pylist()]


def test_every_answer_of_a_file_is_one_row_with_what_the_record_says(tmp_path: Path) -> None:
    body = b"User-agent: GPTBot\nDisallow: /\n"
    answer = Answer(
        "https://A.example/robots.txt",
        body,
        headers=(("Content-Type", "text/plain; x=1"), ("Server", "nginx")),
    )
    context = make_context(tmp_path, {file_name(0): write_warc(answer)})
    receipt, (row,) = capture_files(context, file_name(0))
    assert receipt.state is State.DONE
    assert row["snapshot"] == SNAPSHOT
    assert row["url"] == "https://A.example/robots.txt"
    assert (row["host"], row["scheme"]) == ("a.example", "https")
    assert str(row["fetch_time"]) == "2024-02-20 21:10:35"
    assert (row["fetch_status"], row["content_mime_type"], row["server"]) == (200, "text/plain", "nginx")
    assert (row["content_digest"], row["content_length"]) == (digest_of(body), len(body))
    assert (row["digest_ok"], row["content_truncated"], row["refusal_marker"]) == (True, None, None)
    assert (row["warc_filename"], row["warc_record_offset"]) == (file_name(0), 0)
    assert row["warc_record_length"] == len(write_warc(answer))


def test_statuses_are_kept_as_they_are_and_only_successes_give_bodies(tmp_path: Path) -> None:
    statuses = ["200 OK", "301 Moved", "404 Not Found", "403 Forbidden", "503 Busy", "999 Denied", "204 None"]
    answers = [
        Answer(f"http://h{n}.example/robots.txt", f"body {n}".encode(), status)
        for n, status in enumerate(statuses)
    ]
    answers[1] = replace(answers[1], headers=(("Location", "/elsewhere.txt"),))
    context = make_context(tmp_path, {file_name(0): write_warc(*answers)})
    receipt, rows = capture_files(context, file_name(0))
    assert [row["fetch_status"] for row in rows] == [200, 301, 404, 403, 503, 999, 204]
    assert [row["fetch_redirect"] for row in rows][1] == "http://h1.example/elsewhere.txt"
    assert staged_digests(context, receipt) == sorted([digest_of(b"body 0"), digest_of(b"body 6")])
    assert receipt.counts["captures"] == 7
    assert receipt.counts["bodies"] == 2


def test_rows_are_sorted_by_key_whatever_the_order_of_files_and_records(tmp_path: Path) -> None:
    urls = ["http://c.example/robots.txt", "http://a.example/robots.txt", "http://b.example/robots.txt"]
    files = {
        file_name(0, 1): write_warc(Answer(urls[0], time="2024-02-21T00:00:00Z"), Answer(urls[1])),
        file_name(0, 0): write_warc(Answer(urls[2]), Answer(urls[0])),
    }
    context = make_context(tmp_path, files)
    receipt, rows = capture_files(context, *files)
    keys = [tuple(row[column] for column in CAPTURES.key) for row in rows]
    assert keys == sorted(keys)
    assert len(set(keys)) == 4
    assert receipt.counts["files_read"] == 2


def test_the_same_files_give_the_same_bytes(tmp_path: Path) -> None:
    files = {file_name(0): write_warc(*(Answer(f"http://{n}.example/robots.txt") for n in "cab"))}
    parts = []
    for name in ("one", "two"):
        context = make_context(tmp_path, files)
        context = replace(context, folder=tmp_path / name)
        receipt, _ = capture_files(context, file_name(0))
        outputs = (*receipt.outputs, *receipt.staged)
        parts.append([(output.path, (context.folder / output.path).read_bytes()) for output in outputs])
    assert parts[0] == parts[1]


def test_a_body_that_has_not_the_digest_it_states_is_not_stored(tmp_path: Path) -> None:
    wrong, none = (
        Answer("http://wrong.example/robots.txt", b"changed", digest=f"sha1:{digest_of(b'original')}"),
        Answer("http://none.example/robots.txt", b"unstated", digest=""),
    )
    context = make_context(tmp_path, {file_name(0): write_warc(wrong, none)})
    receipt, rows = capture_files(context, file_name(0))
    found = {row["host"]: (row["digest_ok"], row["content_digest"]) for row in rows}
    assert found == {
        "wrong.example": (False, digest_of(b"changed")),
        "none.example": (None, digest_of(b"unstated")),
    }
    assert staged_digests(context, receipt) == [digest_of(b"unstated")]


def test_refusals_carry_their_marker_and_files_of_rules_carry_none(tmp_path: Path) -> None:
    page = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>"
    answers = [
        Answer("http://challenged.example/robots.txt", page, "403 Forbidden", headers=tuple(CHALLENGE)),
        Answer("http://missing.example/robots.txt", b"<html>no</html>", "404 Not Found"),
        Answer("http://open.example/robots.txt", b"User-agent: *\nDisallow:\n"),
    ]
    context = make_context(tmp_path, {file_name(0): write_warc(*answers)})
    _, rows = capture_files(context, file_name(0))
    markers = {row["host"]: row["refusal_marker"] for row in rows}
    assert markers == {
        "challenged.example": "cloudflare/challenge",
        "missing.example": None,
        "open.example": None,
    }


def test_a_challenge_page_with_status_200_carries_its_marker(tmp_path: Path) -> None:
    page = b"\n<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>"
    answer = Answer("http://soft.example/robots.txt", page, headers=tuple(CHALLENGE))
    context = make_context(tmp_path, {file_name(0): write_warc(answer)})
    _, (row,) = capture_files(context, file_name(0))
    assert row["refusal_marker"] == "cloudflare/challenge"


def test_a_file_that_the_archive_does_not_have_makes_the_receipt_partial_and_is_named(tmp_path: Path) -> None:
    files = {file_name(0): write_warc(Answer("http://a.example/robots.txt"))}
    context = make_context(tmp_path, files)
    receipt, rows = capture_files(context, file_name(0), file_name(0, 1))
    assert receipt.state is State.PARTIAL
    assert receipt.missing == (file_name(0, 1),)
    assert receipt.counts["files_read"] == 1
    assert len(rows) == 1


def test_a_damaged_member_costs_itself_and_is_counted_with_its_bytes(tmp_path: Path) -> None:
    first, middle, last = (write_warc(Answer(f"http://{n}.example/robots.txt")) for n in ("a", "b", "c"))
    spoilt = middle[:40] + bytes(byte ^ 0x55 for byte in middle[40:60]) + middle[60:]
    context = make_context(tmp_path, {file_name(0): first + spoilt + last})
    receipt, rows = capture_files(context, file_name(0))
    assert [row["host"] for row in rows] == ["a.example", "c.example"]
    (skip,) = receipt.skips
    assert (skip.snapshot, skip.stage, skip.reason, skip.n_records) == (
        SNAPSHOT,
        "capture",
        "damaged_member",
        1,
    )
    assert skip.n_bytes == len(spoilt)
    assert receipt.state is State.DONE


def test_a_file_without_answers_gives_a_part_without_rows(tmp_path: Path) -> None:
    context = make_context(tmp_path, {file_name(0): b""})
    receipt, rows = capture_files(context, file_name(0))
    assert rows == []
    assert receipt.outputs[0].n_rows == 0
    assert receipt.staged == ()


def test_a_body_that_an_earlier_release_has_brought_into_the_store_is_not_staged_again(
    tmp_path: Path,
) -> None:
    old, new = b"User-agent: old\n", b"User-agent: new\n"
    files = {
        file_name(0): write_warc(Answer("http://a.example/robots.txt", old)),
        file_name(1): write_warc(
            Answer("http://b.example/robots.txt", old), Answer("http://c.example/robots.txt", new)
        ),
    }
    context = make_context(tmp_path, files)
    first, _ = capture_files(context, file_name(0))
    for task in store.plan(SNAPSHOT, first.staged):
        assert run_task(context, task).state is State.DONE
    second, rows = capture_files(context, file_name(1), hints=(first.outputs[0].path,))
    assert staged_digests(context, second) == [digest_of(new)]
    assert {row["content_digest"] for row in rows} == {digest_of(old), digest_of(new)}


def test_what_is_captured_does_not_depend_on_hints_and_unhinted_bodies_are_stored_once_too(
    tmp_path: Path,
) -> None:
    data = write_warc(Answer("http://a.example/robots.txt"), Answer("http://b.example/robots.txt", b"b"))
    context = make_context(tmp_path, {file_name(0): data, file_name(1): data})
    first, _ = capture_files(context, file_name(0))
    found = []
    for name, hints in (("with", (first.outputs[0].path,)), ("without", ())):
        other = replace(context, output=str(tmp_path / name), store=context.folder)
        for part in hints:
            (tmp_path / name / part).parent.mkdir(parents=True)
            (tmp_path / name / part).write_bytes((context.folder / part).read_bytes())
        (task,) = capture.plan([ListedFile(SNAPSHOT, file_name(1), 0, None)])
        receipt = run_task(other, replace(task, hints=hints))
        found.append((receipt.task_id, receipt.outputs, receipt.counts["captures"]))
        assert len(receipt.staged) == (0 if hints else 1)
    assert found[0] == found[1]
    for name in ("S", "T"):
        for task in store.plan(name, first.staged):
            assert run_task(context, task).state is State.DONE
    assert sorted(body for _, body in stored(context)) == sorted([Answer("").body, b"b"])


def test_no_hint_keeps_a_body_from_being_staged_that_was_a_refusal_or_not_sound(tmp_path: Path) -> None:
    refused, unsound, sound = b"refused", b"unsound", b"sound"
    before = [
        Answer("http://a.example/robots.txt", refused, "404 Not Found"),
        Answer("http://b.example/robots.txt", unsound, digest=f"sha1:{digest_of(b'other')}"),
        Answer("http://c.example/robots.txt", sound),
    ]
    after = [Answer(f"http://{body.decode()}.example/robots.txt", body) for body in (refused, unsound, sound)]
    context = make_context(tmp_path, {file_name(0): write_warc(*before), file_name(1): write_warc(*after)})
    first, _ = capture_files(context, file_name(0))
    second, _ = capture_files(context, file_name(1), hints=(first.outputs[0].path,))
    assert staged_digests(context, second) == sorted([digest_of(refused), digest_of(unsound)])


def test_discover_lists_every_file_and_marks_those_of_the_wanted_serials(tmp_path: Path) -> None:
    names = tuple(file_name(number, segment) for segment in (0, 1) for number in range(4))
    context = make_context(tmp_path, {}, names)
    (task,) = discover.plan([SNAPSHOT], 2)
    receipt = run_task(context, task)
    rows = pq.read_table(context.folder / receipt.outputs[0].path).to_pylist()
    assert [row["warc_filename"] for row in rows] == sorted(names)
    assert {row["n_serials"] for row in rows} == {4}
    assert {row["serial"] for row in rows if row["is_selected"]} == {0, 2}
    assert (receipt.counts["files"], receipt.counts["files_selected"], receipt.counts["serials"]) == (8, 4, 4)
    # None of the listed files is there: it is listed, and counts as nothing.
    assert receipt.counts["warc_bytes"] == 0


# ---- the body store


def stage(context: Context, name: str, bodies: list[bytes]) -> Output:
    rows = rows_to_table(CONTENTS, sorted((digest_of(body), body) for body in bodies))
    return write_part(context.layout.published, f"staging/snapshot={name}/part-{name}", CONTENTS, rows)


def store_all(context: Context, name: str, *staged: Output) -> list[Receipt]:
    return [run_task(context, task) for task in store.plan(name, staged)]


def stored(context: Context) -> list[tuple[str, bytes]]:
    parts = sorted((context.folder / "tables" / "contents").glob("part-*.parquet"))
    rows = [row for part in parts for row in pq.read_table(part).to_pylist()]
    return [(row["content_digest"], row["content"]) for row in rows]


def make_bodies(*numbers: int) -> list[bytes]:
    return [f"User-agent: {number}\nDisallow: /\n".encode() for number in numbers]


def test_bodies_are_stored_once_across_tasks_snapshots_and_runs(tmp_path: Path) -> None:
    context = Context(tmp_path, "archive")
    store_all(
        context, "S", stage(context, "S1", make_bodies(1, 2, 3)), stage(context, "S2", make_bodies(2, 3, 4))
    )
    store_all(
        context, "T", stage(context, "T1", make_bodies(4, 5)), stage(context, "T2", make_bodies(1, 5, 6))
    )
    store_all(context, "U", stage(context, "U1", make_bodies(1, 2, 3, 4, 5, 6)))
    assert sorted(stored(context)) == sorted((digest_of(body), body) for body in make_bodies(*range(1, 7)))


@settings(deadline=None)
@given(n_bytes=st.integers(min_value=0, max_value=1 << 36))
def test_ranges_cover_every_digest_once_whatever_the_size(n_bytes: int) -> None:
    ranges = store._ranges(n_bytes)
    assert ranges[0][0] == ""
    assert ranges[-1][1] == ""
    assert all(high == low and high for (_, high), (low, _) in pairwise(ranges))
    lows = [low for low, _ in ranges]
    assert lows == sorted(set(lows))
    assert len(ranges) <= 256
    if n_bytes <= store.RANGE_BYTES << 8:
        assert n_bytes / len(ranges) <= 2 * store.RANGE_BYTES


@settings(deadline=None)
@given(
    body=st.binary(max_size=20), n_bytes=st.sampled_from([0, 1 << 25, 1 << 28, 1 << 30, 40 << 30, 1 << 35])
)
def test_every_digest_lies_in_exactly_one_range(body: bytes, n_bytes: int) -> None:
    digest = digest_of(body)
    holding = [
        bounds
        for bounds in store._ranges(n_bytes)
        if digest >= bounds[0] and (not bounds[1] or digest < bounds[1])
    ]
    assert len(holding) == 1


def test_many_ranges_store_what_one_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = make_bodies(*range(300))
    one, many = Context(tmp_path / "one", "archive"), Context(tmp_path / "many", "archive")
    assert len(store_all(one, "S", stage(one, "S", bodies))) == 1
    monkeypatch.setattr(store, "RANGE_BYTES", 500)
    receipts = store_all(many, "S", stage(many, "S", bodies))
    assert len(receipts) > 8
    assert sum(receipt.counts["bodies_stored"] for receipt in receipts) == 300
    assert stored(one) == sorted(stored(many))


def test_a_part_without_a_receipt_does_not_count_as_known(tmp_path: Path) -> None:
    context = Context(tmp_path, "archive")
    (task,) = store.plan("S", [stage(context, "S", make_bodies(1, 2))])
    store.run(context, task)  # killed between part and receipt
    assert len(stored(context)) == 2
    assert list(iter_stored_parts(context.layout)) == []
    assert read_receipt(context.layout, task) is None
    assert run_task(context, task).counts["bodies_stored"] == 2
    assert len(stored(context)) == 2


def test_a_part_whose_task_has_failed_does_not_count_as_known(tmp_path: Path) -> None:
    context = Context(tmp_path, "archive")
    (task,) = store.plan("S", [stage(context, "S", make_bodies(1, 2))])
    store.run(context, task)
    write_receipt(
        context.layout,
        Receipt(task.task_id, task.stage, task.label, task.partition, State.FAILED, error="no space"),
    )
    assert list(iter_stored_parts(context.layout)) == []
    assert run_task(context, task).counts["bodies_stored"] == 2


def test_a_part_that_is_short_does_not_count_as_known(tmp_path: Path) -> None:
    context = Context(tmp_path, "archive")
    (task,) = store.plan("S", [stage(context, "S", make_bodies(1, 2))])
    receipt = run_task(context, task)
    part = context.folder / receipt.outputs[0].path
    part.write_bytes(part.read_bytes()[:-9])
    assert list(iter_stored_parts(context.layout)) == []
    assert run_task(context, task).counts["bodies_stored"] == 2


def test_a_receipt_that_another_process_is_just_writing_is_not_read(tmp_path: Path) -> None:
    context = Context(tmp_path, "archive")
    store_all(context, "S", stage(context, "S", make_bodies(1, 2)))
    (receipt,) = (context.folder / "receipts" / "store" / "snapshot=S").iterdir()
    temporary_name(receipt).write_bytes(b"")
    assert [part.n_rows for part in iter_stored_parts(context.layout)] == [2]


def test_an_empty_store_knows_nothing(tmp_path: Path) -> None:
    assert drop_known(Layout(tmp_path), pa.array(["A"])).to_pylist() == ["A"]
    assert drop_known(Layout(tmp_path), pa.array([], pa.string())).to_pylist() == []


@settings(deadline=None)
@given(
    known=st.sets(st.integers(0, 30)),
    asked=st.lists(st.integers(0, 30), unique=True),
)
def test_what_is_dropped_is_exactly_what_the_store_has(
    tmp_path_factory: pytest.TempPathFactory, known: set[int], asked: list[int]
) -> None:
    context = Context(tmp_path_factory.mktemp("store"), "archive")
    for parity in (0, 1):
        bodies = make_bodies(*(number for number in known if number % 2 == parity))
        store_all(context, f"S{parity}", stage(context, f"S{parity}", bodies))
    left = drop_known(context.layout, pa.array(map(digest_of, make_bodies(*asked)), pa.string()))
    wanted = make_bodies(*(number for number in asked if number not in known))
    assert left.to_pylist() == list(map(digest_of, wanted))


def test_a_failed_task_leaves_a_receipt_with_the_text_of_its_error(tmp_path: Path) -> None:
    task = Task(Stage.STORE, "S/", "snapshot=S", ("staging/gone.parquet",), ("1",), ("", ""))
    receipt = run_task(Context(tmp_path, "archive"), task)
    assert receipt.state is State.FAILED
    assert receipt.error.startswith(f"PartError: {tmp_path}/staging/gone.parquet is gone")
    assert "Traceback" in receipt.error
    path = tmp_path / "receipts/store/snapshot=S" / f"{task.task_id}.short.json"
    stored_receipt = json.loads(path.read_text("utf-8"))
    assert stored_receipt["state"] == "failed"
