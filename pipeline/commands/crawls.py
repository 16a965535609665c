"""`crawlcensus crawls`: the releases of an archive, their files, and what a study holds of them."""

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.archive_tables import CAPTURES
from pipeline.commands.errors import UsageError
from pipeline.job import context_of, list_study_crawls
from pipeline.layout import Layout
from pipeline.listing import iter_outputs
from pipeline.manifest import SnapshotFacts, read_manifest
from pipeline.progress import log
from pipeline.receipts import read_receipt
from pipeline.stages import discover
from pipeline.study import Study, read_study
from pipeline.tasks import Stage
from snapshots.access import AccessError, AccessPolicy
from snapshots.archive import Archive, FileMissing, open_archive
from snapshots.crawls import Snapshot, list_crawls, list_robotstxt_files


@dataclass(frozen=True, slots=True)
class Held:
    """What a study holds: facts of the releases it has read, captures by release."""

    releases: Mapping[str, SnapshotFacts]
    n_captures: Mapping[str, int]

    def text(self, snapshot: str) -> str:
        """`8/8 files read (index), 1,234 captures`, or `not read`."""
        facts = self.releases.get(snapshot)
        if facts is None:
            return "not read"
        unit = "index parts" if facts.mode == "index" else "files"
        read = f"{facts.n_files_read}/{facts.n_files_planned} {unit} read"
        return f"{read}, {self.n_captures.get(snapshot, 0):,} captures"


def main(options: argparse.Namespace) -> int:
    """One line a release: id, first and last day, WARC files, what is held of it, notes."""
    source = Path(options.source)
    if source.is_file():
        _print_study(read_study(source))
    elif source.is_dir() or "://" in options.source:
        with _open(options.source, options.contact) as archive:
            for crawl in list_crawls(archive):
                print(_line(crawl, _count_files(archive, crawl.snapshot), Held({}, {})))
    else:
        raise UsageError(
            f"{options.source}: neither a study file, nor a folder, nor an address of an archive"
        )
    return 0


def _print_study(study: Study) -> None:
    crawls, held = list_study_crawls(study), _held(study.layout)
    known = dict(_iter_known(study, crawls))
    if len(known) < len(crawls):
        log(f"reading the file lists of {len(crawls) - len(known)} releases")
    with context_of(study).open_archive() as archive:
        for crawl in crawls:
            n_files = known.get(crawl.snapshot)
            n_files = _count_files(archive, crawl.snapshot) if n_files is None else n_files
            print(_line(crawl, n_files, held))


def _iter_known(study: Study, crawls: tuple[Snapshot, ...]) -> Iterator[tuple[str, int]]:
    """Releases whose file counts `discover` has stored."""
    layout, names = study.layout, [crawl.snapshot for crawl in crawls]
    for with_index in (False, True):
        for task in discover.plan(names, study.serials, with_index):
            receipt = read_receipt(layout, task)
            if receipt is not None and "files" in receipt.counts:
                yield task.label, receipt.counts["files"]


def _held(layout: Layout) -> Held:
    entry = read_manifest(layout).stages.get(Stage.CAPTURE)
    if entry is None:
        return Held({}, {})
    n_captures: Counter[str] = Counter()
    for output in iter_outputs(layout, entry, CAPTURES.name):
        snapshot = output.path.partition("snapshot=")[2].partition("/")[0]
        n_captures[snapshot] += output.n_rows
    return Held({facts.snapshot: facts for facts in entry.snapshots}, n_captures)


def _open(source: str, contact: str) -> Archive:
    try:
        return open_archive(source, AccessPolicy(contact=contact))
    except AccessError as error:
        hint = " Here that is the option --contact." if not contact and "contact: " in str(error) else ""
        raise UsageError(f"{source}: {error}{hint}") from None


def _count_files(archive: Archive, snapshot: str) -> int:
    """WARC files of the robotstxt subset; 0 when the release has no list of them."""
    try:
        return len(list_robotstxt_files(archive, snapshot))
    except FileMissing:
        return 0


def _line(crawl: Snapshot, n_files: int, held: Held) -> str:
    days = " to ".join(f"{day:%Y-%m-%d}" if day else "?" for day in (crawl.starts_at, crawl.ends_at))
    files, text = f"{n_files:,} files", held.text(crawl.snapshot)
    return f"{crawl.snapshot:<16}  {days:<24}  {files:>13}  {text:<38}  {crawl.notes}".rstrip()
