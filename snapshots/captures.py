"""Captures of a WARC file: every archived HTTP answer with its facts, verified. The hot path.

FastWARC reads the file as long as all is as it should be; from the first doubt on, and for the last
record, `snapshots.members` reads gzip member by gzip member, so that one bad member or header costs one
record and not the rest of the file, and every loss is counted.
"""

import re
from collections.abc import Generator, Iterator
from functools import lru_cache
from io import BytesIO
from typing import NamedTuple

from fastwarc.warc import ArchiveIterator, WarcRecordType

from snapshots.eras import era_of
from snapshots.heads import decode_value, find_value, mime_type, parse_status, split_block
from snapshots.losses import Loss, LossReason, LossTally
from snapshots.members import Member, find_starts, iter_members
from snapshots.payloads import PayloadReader
from snapshots.shards import url_serial
from snapshots.urls import resolve_location, split_url

_LAW_CHECK_EVERY = 16
_RESPONSE = WarcRecordType.response
_MINUTE = re.compile(rb"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d")
_SECOND = re.compile(rb"(:[0-5]\d)(?:\.\d+)?(?:Z|\+00:00)")
_PASSED_OVER = (WarcRecordType.request, WarcRecordType.warcinfo, WarcRecordType.metadata)
_USUAL = WarcRecordType.response | WarcRecordType.request | WarcRecordType.warcinfo | WarcRecordType.metadata
Headers = dict[bytes, bytes]


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


@lru_cache(maxsize=1 << 14)
def _parse_minute(value: bytes) -> str:
    found = _MINUTE.fullmatch(value)
    if found is None:
        raise ValueError(value)
    return value.decode("ascii")


@lru_cache(maxsize=1 << 12)
def _parse_second(value: bytes) -> str:
    found = _SECOND.fullmatch(value)
    if found is None:
        raise ValueError(value)
    return found[1].decode("ascii") + "Z"


def parse_date(value: bytes) -> str:
    """WARC-Date to the second, `YYYY-MM-DDTHH:MM:SSZ`; ValueError when it is no UTC time.

    Taken apart at the minute, as both parts occur again and again.
    """
    return _parse_minute(value[:16]) + _parse_second(value[16:])


def _missing(headers: Headers) -> BadRecordError:
    """What a capture cannot do without and a response record lacks or has wrong."""
    needed = {
        name: headers.get(name, b"")[:40] for name in (b"WARC-Target-URI", b"WARC-Date", b"Content-Length")
    }
    return BadRecordError(LossReason.BAD_WARC_HEADER, f"among {needed!r}")


def make_capture(
    headers: Headers, block: bytes, offset: int, length: int, payloads: PayloadReader
) -> Capture:
    """The capture of a response record from its WARC headers and block; BadRecordError if it gives none."""
    try:
        url = headers[b"WARC-Target-URI"].decode("utf-8", "replace").strip("<> ")
        fetch_time = parse_date(headers[b"WARC-Date"])
        size = int(headers[b"Content-Length"])
    except (KeyError, ValueError):
        raise _missing(headers) from None
    if size != len(block):
        raise BadRecordError(LossReason.SHORT_RECORD, f"{len(block)} of {size} bytes")
    status = parse_status(block[:16])
    if not status:
        raise BadRecordError(LossReason.BAD_HTTP, f"block begins with {block[:40]!r}")
    head, body = split_block(block)
    payload = payloads.read(head, body, headers.get(b"WARC-Payload-Digest"))
    scheme, host = split_url(url)
    lowered = head.lower()
    location = find_value(head, lowered, b"\nlocation:") if 300 <= status < 400 else None
    facts = (
        url,
        host,
        scheme,
        fetch_time,
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
    )
    return tuple.__new__(Capture, facts)  # as Capture(*facts), at half the cost


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
        vouched = yield from self._read_fast()
        for member in iter_members(self._data, self._tally, vouched):
            yield from self._read_alone(member)

    def _read_fast(self) -> Generator[Capture, None, int]:
        """Captures as long as FastWARC finds exactly one sound record in each gzip member.

        Returns the offset from which on the file is to be read member by member. FastWARC checks a
        member (CRC-32) when it goes on to the next, but not at the end of the file: so a capture is
        handed over when the next record has been reached, and the last member is never vouched for.
        """
        vouched, pending = 0, None
        records = _iterate(self._data, _USUAL)  # one of another kind shows as a start that is passed over
        try:
            for start, record in zip(find_starts(self._data), records, strict=False):
                if record.stream_pos != start:
                    break
                if pending is not None:
                    headers, block = pending
                    pending = None
                    capture = self._read_response(headers, block, vouched, start - vouched)
                    if capture is not None:
                        yield capture
                vouched = start
                if record.record_type == _RESPONSE:
                    pending = dict(record.headers.items_bytes()), record.reader.read()
        except OSError:
            pass  # what is wrong is found and counted when the member is read by itself
        return vouched

    def _read_alone(self, member: Member) -> Iterator[Capture]:
        """Whatever responses FastWARC finds in one member, up to the first bad header."""
        n_records = 0
        try:
            for record in _iterate(member.content, WarcRecordType.any_type):
                n_records += 1
                if record.record_type == _RESPONSE:
                    headers, block = dict(record.headers.items_bytes()), record.reader.read()
                    capture = self._read_response(headers, block, member.offset, member.length)
                    if capture is not None:
                        yield capture
                elif record.record_type not in _PASSED_OVER:
                    self._lose(LossReason.OTHER_RECORD, member, str(record.headers.get("WARC-Type")))
        except OSError as error:
            self._lose(LossReason.BAD_WARC_HEADER, member, str(error))
        else:
            if not n_records:
                self._lose(LossReason.BAD_WARC_HEADER, member, "no record in the member")

    def _lose(self, reason: LossReason, member: Member, detail: str) -> None:
        self._tally.add(reason, 1, member.length, f"at byte {member.offset}: {detail}")

    def _read_response(self, headers: Headers, block: bytes, offset: int, length: int) -> Capture | None:
        """The capture of one response record; None and a counted loss if it gives none."""
        self.n_records += 1
        try:
            capture = make_capture(headers, block, offset, length, self._payloads)
        except BadRecordError as bad:
            self._lose(bad.reason, Member(offset, length, b""), str(bad))
            return None
        if self._shard is not None and self.n_records % _LAW_CHECK_EVERY == 1:
            self.n_law_checked += 1
            serial, n_files = self._shard
            self.n_misplaced += url_serial(capture.url, n_files) != serial
        return capture


def _iterate(data: bytes | memoryview, record_types: WarcRecordType) -> ArchiveIterator:
    return ArchiveIterator(BytesIO(data), record_types=record_types, parse_http=False)


def scan_warc(data: bytes | memoryview, snapshot: str, shard: tuple[int, int] | None = None) -> Scan:
    """Reads the captures of a WARC file held in memory (compressed as archived); see `Scan`."""
    return Scan(data, snapshot, shard)
