"""What a run of `scale.py` has measured, as it is kept: rounds of samples, and what was written once."""

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow.parquet as pq
from scale_arms import Sample

Round = dict[str, Sample]
"""One sample by arm."""


@dataclass(frozen=True)
class Written:
    """Parts, rows and bytes of one table."""

    n_parts: int
    n_rows: int
    n_bytes: int


@dataclass(frozen=True)
class Record:
    """All that the tables of the page are made from.

    `written` is by table, after one run into an empty store; `cpu_s` is what load and analyse took then,
    `ask_s` what that store took to say which digests it has.
    """

    machine: str
    date: str
    n_files: int
    n_captures: int
    n_bytes: int
    n_tasks: int
    origin: str
    titles: dict[str, str]
    rounds: list[Round]
    written: dict[str, Written]
    cpu_s: dict[str, float]
    ask_s: float

    def has(self, *arms: str) -> bool:
        """Whether all these arms were run."""
        return bool(self.rounds) and set(arms) <= self.rounds[0].keys()

    def median(self, arm: str, value: Callable[[Sample], float]) -> float:
        """The median over rounds of something of an arm's samples."""
        return statistics.median(value(row[arm]) for row in self.rounds)

    def write(self, path: Path) -> None:
        """Keep it as JSON; arms stay in their order."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")


def read_record(path: Path) -> Record:
    """What `Record.write` has kept."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    kept["rounds"] = [{name: Sample(**sample) for name, sample in row.items()} for row in kept["rounds"]]
    kept["written"] = {table: Written(**facts) for table, facts in kept["written"].items()}
    return Record(**kept)


def count_written(folders: Sequence[Path]) -> dict[str, Written]:
    """What stands below `tables` of some folders, by table."""
    found: dict[str, list[Path]] = {}
    for folder in folders:
        for path in sorted((folder / "tables").rglob("*.parquet")):
            found.setdefault(path.relative_to(folder / "tables").parts[0], []).append(path)
    return {table: _count(paths) for table, paths in sorted(found.items())}


def _count(paths: Sequence[Path]) -> Written:
    n_rows = sum(pq.read_metadata(path).num_rows for path in paths)
    return Written(len(paths), n_rows, sum(path.stat().st_size for path in paths))
