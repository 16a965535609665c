"""A plan cut into slices that other processes take: written once, named by the tasks that are in them."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pipeline.layout import write_text_atomic
from pipeline.manifest import digest_of
from pipeline.tasks import Stage, Task


def name_of(tasks: Sequence[Task]) -> str:
    """16 hex digits: equal for the same tasks in whatever order."""
    return digest_of(sorted(task.task_id for task in tasks))


def write_slices(folder: Path, tasks: Sequence[Task], n_slices: int) -> int:
    """Deal tasks to at most `n_slices` files `00000.json`, … below `folder`; returns how many were written.

    Every n-th task goes to the same slice, so that large and small releases are spread over all.
    """
    n_slices = max(1, min(n_slices, len(tasks)))
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(n_slices):
        text = json.dumps([asdict(task) for task in tasks[number::n_slices]], indent=1)
        write_text_atomic(folder / f"{number:05d}.json", text + "\n")
    return n_slices


def read_slice(folder: Path, number: int) -> tuple[Task, ...]:
    """The tasks of one slice; FileNotFoundError when there is none of the number."""
    stored = json.loads((folder / f"{number:05d}.json").read_text(encoding="utf-8"))
    return tuple(_parse_task(fields) for fields in stored)


def _parse_task(fields: dict[str, object]) -> Task:
    texts = {name: tuple(map(str, fields[name])) for name in ("inputs", "versions", "arguments", "hints")}  # type: ignore[call-overload]
    return Task(Stage(str(fields["stage"])), str(fields["label"]), str(fields["partition"]), **texts)
