"""Gzip members of a WARC file: each inflated and checked by itself, so that damage costs one member.

A WARC file of the archive is a row of gzip members, one record each. Members are found by their
first bytes, inflated in one call and checked (CRC-32 and length are in every member's trailer).
Where that fails, the member is walked exactly; where that fails too, it is counted as lost and
reading goes on at the next place that looks like a member.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from snapshots.losses import LossReason, LossTally

_inflate: ModuleType
try:
    from isal import isal_zlib as _inflate
except ImportError:  # a platform without wheels of isal: slower, same bytes
    _inflate = zlib

_ERRORS: tuple[type[Exception], ...] = (zlib.error, _inflate.error)
_MEMBER_START = re.compile(rb"\x1f\x8b\x08[\x00-\x1f]")
_GZIP, _RAW = 31, -15  # what zlib calls wbits
_PLAIN_HEADER, _TRAILER = 10, 8
_WINDOW = 1 << 16
MAX_MEMBER_BYTES = 64 << 20
_trailer_at = struct.Struct("<II").unpack_from

Member = tuple[int, int, bytes]
"""Offset and length of a member in the file (compressed bytes), and its inflated content."""


@dataclass(frozen=True, slots=True)
class _Walked:
    """A member read step by step: its content and where it ends, or why there is none."""

    content: bytes
    end: int
    reason: LossReason | None


def iter_members(data: bytes | memoryview, tally: LossTally) -> Iterator[Member]:
    """Every sound member in file order; the rest goes to the tally. Nothing comes from an empty file."""
    starts = [found.start() for found in _MEMBER_START.finditer(data)]
    size = len(data)
    if not starts:
        reason = LossReason.NOT_GZIP if size else LossReason.EMPTY_FILE
        tally.add(reason, 0, size, f"begins with {bytes(data[:40])!r}")
        return
    view = memoryview(data)
    position = 0
    for start, end in zip(starts, [*starts[1:], size], strict=True):
        if start < position:
            continue  # these bytes only looked like a start: they lie inside a member
        if start > position:
            tally.add(LossReason.STRAY_BYTES, 0, start - position, f"at byte {position}")
        if view[start + 3] == 0 and _PLAIN_HEADER + _TRAILER < end - start <= _WINDOW:
            try:
                content = _inflate.decompress(view[start + _PLAIN_HEADER : end - _TRAILER], _RAW)
            except _ERRORS:
                content = b""
            # Raw inflation ignores what follows the deflate data: the trailer must be that of this content.
            if content and _trailer_at(view, end - _TRAILER) == (_inflate.crc32(content), len(content)):
                position = end
                yield start, end - start, content
                continue
        walked = _walk(view, start, end)
        position = walked.end
        if walked.reason is None:
            yield start, position - start, walked.content
        else:
            tally.add(walked.reason, 1, position - start, f"at byte {start}")
    if position < size:
        tally.add(LossReason.STRAY_BYTES, 0, size - position, f"at byte {position}")


def _walk(view: memoryview, start: int, next_start: int) -> _Walked:
    """Inflate the member at `start` in steps, so that its exact end is known and its size bounded."""
    inflater = _inflate.decompressobj(_GZIP)
    parts: list[bytes] = []
    n_bytes, position = 0, start
    try:
        while not inflater.eof and position < len(view):
            window = view[position : position + _WINDOW]
            parts.append(inflater.decompress(window))
            position += len(window)
            n_bytes += len(parts[-1])
            if n_bytes > MAX_MEMBER_BYTES:
                return _Walked(b"", next_start, LossReason.OVERSIZED_MEMBER)
    except _ERRORS:
        return _Walked(b"", next_start, LossReason.DAMAGED_MEMBER)
    if not inflater.eof:
        is_last = next_start == len(view)
        reason = LossReason.SHORT_FILE if is_last else LossReason.DAMAGED_MEMBER
        return _Walked(b"", next_start, reason)
    return _Walked(b"".join(parts), position - len(inflater.unused_data), None)
