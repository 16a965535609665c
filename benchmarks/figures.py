"""What is made of the rounds: the table of arms, ratios, and targets met or missed."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from measure import Arm, Round
from workload import Workload


@dataclass(frozen=True)
class Target:
    """A bound on the ratio of two arms: at least so many times as fast, or at most so many times as slow."""

    arm: str
    against: str
    bound: float
    is_speedup: bool

    def ratios(self, rounds: Sequence[Round]) -> list[float]:
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


def median_ratio(rounds: Sequence[Round], arm: str, against: str) -> float | None:
    """The median over rounds of one arm's time by another's; None when one of them was not run."""
    if not rounds or not {arm, against} <= rounds[0].keys():
        return None
    return statistics.median(row[arm] / row[against] for row in rounds)


def print_report(arms: Sequence[Arm], workload: Workload, rounds: Sequence[Round]) -> None:
    """The table of arms, the targets met or missed, and what it was measured on."""
    print(
        f"\n{workload.n_captures:,} captures in {len(workload.files)} files, "
        f"{workload.n_bytes / workload.n_captures / 1000:.2f} kB per capture; "
        f"{workload.n_text:,} text bodies of {workload.n_digests:,} digests: {workload.origin}"
    )
    print(f"{describe_cpu()}; {_versions()}; {len(rounds)} rounds\n")
    print(f"| {'arm':<36} | µs per capture (min–max) | × FastWARC | × naive |\n|{'-' * 38}|---|---|---|")
    for arm in arms:
        values = [row[arm.name] for row in rounds]
        spread = f"{statistics.median(values):.1f} ({min(values):.1f}–{max(values):.1f})"
        slower, faster = median_ratio(rounds, arm.name, "fastwarc"), median_ratio(rounds, "naive", arm.name)
        print(f"| {arm.title:<36} | {spread} | {_ratio(slower)} | {_ratio(faster)} |")
    print()
    for target in TARGETS:
        if rounds and {target.arm, target.against} <= rounds[0].keys():
            ratios = target.ratios(rounds)
            middle = statistics.median(ratios)
            verdict = "met" if target.is_met(middle) else "MISSED"
            print(f"{verdict:>6}  {target}: {middle:.2f} ({min(ratios):.2f}–{max(ratios):.2f})")


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def describe_cpu() -> str:
    """The processor, its cores and how busy they are."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{name}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def _versions() -> str:
    names = ["fastwarc", "warcio", "protego", "pyarrow", *(["isal"] if find_spec("isal") else [])]
    return ", ".join([f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in names)])
