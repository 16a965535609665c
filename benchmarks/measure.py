"""Arms and rounds: each arm once per round, in turning order, every capture accounted for."""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import baselines
import pyarrow as pa
from workload import Workload

Round = dict[str, float]
"""Microseconds per capture by arm."""


@dataclass(frozen=True)
class Arm:
    """One thing measured: called with the files of a round, it says how many captures it saw.

    `prepare` runs before each measurement, not timed; `n_files` limits a slow arm to some files a round.
    """

    name: str
    title: str
    run: Callable[[Sequence[Path]], int]
    n_files: int | None = None
    prepare: Callable[[], None] = lambda: None
    clock: Callable[[], float] = time.process_time


def file_by_file(count: Callable[[Path], int]) -> Callable[[Sequence[Path]], int]:
    """An arm that takes its files one after the other."""
    return lambda files: sum(map(count, files))


def measure(arms: Sequence[Arm], workload: Workload, n_rounds: int) -> list[Round]:
    """Every arm once per round, each round beginning with the next arm. ValueError when an arm miscounts."""
    expected = {path: baselines.iterate_fastwarc(path) for path in workload.files}
    rounds: list[Round] = []
    for number in range(n_rounds):
        turn = number % len(arms)
        row = {
            arm.name: _time(arm, _files(arm, workload, number), expected)
            for arm in (*arms[turn:], *arms[:turn])
        }
        rounds.append(row)
        print(
            f"round {number + 1}/{n_rounds}: " + " ".join(f"{name} {us:.1f}" for name, us in row.items()),
            file=sys.stderr,
        )
    return rounds


def _files(arm: Arm, workload: Workload, number: int) -> Sequence[Path]:
    """All files, or for a slow arm those whose turn it is in this round."""
    files = workload.files
    if arm.n_files is None:
        return files
    start = number * arm.n_files
    return [files[i % len(files)] for i in range(start, start + min(arm.n_files, len(files)))]


def _time(arm: Arm, files: Sequence[Path], expected: dict[Path, int]) -> float:
    """Microseconds per capture."""
    arm.prepare()
    started = arm.clock()
    n_captures = arm.run(files)
    elapsed = arm.clock() - started
    if n_captures != sum(expected[path] for path in files):
        raise ValueError(f"{arm.name} saw {n_captures} captures of {sum(expected[path] for path in files)}")
    return elapsed / n_captures * 1e6


def pin_to_one_core() -> None:
    """One core for this process and one thread for Arrow, where the platform lets us."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
