"""How fast robots.txt is read from WARC: our stages beside the floor, FastWARC and the naive way, in one run.

    python benchmarks/scan.py [--captures 50000] [--rounds 5] [--arms fastwarc,cold] [--profile]

Single core: the process is pinned, Arrow has one thread. Rounds are interleaved (each arm once a round, in
turning order), a ratio is the median of the ratios within rounds. Times are CPU seconds of the process, as
other work on the machine disturbs them least; two workers are timed by the clock on the wall.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import baselines
from figures import print_report
from measure import Arm, measure, pin_to_one_core, timed
from ours import STRICT, Census
from workload import Workload, build

from consent.dialects import DIALECTS

SUBSAMPLE = 2  # files a round for the slow arms: 2,500 captures, a second or two
WORKER_ARMS = frozenset({"one-worker", "two-workers"})
WORKERS_SCALE = 4  # two workers are compared on a larger workload: a real one dwarfs the start of a process


def baseline_arms() -> Iterator[Arm]:
    """The arms that need nothing of the project but its list of agents."""
    yield Arm("zlib", "inflate only, zlib", timed(baselines.inflate))
    if baselines.has_isal():
        yield Arm("isal", "inflate only, ISA-L", timed(baselines.inflate_isal))
    yield Arm("fastwarc", "FastWARC, iterate responses", timed(baselines.iterate_fastwarc))
    yield Arm("fastwarc-http", "FastWARC, HTTP headers parsed", timed(baselines.iterate_fastwarc_http))
    yield Arm("fastwarc-sha1", "FastWARC, headers + block + SHA-1", timed(baselines.read_fastwarc))
    yield Arm("naive", "warcio + Protego × 60 agents", timed(baselines.naive_protego), SUBSAMPLE)
    yield Arm("naive-200", "the same, status 200 only", timed(baselines.naive_protego_200), SUBSAMPLE)
    yield Arm("urllib", "warcio + urllib.robotparser × 60", timed(baselines.naive_urllib), SUBSAMPLE)


def own_arms(workload: Workload, folder: Path) -> Iterator[Arm]:
    """The project's stages: with an empty store, with every digest known, and under every dialect."""
    every = tuple(dialect.name for dialect in DIALECTS)
    yield Arm("cold", "capture + declare, empty store", Census(workload, folder / "cold").run_cold)
    yield Arm("known", "capture + declare, digests known", Census(workload, folder / "known").run_known)
    full = Census(workload, folder / "full", every)
    yield Arm("all-dialects", f"as cold, all {len(every)} dialects", full.run_cold)


def worker_arms(workload: Workload, folder: Path) -> Iterator[Arm]:
    """One worker and two on a larger workload."""
    one, two = Census(workload, folder / "one"), Census(workload, folder / "two", STRICT, 2)
    yield Arm("one-worker", "cold, 4 × the files, 1 worker, wall", one.run_by_clock, None, workload)
    yield Arm("two-workers", "cold, 4 × the files, 2 workers, wall", two.run_by_clock, None, workload)


def print_profiles(workload: Workload, folder: Path) -> None:
    """Where the time of a cold run and of one with known digests goes, by function of the project."""
    census = Census(workload, folder / "profiled")
    for is_known in (False, True):
        profile = census.profile(workload.files, is_known)
        state = "digests known" if is_known else "empty store"
        print(f"\nProfile, {state}: CPU time by function of the project\n")
        rows = profile.lines(workload.n_captures)
        print("\n".join(["| µs per capture | share | function |", "|---|---|---|", *rows]))


def choose(arms: Sequence[Arm], wanted: Sequence[str]) -> list[Arm]:
    """The arms with the wanted names, all without any; exits naming the choices when one is unknown."""
    by_name = {arm.name: arm for arm in arms}
    unknown = [name for name in wanted if name not in by_name]
    if unknown:
        sys.exit(f"unknown arm {', '.join(unknown)}: choose from {', '.join(by_name)}")
    return [by_name[name] for name in wanted or by_name]


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
    parser.add_argument(
        "--profile", action="store_true", help="then say where the time of cold and known goes"
    )
    return parser.parse_args()


def main() -> None:
    """Build, measure, print."""
    arguments = parse_arguments()
    work = arguments.work or Path(tempfile.gettempdir()) / "crawlcensus-benchmark"
    wanted = arguments.arms.split(",") if arguments.arms else []
    workload = large = build(work, arguments.captures, arguments.seed)
    if not wanted or WORKER_ARMS.intersection(wanted):
        large = build(work, arguments.captures * WORKERS_SCALE, arguments.seed)
    with tempfile.TemporaryDirectory(prefix="crawlcensus-benchmark-") as name:
        folder = Path(name)
        arms = choose((*baseline_arms(), *own_arms(workload, folder), *worker_arms(large, folder)), wanted)
        pin_to_one_core()
        print_report(arms, workload, measure(arms, workload, arguments.rounds))
        if arguments.profile:
            print_profiles(workload, folder)


if __name__ == "__main__":
    main()
