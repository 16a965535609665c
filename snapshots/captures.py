"""Captures of a WARC file: every archived HTTP answer with its facts, verified. The hot path.

FastWARC reads the file as long as all is as it should be; from the first doubt on, and for the last
record, `snapshots.members` reads gzip member by gzip member, so that one bad member or header costs one
record and not the rest of the file, and every loss is counted.
"""

from collections.abc import Generator, Iterator
from io import BytesIO

from fastwarc.warc import ArchiveIterator, WarcRecordType

from snapshots.eras import era_of
from snapshots.losses import Loss, LossReason, LossTally
from snapshots.members import Member, find_starts, iter_members
from snapshots.payloads import PayloadReader
from snapshots.records import BadRecordError, Capture, Headers, make_capture
from snapshots.reference import read_responses
from snapshots.shards import url_serial

__all__ = ["Capture", "Scan", "scan_warc"]

_LAW_CHECK_EVERY = 16
_RESPONSE = WarcRecordType.response
_PASSED_OVER = (WarcRecordType.request, WarcRecordType.warcinfo, WarcRecordType.metadata)
_USUAL = WarcRecordType.response | WarcRecordType.request | WarcRecordType.warcinfo | WarcRecordType.metadata


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
        # One of another kind shows as a start that is passed over. Nothing of a record outlives its turn.
        records = _iterate(self._data, _USUAL, inplace=True)
        try:
            for start, record in zip(find_starts(self._data), records, strict=False):
                # A record that swallows the next one, or two in one member, show here.
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
        """Whatever responses one member holds, up to the first header that no reader understands."""
        n_records = 0
        try:
            for record in _iterate(member.content, WarcRecordType.any_type):
                if record.record_type == _RESPONSE:
                    headers, block = dict(record.headers.items_bytes()), record.reader.read()
                    capture = self._read_response(headers, block, member.offset, member.length)
                    if capture is not None:
                        yield capture
                elif record.record_type not in _PASSED_OVER:
                    yield from self._read_by_warcio(
                        member, LossReason.OTHER_RECORD, str(record.headers.get("WARC-Type"))
                    )
                    return
                n_records += 1
        except OSError as error:
            if n_records:
                detail = f"after a record, in the member at byte {member.offset}: {error}"
                self._tally.add(LossReason.STRAY_BYTES, 0, member.length, detail)
                return
        if not n_records:
            yield from self._read_by_warcio(member, LossReason.BAD_WARC_HEADER, "no WARC record")

    def _read_by_warcio(self, member: Member, reason: LossReason, detail: str) -> Iterator[Capture]:
        """The responses of a member that FastWARC makes nothing of; a counted loss if warcio finds none."""
        responses = read_responses(member.content)
        for headers, block in responses:
            capture = self._read_response(headers, block, member.offset, member.length)
            if capture is not None:
                yield capture
        if not responses:
            self._lose(reason, member, detail)

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


def _iterate(
    data: bytes | memoryview, record_types: WarcRecordType, inplace: bool = False
) -> ArchiveIterator:
    return ArchiveIterator(BytesIO(data), record_types=record_types, parse_http=False, inplace=inplace)


def scan_warc(data: bytes | memoryview, snapshot: str, shard: tuple[int, int] | None = None) -> Scan:
    """Reads the captures of a WARC file held in memory (compressed as archived); see `Scan`."""
    return Scan(data, snapshot, shard)
