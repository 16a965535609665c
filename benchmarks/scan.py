"""How fast robots.txt is read from WARC: our stages beside the floor, FastWARC and the naive way, in one run.

    python benchmarks/scan.py [--captures 50000] [--rounds 5] [--arms fastwarc,cold] [--profile]

Single core: the process is pinned, Arrow has one thread. Rounds are interleaved (each arm once a round, in
turning order), a ratio is the median of the ratios within rounds. Times are CPU seconds of the process, as
other work on the machine disturbs them least; two workers are timed by the clock on the wall.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import baselines
import pyarrow as pa
from workload import Workload, build

SUBSAMPLE = 2  # files a round for the slow arms: 2,500 captures, 2.5 s


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


@dataclass(frozen=True)
class Target:
    """A bound on the ratio of two arms: at least so many times as fast, or at most so many times as slow."""

    arm: str
    against: str
    bound: float
    is_speedup: bool

    def ratios(self, rounds: Sequence[dict[str, float]]) -> list[float]:
        """The ratio of each round."""
        pairs = [(row[self.arm], row[self.against]) for row in rounds]
        return [theirs / ours if self.is_speedup else ours / theirs for ours, theirs in pairs]

    def is_met(self, ratio: float) -> bool:
        """Whether a ratio satisfies the bound."""
        return ratio >= self.bound if self.is_speedup else ratio <= self.bound

    def __str__(self) -> str:
        return f"{self.arm} {'≥' if self.is_speedup else '≤'} {self.bound:g} × {self.against}"


TARGETS = (
    Target("cold", "naive", 15, True),
    Target("known", "naive", 25, True),
    Target("cold", "fastwarc", 2.5, False),
    Target("known", "fastwarc", 1.4, False),
    Target("two-workers", "one-worker", 1.7, True),
)


@dataclass
class Results:
    """Microseconds per capture by arm, one dictionary a round."""

    rounds: list[dict[str, float]] = field(default_factory=list)

    def column(self, name: str) -> list[float]:
        """One arm's figures, a round each."""
        return [row[name] for row in self.rounds]

    def ratio(self, name: str, against: str) -> float | None:
        """The median over rounds of one arm's time by another's; None when one of them was not run."""
        if not self.rounds or not {name, against} <= self.rounds[0].keys():
            return None
        return statistics.median(row[name] / row[against] for row in self.rounds)


def file_by_file(count: Callable[[Path], int]) -> Callable[[Sequence[Path]], int]:
    """An arm that takes its files one after the other."""
    return lambda files: sum(map(count, files))


def baseline_arms() -> list[Arm]:
    """The arms that need nothing of the project but its list of agents."""
    arms = [
        Arm("zlib", "inflate only, zlib", file_by_file(baselines.inflate)),
        Arm("isal", "inflate only, ISA-L", file_by_file(baselines.inflate_isal)),
        Arm("fastwarc", "FastWARC, iterate responses", file_by_file(baselines.iterate_fastwarc)),
        Arm("fastwarc-http", "FastWARC, HTTP headers parsed", file_by_file(baselines.iterate_fastwarc_http)),
        Arm("fastwarc-sha1", "FastWARC, headers + block + SHA-1", file_by_file(baselines.read_fastwarc)),
        Arm("naive", "warcio + Protego × 60 agents", file_by_file(baselines.naive_protego), SUBSAMPLE),
        Arm("naive-200", "the same, status 200 only", file_by_file(baselines.naive_protego_200), SUBSAMPLE),
        Arm("urllib", "warcio + urllib.robotparser × 60", file_by_file(baselines.naive_urllib), SUBSAMPLE),
    ]
    return [arm for arm in arms if arm.name != "isal" or _has_isal()]


def _has_isal() -> bool:
    try:
        import isal  # noqa: F401
    except ImportError:
        return False
    return True


def measure(arms: Sequence[Arm], workload: Workload, n_rounds: int) -> Results:
    """Every arm once per round, each round beginning with the next arm. ValueError when an arm miscounts."""
    expected = {path: baselines.iterate_fastwarc(path) for path in workload.files}
    results = Results()
    for number in range(n_rounds):
        turn = number % len(arms)
        row = {
            arm.name: _time(arm, _files(arm, workload, number), expected)
            for arm in (*arms[turn:], *arms[:turn])
        }
        results.rounds.append(row)
        print(
            f"round {number + 1}/{n_rounds}: " + " ".join(f"{name} {us:.1f}" for name, us in row.items()),
            file=sys.stderr,
        )
    return results


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


def print_report(arms: Sequence[Arm], workload: Workload, results: Results) -> None:
    """The table of arms, the targets met or missed, and what it was measured on."""
    print(
        f"\n{workload.n_captures:,} captures in {len(workload.files)} files, "
        f"{workload.n_bytes / workload.n_captures / 1000:.2f} kB per capture; "
        f"{workload.n_text:,} text bodies of {workload.n_digests:,} digests: {workload.origin}"
    )
    print(f"{_cpu()}; {_versions()}; {len(results.rounds)} rounds\n")
    print(f"| {'arm':<36} | µs per capture (min–max) | × FastWARC | × naive |\n|{'-' * 38}|---|---|---|")
    for arm in arms:
        values = results.column(arm.name)
        spread = f"{statistics.median(values):.1f} ({min(values):.1f}–{max(values):.1f})"
        slower, faster = results.ratio(arm.name, "fastwarc"), results.ratio("naive", arm.name)
        print(f"| {arm.title:<36} | {spread} | {_ratio(slower)} | {_ratio(faster)} |")
    print()
    for target in TARGETS:
        if results.rounds and {target.arm, target.against} <= results.rounds[0].keys():
            ratios = target.ratios(results.rounds)
            middle = statistics.median(ratios)
            verdict = "met" if target.is_met(middle) else "MISSED"
            print(f"{verdict:>6}  {target}: {middle:.2f} ({min(ratios):.2f}–{max(ratios):.2f})")


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def _versions() -> str:
    names = ("fastwarc", "warcio", "protego", "isal", "pyarrow")
    return ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in names)])


def choose(arms: Sequence[Arm], wanted: str | None) -> list[Arm]:
    """The arms of a comma-separated list, all without one; exits naming the choices when one is unknown."""
    by_name = {arm.name: arm for arm in arms}
    names = wanted.split(",") if wanted else list(by_name)
    unknown = [name for name in names if name not in by_name]
    if unknown:
        sys.exit(f"unknown arm {', '.join(unknown)}: choose from {', '.join(by_name)}")
    return [by_name[name] for name in names]


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--captures", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--arms", help="comma-separated names; default all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--work", type=Path, help="where the workload is kept; default the system's folder for such things"
    )
    return parser.parse_args()


def main() -> None:
    """Build, measure, print."""
    arguments = parse_arguments()
    work = arguments.work or Path(tempfile.gettempdir()) / "crawlcensus-benchmark"
    workload = build(work, arguments.captures, arguments.seed)
    arms = choose(baseline_arms(), arguments.arms)
    pin_to_one_core()
    print_report(arms, workload, measure(arms, workload, arguments.rounds))


if __name__ == "__main__":
    main()
