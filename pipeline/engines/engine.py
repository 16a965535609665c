"""What a study asks of an engine: run these tasks somewhere, and hand back a receipt for each."""

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self

from pipeline.context import Context
from pipeline.tasks import Receipt, Task


class EngineError(RuntimeError):
    """An engine cannot be used as the study file has it; the text names the key or package and the fix."""


class EngineLostError(RuntimeError):
    """An engine has ended in the middle of a run. What is done stays; the next run goes on from there."""


class Engine(Protocol):
    """Runs tasks while its block lasts. What it needs is started when the first task comes."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def run_tasks(self, context: Context, tasks: Sequence[Task]) -> Iterator[Receipt]:
        """One receipt for each task, as they end; nothing for no tasks. A failed task has one too."""
        ...
