"""Gzip members of a WARC file, one by one, so that damage costs one member and not the rest of the file.

A WARC file of the archive is a row of gzip members, one record each. Here each is inflated by itself
and checked (CRC-32 and length are in its trailer). One that fails is counted as lost, and reading goes
on at the next place that looks like the start of a member.
"""

import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from snapshots.losses import LossReason, LossTally

_MEMBER_START = re.compile(rb"\x1f\x8b\x08[\x00-\x1f]")
_GZIP = 31  # what zlib calls wbits
_WINDOW = 1 << 16
MAX_MEMBER_BYTES = 64 << 20


class Member(NamedTuple):
    """A sound member: where it lies in the file (compressed bytes), and its inflated content."""

    offset: int
    length: int
    content: bytes


class DamagedError(Exception):
    """A member that gives no content, with the reason."""

    def __init__(self, reason: LossReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def find_starts(data: bytes | memoryview, start_at: int = 0) -> list[int]:
    """Where members seem to begin; now and then one of these places only looks like it."""
    return [found.start() for found in _MEMBER_START.finditer(data, start_at)]


def iter_members(data: bytes | memoryview, tally: LossTally, start_at: int = 0) -> Iterator[Member]:
    """Every sound member from `start_at` on, in file order; all else goes to the tally."""
    starts = find_starts(data, start_at)
    size = len(data)
    if not starts and start_at == 0:
        reason = LossReason.NOT_GZIP if size else LossReason.EMPTY_FILE
        tally.add(reason, 0, size, f"begins with {bytes(data[:40])!r}")
        return
    position = start_at
    for start, next_start in zip(starts, [*starts[1:], size], strict=True):
        if start < position:
            continue  # inside a member: these bytes only looked like a start
        if start > position:
            tally.add(LossReason.STRAY_BYTES, 0, start - position, f"at byte {position}")
        try:
            member = _inflate_member(memoryview(data), start)
        except DamagedError as damaged:
            is_last = next_start == size
            reason = damaged.reason if is_last else _inner_reason(damaged.reason)
            tally.add(reason, 1, next_start - start, f"at byte {start}")
            position = next_start
        else:
            position = start + member.length
            yield member
    if position < size:
        tally.add(LossReason.STRAY_BYTES, 0, size - position, f"at byte {position}")


def _inner_reason(reason: LossReason) -> LossReason:
    """The reason for a member that others follow: the file is not short, the member is damaged."""
    return LossReason.DAMAGED_MEMBER if reason is LossReason.SHORT_FILE else reason


def _inflate_member(view: memoryview, start: int) -> Member:
    """The member at `start`, inflated in steps so that its end is known and its size bounded."""
    inflater = zlib.decompressobj(_GZIP)
    parts: list[bytes] = []
    n_bytes, position = 0, start
    try:
        while not inflater.eof and position < len(view):
            window = view[position : position + _WINDOW]
            parts.append(inflater.decompress(window))
            position += len(window)
            # Deflate makes at most 1,032 bytes of one: a window cannot run far beyond the bound.
            n_bytes += len(parts[-1])
            if n_bytes > MAX_MEMBER_BYTES:
                raise DamagedError(LossReason.OVERSIZED_MEMBER)
    except zlib.error as error:
        raise DamagedError(LossReason.DAMAGED_MEMBER) from error
    if not inflater.eof:
        raise DamagedError(LossReason.SHORT_FILE)
    return Member(start, position - len(inflater.unused_data) - start, b"".join(parts))
