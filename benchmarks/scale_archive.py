"""The archive that all arms read: one that is there, or one made up in the form of a real release."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import baselines
from workload import Shape, build

# As many files of one serial as make a task of some seconds, and as many tasks as keep two workers even.
SHAPE = Shape(n_segments=25, n_serials=32, n_own_bodies=28_000)
LATER = "CC-MAIN-2099-05"
CAPTURES_PER_FILE = 1_300  # a release of 2019 to 2025 has 1,000 to 1,800


@dataclass(frozen=True)
class Archive:
    """A folder in Common Crawl's layout, and the WARC files of its robotstxt subsets."""

    root: Path
    files: tuple[str, ...]
    origin: str

    @cached_property
    def n_bytes(self) -> int:
        """Bytes of all files."""
        return sum((self.root / name).stat().st_size for name in self.files)

    @cached_property
    def n_captures(self) -> int:
        """Response records of all files."""
        return self.count(self.files)

    def count(self, files: Sequence[str]) -> int:
        """Response records of some files."""
        return sum(baselines.iterate_fastwarc(self.root / name) for name in files)

    def every(self, step: int) -> tuple[str, ...]:
        """Every so manieth file."""
        return self.files[::step]


def find_archive(folder: Path) -> Archive:
    """The archive in a folder; ValueError when it has no list of robots.txt files."""
    lists = sorted((folder / "crawl-data").glob("*/robotstxt.paths.gz"))
    if not lists:
        raise ValueError(
            f"{folder} has no crawl-data/*/robotstxt.paths.gz: give a folder in Common Crawl's layout"
        )
    files = [name for path in lists for name in gzip.decompress(path.read_bytes()).decode().split()]
    return Archive(folder.resolve(), tuple(files), "as given")


def add_release(archive: Archive, root: Path) -> tuple[str, ...]:
    """An archive at `root` with the releases of another, and one more of all their files; returns their ids.

    The later release has what those before it have, and the same names of files: nothing is copied.
    """
    (root / "crawl-data").mkdir(parents=True)
    listed = json.loads((archive.root / "collinfo.json").read_text())
    for folder in (archive.root / "crawl-data").iterdir():
        (root / "crawl-data" / folder.name).symlink_to(folder)
    (root / "collinfo.json").write_text(json.dumps([*listed, {"id": LATER}]))
    (root / "crawl-data" / LATER).mkdir()
    paths = "".join(f"{name}\n" for name in archive.files)
    (root / "crawl-data" / LATER / "robotstxt.paths.gz").write_bytes(gzip.compress(paths.encode()))
    return tuple(str(entry["id"]) for entry in listed)


def make_archive(work: Path, n_captures: int, seed: int) -> Archive:
    """An archive of about so many captures below `work`, in files of the usual size."""
    n_serials = max(2, min(SHAPE.n_serials, n_captures // (CAPTURES_PER_FILE * SHAPE.n_segments)))
    workload = build(work, n_captures, seed, SHAPE._replace(n_serials=n_serials))
    return Archive(workload.root, find_archive(workload.root).files, workload.origin)
