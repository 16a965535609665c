"""How fast robots.txt is read from WARC: our stages beside the floor, FastWARC and the naive way, in one run.

    python benchmarks/scan.py [--captures 50000] [--rounds 5] [--arms fastwarc,cold] [--profile]

Single core: the process is pinned, Arrow has one thread. Rounds are interleaved (each arm once a round, in
turning order), a ratio is the median of the ratios within rounds. Times are CPU seconds of the process, as
other work on the machine disturbs them least; two workers are timed by the clock on the wall.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import baselines
from figures import print_report
from measure import Arm, file_by_file, measure, pin_to_one_core
from ours import STRICT, Census
from profiler import Profile
from workload import Workload, build

from consent.dialects import DIALECTS

PROFILED = ("cold", "known")
SUBSAMPLE = 2  # files a round for the slow arms: 2,500 captures, a second or two


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


def own_arms(workload: Workload, folder: Path) -> list[Arm]:
    """The project's stages: with an empty store, with every digest known, and by one and two workers."""
    every = tuple(dialect.name for dialect in DIALECTS)
    cold, known = Census(workload, folder / "cold"), Census(workload, folder / "known")
    full = Census(workload, folder / "full", every)
    one, two = Census(workload, folder / "one"), Census(workload, folder / "two", STRICT, 2)
    wall = time.perf_counter
    return [
        Arm("cold", "capture + declare, empty store", cold.run, None, cold.empty),
        Arm("known", "capture + declare, digests known", known.run, None, known.keep_bodies),
        Arm("all-dialects", f"as cold, all {len(every)} dialects", full.run, None, full.empty),
        Arm("one-worker", "as cold, one worker, wall clock", one.run_on_all_cores, None, one.empty, wall),
        Arm("two-workers", "as cold, two workers, wall clock", two.run_on_all_cores, None, two.empty, wall),
    ]


def _has_isal() -> bool:
    try:
        import isal  # noqa: F401
    except ImportError:
        return False
    return True


def print_profile(arm: Arm, workload: Workload) -> None:
    """Where the time of one run of an arm goes, by function of the project."""
    profile = Profile()
    arm.prepare()
    with profile.watch():
        n_captures = arm.run(workload.files)
    print(f"\nProfile of {arm.name}, CPU time by function of the project:\n")
    print("\n".join(["| µs per capture | share | function |", "|---|---|---|", *profile.lines(n_captures)]))


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
    parser.add_argument(
        "--profile", action="store_true", help="then say where the time of cold and known goes"
    )
    return parser.parse_args()


def main() -> None:
    """Build, measure, print."""
    arguments = parse_arguments()
    work = arguments.work or Path(tempfile.gettempdir()) / "crawlcensus-benchmark"
    workload = build(work, arguments.captures, arguments.seed)
    with tempfile.TemporaryDirectory(prefix="crawlcensus-benchmark-") as folder:
        arms = choose(baseline_arms() + own_arms(workload, Path(folder)), arguments.arms)
        pin_to_one_core()
        print_report(arms, workload, measure(arms, workload, arguments.rounds))
        for arm in arms if arguments.profile else ():
            if arm.name in PROFILED:
                print_profile(arm, workload)


if __name__ == "__main__":
    main()
