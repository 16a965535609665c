"""The snapshots that an archive has (`collinfo.json`) and their lists of WARC files."""

import gzip
import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches

from snapshots.archive import Archive, FileDamaged
from snapshots.eras import FIRST_ROBOTSTXT_SNAPSHOT, notes_of

# Ids before 2013 have another form; they are older than the first robotstxt subset anyway.
_ID = re.compile(r"CC-MAIN-\d{4}-\d{2}")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One Common Crawl release; times are UTC and None where the archive does not state them.

    `notes` says what a reader of the series must know about it.
    """

    snapshot: str
    starts_at: datetime | None
    ends_at: datetime | None
    notes: str


def _parse_time(value: object) -> datetime | None:
    """A time of collinfo.json (`2025-08-02T22:00:00`, also with zone or date only) in UTC; else None."""
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def list_crawls(archive: Archive) -> tuple[Snapshot, ...]:
    """Every snapshot of the archive that has a robotstxt subset, oldest first.

    Entries without it (all before CC-MAIN-2016-36) are left out. FileDamaged if the list is no list.
    """
    try:
        entries = json.loads(archive.read("collinfo.json"))
    except ValueError as error:
        raise FileDamaged(f"collinfo.json: not JSON ({error})") from error
    if not isinstance(entries, list):
        raise FileDamaged("collinfo.json: not a list of crawls")
    found = {
        entry["id"]: Snapshot(
            entry["id"], _parse_time(entry.get("from")), _parse_time(entry.get("to")), notes_of(entry["id"])
        )
        for entry in entries
        if isinstance(entry, dict) and _has_robotstxt(entry.get("id"))
    }
    return tuple(found[name] for name in sorted(found))


def _has_robotstxt(name: object) -> bool:
    return isinstance(name, str) and bool(_ID.fullmatch(name)) and name >= FIRST_ROBOTSTXT_SNAPSHOT


def select_crawls(
    crawls: Sequence[Snapshot], wanted: str | Sequence[str] | tuple[str | None, str | None]
) -> tuple[Snapshot, ...]:
    """The wanted snapshots, oldest first.

    `wanted` is "all", a list of ids, or a tuple (from, to), both inclusive, None for an open end.
    The ends of a range need not exist, but must be ids. ValueError names an id that is unknown and the
    nearest known ones.
    """
    if wanted == "all":
        return tuple(crawls)
    if isinstance(wanted, str):
        wanted = [wanted]
    if isinstance(wanted, tuple):
        return _select_range(crawls, wanted)
    known = {crawl.snapshot: crawl for crawl in crawls}
    for name in wanted:
        if name not in known:
            raise ValueError(_unknown(str(name), list(known)))
    return tuple(known[name] for name in sorted(set(map(str, wanted))))


def _select_range(crawls: Sequence[Snapshot], ends: tuple[str | None, ...]) -> tuple[Snapshot, ...]:
    if len(ends) != 2:
        raise ValueError(f"a range of snapshots is (from, to), not {ends!r}")
    known = [crawl.snapshot for crawl in crawls]
    for end in ends:
        if end is not None and not _ID.fullmatch(end):
            raise ValueError(_unknown(end, known))
    first, last = ends
    chosen = [c for c in crawls if (first or "") <= c.snapshot and (last is None or c.snapshot <= last)]
    if not chosen:
        raise ValueError(f"no snapshot from {first or 'the first'} to {last or 'the last'}")
    return tuple(chosen)


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"near: {', '.join(near)}" if near else "an id is like CC-MAIN-2025-33"
    return f"unknown snapshot {name}; {hint}"


def read_path_list(archive: Archive, path: str) -> tuple[str, ...]:
    """The lines of a gzipped path list, in its order; FileDamaged when it does not inflate whole."""
    try:
        text = gzip.decompress(archive.read(path)).decode("utf-8")
    except (EOFError, OSError, zlib.error, UnicodeDecodeError) as error:
        raise FileDamaged(f"{path}: not a gzipped path list ({error})") from error
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def list_robotstxt_files(archive: Archive, snapshot: str) -> tuple[str, ...]:
    """The paths of a snapshot's robotstxt WARC files, in the archive's order."""
    return read_path_list(archive, f"crawl-data/{snapshot}/robotstxt.paths.gz")
