"""WARC records by warcio: the reference that the hot path is tested against, and its fallback.

warcio is slower and more lenient than FastWARC (header names in any case, bare line feeds). Where
FastWARC makes nothing of a member, this has the last word before the record is counted as lost.
"""

from collections.abc import Iterator
from io import BytesIO

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders

from snapshots.eras import era_of
from snapshots.payloads import PayloadReader
from snapshots.records import Capture, Headers, make_capture

_NAMES = (
    "Content-Length",
    "WARC-Date",
    "WARC-Identified-Payload-Type",
    "WARC-Payload-Digest",
    "WARC-Target-URI",
    "WARC-Truncated",
)


class _QuietIterator(ArchiveIterator):  # type: ignore[misc]
    """warcio's reader without its notes on stderr: what is wrong is counted, not printed."""

    INC_RECORD = ""


def iter_captures(data: bytes, snapshot: str) -> Iterator[Capture]:
    """The captures of an undamaged WARC file, read from front to back; raises on the first damage."""
    payloads = PayloadReader(era_of(snapshot))
    archive = ArchiveIterator(BytesIO(data), no_record_parse=True)
    for record in archive:
        if record.rec_type == "response":
            headers, block = _headers_of(record.rec_headers), record.raw_stream.read()
            archive.read_to_end()
            offset, length = archive.get_record_offset(), archive.get_record_length()
            yield make_capture(headers, block, offset, length, payloads)


def read_responses(content: bytes) -> list[tuple[Headers, bytes]]:
    """WARC headers and block of each response in the inflated content of a member; empty if there is none."""
    found = []
    try:
        for record in _QuietIterator(BytesIO(content), no_record_parse=True):
            if record.rec_type == "response":
                found.append((_headers_of(record.rec_headers), record.raw_stream.read()))
    except (ArchiveLoadFailed, EOFError, ValueError):
        return found  # what stands before the place that warcio cannot read
    return found


def _headers_of(stated: StatusAndHeaders) -> Headers:
    """The headers that a capture needs, under their usual names."""
    values = ((name, stated.get_header(name)) for name in _NAMES)
    return {name.encode(): value.encode("utf-8", "replace") for name, value in values if value is not None}
