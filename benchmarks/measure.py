"""Arms and rounds: each arm once per round, in turning order, every capture accounted for."""

import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import baselines
import pyarrow as pa
from workload import Workload

Round = dict[str, float]
"""Microseconds per capture by arm."""


class Sample(NamedTuple):
    """What one measurement of an arm gave."""

    n_captures: int
    seconds: float


@dataclass(frozen=True)
class Arm:
    """One thing measured, over the files of a workload, or over `n_files` of them a round where it is slow.

    `workload` is given when it is not the one that the other arms share.
    """

    name: str
    title: str
    run: Callable[[Sequence[Path]], Sample]
    n_files: int | None = None
    workload: Workload | None = None


def timed(count: Callable[[Path], int]) -> Callable[[Sequence[Path]], Sample]:
    """An arm's `run` that takes its files one after the other, in CPU seconds of this process."""

    def run(files: Sequence[Path]) -> Sample:
        started = time.process_time()
        n_captures = sum(map(count, files))
        return Sample(n_captures, time.process_time() - started)

    return run


def measure(arms: Sequence[Arm], workload: Workload, n_rounds: int) -> list[Round]:
    """Every arm once per round, each round beginning with the next arm. ValueError when an arm miscounts."""
    expected = Counter[Path]()
    for files in {(arm.workload or workload).files for arm in arms}:
        expected.update({path: baselines.iterate_fastwarc(path) for path in files})
    rounds: list[Round] = []
    for number in range(n_rounds):
        turn = number % len(arms)
        ordered = (*arms[turn:], *arms[:turn])
        rounds.append({arm.name: _time(arm, _files(arm, workload, number), expected) for arm in ordered})
        figures = " ".join(f"{name} {us:.1f}" for name, us in rounds[-1].items())
        print(f"round {number + 1}/{n_rounds}: {figures}", file=sys.stderr)
    return rounds


def _files(arm: Arm, workload: Workload, number: int) -> Sequence[Path]:
    """All files, or for a slow arm those whose turn it is in this round."""
    files = (arm.workload or workload).files
    if arm.n_files is None:
        return files
    start = number * arm.n_files
    return [files[i % len(files)] for i in range(start, start + min(arm.n_files, len(files)))]


def _time(arm: Arm, files: Sequence[Path], expected: Counter[Path]) -> float:
    """Microseconds per capture."""
    n_captures, seconds = arm.run(files)
    if n_captures != sum(expected[path] for path in files):
        raise ValueError(f"{arm.name} saw {n_captures} captures of {sum(expected[path] for path in files)}")
    return seconds / n_captures * 1e6


def use_all_cores() -> None:
    """Undo what a pinned parent process has left to this one."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))


def pin_to_one_core() -> None:
    """One core for this process and one thread for Arrow, where the platform lets us."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
