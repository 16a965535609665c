"""Tasks and receipts: a task is a pure function of its inputs, a receipt is the proof that it was done."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from pipeline.layout import Layout, write_text_atomic
from pipeline.parts import Output


class ReceiptError(ValueError):
    """A stored receipt is damaged; the text names the file and the way on."""


class Stage(StrEnum):
    """The stages in the order in which they run.

    `footers` belongs to `discover` and `urls`; `lookup`, `fetch` and `store` belong to `capture`, `url_files`
    to `urls`.
    """

    DISCOVER = "discover"
    FOOTERS = "footers"
    CAPTURE = "capture"
    LOOKUP = "lookup"
    FETCH = "fetch"
    STORE = "store"
    URL_FILES = "url_files"
    URLS = "urls"
    DECLARE = "declare"
    PROBE = "probe"
    LOAD = "load"
    ANALYSE = "analyse"
    PUBLISH = "publish"
    REPORT = "report"


class State(StrEnum):
    """How a task ended: everything read, something missing (tried again by the next run), or an error."""

    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Task:
    """One unit of work. Its identity is what it reads and the versions of the rules that it applies."""

    stage: Stage
    label: str
    partition: str
    inputs: tuple[str, ...]
    versions: tuple[str, ...]
    arguments: tuple[str, ...] = ()

    @property
    def task_id(self) -> str:
        """16 hex digits: equal for equal work, whatever the label."""
        text = json.dumps([self.stage, self.partition, self.inputs, self.versions, self.arguments])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class SkipCount:
    """What a task lost or passed over for one reason."""

    snapshot: str
    stage: str
    reason: str
    n_records: int
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a task did. Stored as JSON; `outputs` are the only parts that a reader may trust.

    `staged` are bodies on their way into the store, gone once they are in; `missing` are inputs
    that the archive did not have; `error` is empty unless the task failed.
    """

    task_id: str
    stage: Stage
    label: str
    partition: str
    state: State
    outputs: tuple[Output, ...] = ()
    skips: tuple[SkipCount, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    staged: tuple[Output, ...] = ()
    missing: tuple[str, ...] = ()
    error: str = ""
    elapsed_s: float = 0.0
    peak_memory_mib: float = 0.0

    @property
    def n_rows(self) -> int:
        return sum(output.n_rows for output in self.outputs)


def write_receipt(layout: Layout, receipt: Receipt) -> None:
    """Store a receipt, after everything that it vouches for has been published."""
    path = layout.receipts_of(receipt.stage) / f"{receipt.task_id}.json"
    write_text_atomic(path, json.dumps(asdict(receipt), indent=1, sort_keys=True) + "\n")


def read_receipt(layout: Layout, task: Task) -> Receipt | None:
    """The receipt of a task; None when it has none or a part that it vouches for is gone."""
    path = layout.receipts_of(task.stage) / f"{task.task_id}.json"
    if not path.is_file():
        return None
    receipt = parse_receipt(path)
    return receipt if all(is_whole(layout, output) for output in receipt.outputs) else None


def forget_receipt(layout: Layout, task: Task) -> None:
    """Have a task run again, whatever it has done."""
    (layout.receipts_of(task.stage) / f"{task.task_id}.json").unlink(missing_ok=True)


def is_whole(layout: Layout, output: Output) -> bool:
    """Whether a part is there with as many bytes as its receipt states."""
    path = layout.file(output.path)
    return path.is_file() and path.stat().st_size == output.n_bytes


def list_receipts(layout: Layout, stage: Stage) -> list[Path]:
    """The stored receipts of a stage, sorted by name; none that another process is just writing."""
    return sorted(layout.receipts_of(stage).glob("[!.]*.json"))


def parse_receipt(path: Path) -> Receipt:
    """A stored receipt; ReceiptError names the file when it is none."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        stored["outputs"] = tuple(Output(**output) for output in stored["outputs"])
        stored["skips"] = tuple(SkipCount(**skip) for skip in stored["skips"])
        stored["staged"] = tuple(Output(**output) for output in stored["staged"])
        stored["missing"] = tuple(stored["missing"])
        stored["stage"], stored["state"] = Stage(stored["stage"]), State(stored["state"])
        return Receipt(**stored)
    except (ValueError, KeyError, TypeError) as error:
        raise ReceiptError(f"{path} is not a receipt ({error}); delete it and run again") from error
