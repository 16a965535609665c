"""The fault log of a run: everything that went wrong with its tasks, and how it was overcome.

One JSON object a line, in `faults/<run>.jsonl` below the output folder; an element of a job array writes
`faults/<run>.<slices>-<number>.jsonl` beside it, if it has faults. A run without faults has an empty file,
a run without tasks none. The log explains; what was done is said by the receipts alone.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from pipeline.storage.freshness import refresh
from pipeline.tasks import OUTPUT_RETRIES, Receipt, State, Task

FOLDER = "faults"
ENDING = ".jsonl"


class FaultKind(StrEnum):
    """What went wrong (the first six), or how it was overcome (the others)."""

    TASK_FAILED = "task_failed"
    TASK_PARTIAL = "task_partial"
    WORKER_DIED = "worker_died"
    EXECUTOR_LOST = "executor_lost"
    JOB_GIVEN_UP = "job_given_up"
    ELEMENT_WITHOUT_RECEIPT = "element_without_receipt"
    ATTEMPT_REPEATED = "attempt_repeated"
    RECEIPT_FOUND = "receipt_found"
    OUTPUT_RETRIED = "output_retried"


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the log. `stage`, `task_id` and `label` are "" for what befell no single task."""

    at: str
    engine: str
    stage: str
    task_id: str
    label: str
    kind: FaultKind
    detail: str


class FaultLog:
    """Appends to the log of one run, from one process; without a path nothing is kept.

    `is_element`: this is an element of a job array, whose run says itself that it has begun.
    """

    def __init__(self, path: Path | None = None, engine: str = "local", is_element: bool = False) -> None:
        self._path, self._engine, self._is_element = path, engine, is_element

    def begin(self) -> None:
        """Say that the run has tasks: from now on its log is that of the last run, be it empty."""
        if self._path is not None and not self._is_element:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch()

    def note(self, kind: FaultKind, detail: str, task: Task | Receipt | None = None) -> None:
        """Append one fault, at once; of the detail only the first line."""
        if self._path is None:
            return
        about = (task.stage, task.task_id, task.label) if task else ("", "", "")
        first_line = detail.partition("\n")[0]
        fault = Fault(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", self._engine, *about, kind, first_line)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(fault)) + "\n")

    def note_receipt(self, receipt: Receipt) -> Receipt:
        """Append what a receipt tells of, nothing for a task that was done at once; returns the receipt."""
        if n_retries := receipt.counts.get(OUTPUT_RETRIES):
            self.note(
                FaultKind.OUTPUT_RETRIED, f"{n_retries} requests to the output were sent again", receipt
            )
        if receipt.state is State.FAILED:
            self.note(FaultKind.TASK_FAILED, receipt.error, receipt)
        elif receipt.state is State.PARTIAL:
            self.note(
                FaultKind.TASK_PARTIAL, f"the archive does not have {', '.join(receipt.missing)}", receipt
            )
        return receipt


def log_of(folder: Path, run: str, engine: str, element: str = "") -> FaultLog:
    """The log of a run below its output folder, or that of one element of its job array."""
    name = f"{run}.{element}" if element else run
    return FaultLog(folder / FOLDER / f"{name}{ENDING}", engine, bool(element))


def describe_last_run(folder: Path) -> str:
    """One line on the last run that had tasks; "" when none has had any."""
    refresh(folder / FOLDER)  # other machines write there
    paths = sorted((folder / FOLDER).glob(f"*{ENDING}"))
    if not paths:
        return ""
    # Its name begins with the time at which it began.
    run = paths[-1].name.partition(".")[0]
    faults = [fault for path in paths if path.name.partition(".")[0] == run for fault in iter_faults(path)]
    if not faults:
        return f"faults: none in the last run, {run}"
    kinds = Counter(fault.kind for fault in faults)
    counts = ", ".join(f"{kinds[kind]} {kind}" for kind in FaultKind if kinds[kind])
    return f"faults: {len(faults)} in the last run: {counts}; see {folder / FOLDER / run}{ENDING}"


def iter_faults(path: Path) -> Iterator[Fault]:
    """The faults of one file as they were noted, without a last line that a kill has cut short."""
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            fields = json.loads(line)
            yield Fault(**{**fields, "kind": FaultKind(fields["kind"])})
