"""Captures of a WARC file: every archived HTTP answer with its facts, verified. The hot path.

Sound gzip members come from `snapshots.members`. Those that hold responses are handed to FastWARC
in batches; a batch in which anything is not as it should be is read again member by member, so that
one bad header costs one record and not the rest of the file.
"""

import re
from collections.abc import Iterator
from io import BytesIO
from itertools import accumulate
from typing import NamedTuple

from fastwarc.warc import ArchiveIterator, WarcRecordType

from snapshots.eras import era_of
from snapshots.heads import decode_value, find_value, mime_type, parse_status, split_block
from snapshots.losses import Loss, LossReason, LossTally
from snapshots.members import Member, iter_members
from snapshots.payloads import PayloadReader
from snapshots.shards import url_serial
from snapshots.urls import resolve_location, split_url

BATCH_BYTES = 1 << 20
_LAW_CHECK_EVERY = 16
_BLANK = b"\r\n\r\n"
_RESPONSE = b"\r\nWARC-Type: response\r\n"
_OTHER_TYPE = re.compile(rb"\r\nWARC-Type: (?:request|warcinfo|metadata)\r\n")
_DATE = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)")
_SKIPPED = (WarcRecordType.request, WarcRecordType.warcinfo, WarcRecordType.metadata)
_Headers = dict[bytes, bytes]


class Capture(NamedTuple):
    """One archived HTTP answer. Names and meanings are those of the table `captures`.

    `host` is None when the URL has no usable authority; `fetch_redirect` is where a 3xx leads (None
    without Location); `content_digest` is the base32 SHA-1 of `body`; `digest_ok` is None when the
    record states no digest; offset and length are those of the record's gzip member in its file;
    `head` is the HTTP head with its status line, without the empty line that ends it.
    """

    url: str
    host: str | None
    scheme: str
    fetch_time: str
    fetch_status: int
    fetch_redirect: str | None
    content_digest: str
    content_mime_type: str | None
    content_mime_detected: str | None
    content_length: int
    content_truncated: str | None
    digest_ok: bool | None
    server: str | None
    warc_record_offset: int
    warc_record_length: int
    head: bytes
    body: bytes


class BadRecordError(Exception):
    """A response record that gives no capture."""

    def __init__(self, reason: LossReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def parse_date(value: bytes) -> str:
    """WARC-Date to the second, `YYYY-MM-DDTHH:MM:SSZ`; raises BadRecordError when it is no UTC time."""
    found = _DATE.fullmatch(value)
    if found is None:
        raise BadRecordError(LossReason.BAD_WARC_HEADER, f"WARC-Date {value[:40]!r}")
    return found[1].decode("ascii") + "Z"


def find_block_end(headers: _Headers, content: bytes, start: int) -> int:
    """Where the block that begins at `start` ends by its Content-Length; BadRecordError if there is less."""
    stated = headers.get(b"Content-Length", b"")
    if not stated.isdigit():
        raise BadRecordError(LossReason.BAD_WARC_HEADER, f"Content-Length {stated[:40]!r}")
    end = start + int(stated)
    if end > len(content):
        raise BadRecordError(LossReason.SHORT_RECORD, f"{len(content) - start} of {end - start} bytes")
    return end


def read_url(headers: _Headers) -> str:
    """The URL of a record; raises BadRecordError when it states none."""
    value = headers.get(b"WARC-Target-URI", b"").strip(b"<> ")
    if not value:
        raise BadRecordError(LossReason.BAD_WARC_HEADER, "no WARC-Target-URI")
    return value.decode("utf-8", "replace")


def make_capture(
    headers: _Headers, content: bytes, start: int, offset: int, length: int, payloads: PayloadReader
) -> Capture:
    """The capture of a response record from its WARC headers and its block, which begins at `start`.

    Raises BadRecordError for a record that gives none.
    """
    end = find_block_end(headers, content, start)
    status = parse_status(content[start : min(start + 16, end)])
    if not status:
        raise BadRecordError(LossReason.BAD_HTTP, f"block begins with {content[start : start + 40]!r}")
    head_end = content.find(_BLANK, start, end)
    if head_end >= 0:
        head, body = content[start:head_end], content[head_end + 4 : end]
    else:
        head, body = split_block(content[start:end])
    payload = payloads.read(head, body, headers.get(b"WARC-Payload-Digest"))
    url = read_url(headers)
    scheme, host = split_url(url)
    lowered = head.lower()
    location = find_value(head, lowered, b"\nlocation:") if 300 <= status < 400 else None
    return tuple.__new__(  # as Capture(…), at half the cost
        Capture,
        (
            url,
            host,
            scheme,
            parse_date(headers.get(b"WARC-Date", b"")),
            status,
            resolve_location(url, location) if location else None,
            payload.content_digest,
            mime_type(find_value(head, lowered, b"\ncontent-type:")),
            decode_value(headers.get(b"WARC-Identified-Payload-Type")),
            len(payload.body),
            decode_value(headers.get(b"WARC-Truncated")),
            payload.digest_ok,
            decode_value(find_value(head, lowered, b"\nserver:")),
            offset,
            length,
            head,
            payload.body,
        ),
    )


class Scan:
    """Iterates the captures of one WARC file, once; the counters are complete when it is exhausted.

    `n_records` counts response records seen, `losses` what gave no capture. With `shard` (the file's
    serial and the files per segment) every 16th capture is held against the shard law:
    `n_law_checked`, and `n_misplaced` of them belong into another file (they are kept).
    """

    def __init__(self, data: bytes | memoryview, snapshot: str, shard: tuple[int, int] | None = None) -> None:
        self._data = data
        self._payloads = PayloadReader(era_of(snapshot))
        self._shard = shard
        self._tally = LossTally()
        self.n_records = 0
        self.n_law_checked = 0
        self.n_misplaced = 0

    @property
    def losses(self) -> list[Loss]:
        """One loss per reason so far, sorted by reason."""
        return self._tally.listed()

    def __iter__(self) -> Iterator[Capture]:
        batch: list[Member] = []
        n_bytes = 0
        for member in iter_members(self._data, self._tally):
            content = member[2]
            end = content.find(_BLANK) + 2
            if content.find(_RESPONSE, 0, end) < 0 and _OTHER_TYPE.search(content, 0, end):
                continue
            batch.append(member)
            n_bytes += len(content)
            if n_bytes >= BATCH_BYTES:
                yield from self._read_batch(batch)
                batch, n_bytes = [], 0
        yield from self._read_batch(batch)

    def _read_batch(self, batch: list[Member]) -> Iterator[Capture]:
        all_headers = _read_headers(batch)
        if all_headers is None:
            for member in batch:
                yield from self._read_alone(member)
            return
        for (offset, length, content), headers in zip(batch, all_headers, strict=True):
            capture = self._read_response(headers, content, content.find(_BLANK) + 4, offset, length)
            if capture is not None:
                yield capture

    def _read_alone(self, member: Member) -> Iterator[Capture]:
        """Whatever responses FastWARC finds in one member, up to the first bad header."""
        offset, length, content = member
        n_records = 0
        try:
            for record in _iterate(content, WarcRecordType.any_type):
                n_records += 1
                if record.record_type == WarcRecordType.response:
                    headers = dict(record.headers.items_bytes())
                    capture = self._read_response(headers, record.reader.read(), 0, offset, length)
                    if capture is not None:
                        yield capture
                elif record.record_type not in _SKIPPED:
                    self._lose(LossReason.OTHER_RECORD, member, str(record.headers.get("WARC-Type")))
        except OSError as error:
            self._lose(LossReason.BAD_WARC_HEADER, member, str(error))
        else:
            if not n_records:
                self._lose(LossReason.BAD_WARC_HEADER, member, "no record in the member")

    def _lose(self, reason: LossReason, member: Member, detail: str) -> None:
        self._tally.add(reason, 1, member[1], f"at byte {member[0]}: {detail}")

    def _read_response(
        self, headers: _Headers, content: bytes, start: int, offset: int, length: int
    ) -> Capture | None:
        """The capture of one response record; None and a counted loss if it gives none."""
        self.n_records += 1
        try:
            capture = make_capture(headers, content, start, offset, length, self._payloads)
        except BadRecordError as bad:
            self._lose(bad.reason, (offset, length, b""), str(bad))
            return None
        if self._shard is not None and self.n_records % _LAW_CHECK_EVERY == 1:
            self.n_law_checked += 1
            serial, n_files = self._shard
            self.n_misplaced += url_serial(capture.url, n_files) != serial
        return capture


def _iterate(content: bytes, record_types: WarcRecordType) -> ArchiveIterator:
    return ArchiveIterator(BytesIO(content), record_types=record_types, parse_http=False, stream_detect=False)


def _read_headers(batch: list[Member]) -> list[_Headers] | None:
    """The WARC headers of each member; None unless every member is exactly one response record."""
    contents = [content for _, _, content in batch]
    expected = list(accumulate(map(len, contents), initial=0))[:-1]
    try:
        found = [
            (record.stream_pos, dict(record.headers.items_bytes()))
            for record in _iterate(b"".join(contents), WarcRecordType.response)
        ]
    except OSError:
        return None
    if [position for position, _ in found] != expected:
        return None
    return [headers for _, headers in found]


def scan_warc(data: bytes | memoryview, snapshot: str, shard: tuple[int, int] | None = None) -> Scan:
    """Reads the captures of a WARC file held in memory (compressed as archived); see `Scan`."""
    return Scan(data, snapshot, shard)
