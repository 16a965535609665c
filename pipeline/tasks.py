"""Tasks and receipts: a task is a pure function of its inputs, a receipt is the proof that it was done."""

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.parts import Output

# A count of receipts: requests to a bucket that had to be sent again.
OUTPUT_RETRIES = "output_retries"


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
    """One unit of work. Its identity is what it reads and the versions of the rules that it applies.

    `hints` are parts that may spare it work, and change nothing of what becomes of it.
    """

    stage: Stage
    label: str
    partition: str
    inputs: tuple[str, ...]
    versions: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    hints: tuple[str, ...] = field(default=(), compare=False)
    task_id: str = field(init=False, compare=False)
    """16 hex digits: equal for equal work, whatever the label."""

    def __post_init__(self) -> None:
        rest = json.dumps([self.stage, self.partition, len(self.inputs), self.versions, self.arguments])
        # Inputs are paths and digests, of which none holds a NUL.
        text = "\0".join((rest, *self.inputs))
        object.__setattr__(self, "task_id", hashlib.sha256(text.encode()).hexdigest()[:16])


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
