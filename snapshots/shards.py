"""The shard law: which WARC file of a segment holds a URL.

The five-digit serial in a file's name is Hadoop's `Text.hashCode(url) mod N`, N files per segment. So one
serial across all segments holds every capture of its URLs, and k serials of N are a k/N sample of all
URLs that needs no index. It is known to hold from CC-MAIN-2017-22 on, where the names carry the serial.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_NAME = re.compile(r"segments/([^/]+)/robotstxt/CC-MAIN-(\d{14})-(\d{14})-(\d{5})\.warc\.gz$")
_OLD_NAME = re.compile(r"segments/([^/]+)/robotstxt/CC-MAIN-(\d{14})-(\d{5})-(ip-[^/]+)\.warc\.gz$")


@dataclass(frozen=True, slots=True)
class WarcName:
    """What the path of a WARC file says.

    `starts` and `ends` are `YYYYMMDDhhmmss`. Before CC-MAIN-2017-22 a name has neither end nor serial of
    the law: `ends` and `serial` are None, and `number` is the file's number within its segment.
    """

    segment: str
    starts: str
    ends: str | None
    serial: int | None
    number: int


@dataclass(frozen=True, slots=True)
class Shards:
    """The WARC files of a snapshot by serial.

    `n_files_per_segment` is N of the law, None where the law does not hold: there `files` groups the
    n-th file of each segment under n, which only keeps work in equal portions.
    """

    n_files_per_segment: int | None
    files: Mapping[int, tuple[str, ...]]


def url_serial(url: str, n_files: int) -> int:
    """The serial of the file, out of `n_files` per segment, that holds a URL.

    >>> url_serial("https://www.nytimes.com/robots.txt", 800)
    339
    """
    # Java's bytes are signed and its ints wrap at 32 bits.
    value = 1
    for byte in url.encode():
        value = (31 * value + (byte - 256 if byte > 127 else byte)) & 0xFFFFFFFF
    return (value & 0x7FFFFFFF) % n_files


def parse_warc_path(path: str) -> WarcName | None:
    """What the path of a robotstxt WARC file says, in both eras of names; None for any other path."""
    new = _NAME.search(path)
    if new is not None:
        return WarcName(new[1], new[2], new[3], int(new[4]), int(new[4]))
    old = _OLD_NAME.search(path)
    return WarcName(old[1], old[2], None, None, int(old[3])) if old is not None else None


def group_files(paths: Iterable[str]) -> Shards:
    """The files of a path list by serial, in the order of the list; no files give no serials.

    The law is taken to hold only if every name carries a serial, no segment has a serial twice, and
    the serials run from 0 without a gap (a segment may lack some: files without records are not
    always written). Otherwise `n_files_per_segment` is None.
    """
    listed = list(paths)
    names = [parse_warc_path(path) for path in listed]
    seen = [(name.segment, name.serial) for name in names if name is not None and name.serial is not None]
    serials = sorted({serial for _, serial in seen})
    holds = len(seen) == len(listed) == len(set(seen)) and serials == list(range(len(serials)))
    if not (holds and listed):
        return Shards(None, _group_by_place(listed))
    files: dict[int, list[str]] = {serial: [] for serial in serials}
    for path, (_, serial) in zip(listed, seen, strict=True):
        files[serial].append(path)
    return Shards(len(serials), {serial: tuple(group) for serial, group in files.items()})


def _group_by_place(paths: list[str]) -> dict[int, tuple[str, ...]]:
    """The n-th file of every segment (folder) under n."""
    places: dict[str, int] = {}
    files: dict[int, list[str]] = {}
    for path in paths:
        segment = path.rpartition("/")[0]
        place = places.get(segment, 0)
        places[segment] = place + 1
        files.setdefault(place, []).append(path)
    return {place: tuple(group) for place, group in sorted(files.items())}


def files_by_serial(paths: Iterable[str]) -> dict[int, tuple[str, ...]]:
    """The files of a path list under their serial (see `group_files`)."""
    return dict(group_files(paths).files)


def choose_serials(serials: Iterable[int], k: int | None) -> tuple[int, ...]:
    """k of the serials, spread evenly: those at the places `i * n // k`; all when k is None or not below n.

    The choice depends on nothing but the serials of one snapshot, so adding snapshots never changes it;
    snapshots with the same N choose the same URLs.
    """
    ordered = sorted(serials)
    if k is None or k >= len(ordered):
        return tuple(ordered)
    if k < 1:
        raise ValueError(f"serials must be at least 1, not {k}: leave it out to read all of them")
    return tuple(ordered[i * len(ordered) // k] for i in range(k))
