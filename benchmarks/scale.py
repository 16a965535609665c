"""Throughput per core of whole runs: local with one and two workers, Spark, and cc-pyspark's own approach.

    python benchmarks/scale.py [--captures 1040000] [--rounds 3] [--cc-pyspark FOLDER] [--cc-packages FOLDER]

One archive, two cores, one session. Arms take turns, a ratio is the median of the ratios within rounds. Ours
run `capture` (verify every record, store every new body, Parquet, receipts) and `declare` (the strict dialect
for the whole registry and every other agent that a file names; other signals) into an empty folder.
cc-pyspark runs as it is, on some of the files, with the job of `robots_job.py`: *facts*, what a capture
is; *levels*, which asks Protego besides whether each agent of the registry may fetch the root; and *census*,
the equivalent of ours: it verifies digests too, keeps every distinct body once and asks for the agents that a
file names. What still differs, in its favour: it looks for no markers or signals, asks nothing of answers
without status 2xx, and gets a yes or no for an agent where ours say none, some or all, and by which group.
Both write Parquet. That rows are shuffled by key is cc-pyspark's way, that equal bodies are read once is
ours. No start of a session is counted, nor that of its executors' Python, but both are stated.
"""

import argparse
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from cost_model import CAPTURED, KNOWN
from figures import describe_cpu
from scale_archive import Archive, find_archive, make_archive
from scale_arms import Alone, Arm, ArmFailed, CcPyspark, Later, Ours, run_apart
from scale_figures import cost_tables, rate_table, target_table
from scale_record import Record, Round, Written, count_written, read_record
from spark_cluster import SparkCluster

from consent.agents import read_registry

N_CORES = 2
# cc-pyspark reads every so manieth file: it would take many minutes for all.
CC_STEPS = {"facts": 8, "levels": 16, "census": 16}
ALONE_STEP = 4
ARMS = (
    "alone-1",
    "alone-2",
    "local-1",
    "local-2",
    "spark-2",
    "known-2",
    "cc-facts",
    "cc-levels",
    "cc-census",
    "cc-fast-facts",
    "cc-fast-levels",
    "cc-fast-census",
)
KEPT = Path(__file__).with_name("scale.json")
PAGE = Path(__file__).parents[1] / "docs" / "scale.md"


def lone_arms(archive: Archive, folder: Path) -> Iterator[Arm]:
    """The reading of captures alone, in one process and in two."""
    files = archive.every(ALONE_STEP)
    n_captures = archive.count(files)
    for n, title in ((1, "reading alone, 1 process"), (N_CORES, "reading alone, 2 processes")):
        yield Arm(f"alone-{n}", title, Alone(archive, files, n_captures, folder / f"alone-{n}", n).run)


def own_arms(archive: Archive, folder: Path, master: str | None) -> Iterator[Arm]:
    """Our stages with one worker and two, on Spark, and of a later release."""
    yield Arm("local-1", "local, 1 worker", Ours(archive, folder / "local-1", 1).run)
    yield Arm("local-2", "local, 2 workers", Ours(archive, folder / "local-2", N_CORES).run)
    if master:
        yield Arm(
            "spark-2", "Spark, 2 executors of 1 core", Ours(archive, folder / "spark-2", N_CORES, master).run
        )
    later = Later(archive, folder / "known-2", N_CORES)
    yield Arm("known-2", "local, 2 workers, capture of a later release with the same bodies", later.run)


def their_arms(
    archive: Archive, folder: Path, cluster: SparkCluster, options: argparse.Namespace
) -> Iterator[Arm]:
    """cc-pyspark with warcio, and with FastWARC where its version of it is at hand."""
    agents = folder / "agents.txt"
    agents.write_text("\n".join(agent.agent for agent in read_registry().agents))
    readers = [("cc", "robots_job", "cc-pyspark")]
    if has_fastwarc(options):
        readers.append(("cc-fast", "robots_fastwarc_job", "cc-pyspark with FastWARC"))
    asks = {
        "facts": (),
        "levels": ("--agents", str(agents)),
        "census": ("--agents", str(agents), "--keep"),
    }
    for kind, options_of_job in asks.items():
        files = archive.every(CC_STEPS[kind])
        n_captures = archive.count(files)
        for name, job, title in readers:
            arm = CcPyspark(
                archive,
                files,
                n_captures,
                options.cc_pyspark.resolve(),
                options.cc_packages and options.cc_packages.resolve(),
                folder / f"{name}-{kind}",
                cluster,
                N_CORES,
                job,
                options_of_job,
            )
            yield Arm(f"{name}-{kind}", f"{title}, {kind}", arm.run)


def has_fastwarc(options: argparse.Namespace) -> bool:
    """Whether cc-pyspark's FastWARC classes can be imported: they need an older FastWARC than ours."""
    code = f"import sys; sys.path.insert(0, {str(options.cc_pyspark)!r}); import sparkcc_fastwarc"
    try:
        run_apart([sys.executable, "-c", code], False, options.cc_packages)
    except ArmFailed:
        print(
            "cc-pyspark with FastWARC is left out: install fastwarc==0.15.2 into --cc-packages",
            file=sys.stderr,
        )
        return False
    return True


@dataclass(frozen=True)
class First:
    """Of one run before all rounds: what it wrote, its tasks, and what `Record` needs for the costs."""

    written: dict[str, Written]
    n_tasks: int
    cpu_s: dict[str, float]
    ask_s: float


def run_once(archive: Archive, folder: Path, wants_costs: bool) -> First:
    """It brings the files into memory."""
    first = Ours(archive, folder / "first", N_CORES)
    first.prepare()
    n_tasks, cpu_s, ask_s = first.take("capture,declare")["tasks"]["capture"], {}, 0.0
    if wants_costs:
        cpu_s = {stage: first.take(stage)["cpu_s"] for stage in ("load", "analyse")}
        script = str(Path(__file__).with_name("scale_lookup.py"))
        ask_s = float(run_apart([sys.executable, script, str(first.folder / "study.toml")]))
    return First(count_written([first.folder / "out", first.folder / "store"]), n_tasks, cpu_s, ask_s)


def run_rounds(arms: Sequence[Arm], n_rounds: int) -> list[Round]:
    """Every arm once a round, in turn forwards and backwards: what is compared stays side by side."""
    rounds: list[Round] = []
    for number in range(n_rounds):
        row: Round = {}
        for arm in arms[:: -1 if number % 2 else 1]:
            row[arm.name] = arm.run()
            print(
                f"round {number + 1}/{n_rounds}: {arm.name} {row[arm.name].steady_s:.1f} s", file=sys.stderr
            )
        rounds.append(row)
    return rounds


def measure(archive: Archive, folder: Path, options: argparse.Namespace) -> Record:
    """Everything that the tables need."""
    first = run_once(archive, folder, {CAPTURED, KNOWN} <= set(options.arms))
    with ExitStack() as stack:
        wants_cluster = any(is_wanted(options, name) for name in ("spark", "cc")) and has_spark()
        cluster = stack.enter_context(SparkCluster(folder / "cluster", N_CORES)) if wants_cluster else None
        arms = [*lone_arms(archive, folder), *own_arms(archive, folder, cluster and cluster.master)]
        if cluster and options.cc_pyspark and is_wanted(options, "cc"):
            arms += their_arms(archive, folder, cluster, options)
        arms = [arm for arm in arms if is_wanted(options, arm.name)]
        rounds = run_rounds(arms, options.rounds)
    return Record(
        machine(),
        datetime.now(UTC).date().isoformat(),
        len(archive.files),
        archive.n_captures,
        archive.n_bytes,
        first.n_tasks,
        archive.origin,
        {arm.name: arm.title for arm in arms},
        rounds,
        first.written,
        first.cpu_s,
        first.ask_s,
    )


def is_wanted(options: argparse.Namespace, name: str) -> bool:
    """Whether an arm, or any whose name begins so, is to be run."""
    return any(wanted.startswith(name) for wanted in options.arms)


def has_spark() -> bool:
    """Whether pyspark and Java are here; says so when they are not."""
    if find_spec("pyspark") and shutil.which("java"):
        return True
    print("Spark and cc-pyspark are left out: install pyspark, and Java 17 or newer", file=sys.stderr)
    return False


def machine() -> str:
    """The processor and the versions of what matters."""
    names = [name for name in ("pyspark", "fastwarc", "pyarrow", "protego", "warcio") if find_spec(name)]
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return f"{describe_cpu()}; Python {platform.python_version()}, {versions}"


def take_cores() -> None:
    """This process and all that it starts on two cores: no arm has more than another."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:N_CORES])


def write_page(record: Record) -> None:
    """Put the tables where the page has its marks."""
    text = PAGE.read_text(encoding="utf-8")
    for name, table in (("rates", rate_table), ("targets", target_table), ("costs", cost_tables)):
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        before, _, rest = text.partition(begin)
        text = before + begin + "\n".join(table(record)) + "\n" + end + rest.partition(end)[2]
    PAGE.write_text(text, encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--archive", type=Path, help="a folder in Common Crawl's layout; default one made up")
    parser.add_argument("--captures", type=int, default=1_040_000, help="of the archive that is made up")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--arms",
        nargs="+",
        choices=ARMS,
        default=ARMS,
        metavar="ARM",
        help=f"{', '.join(ARMS)}; default all; the table of costs needs local-2 and known-2",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--cc-pyspark", type=Path, help="a checkout of cc-pyspark; without it its arms are left out"
    )
    parser.add_argument("--cc-packages", type=Path, help="a folder of pip install --target for cc-pyspark")
    parser.add_argument("--work", type=Path, help="keep archive and output there; default removed at the end")
    parser.add_argument(
        "--publish", action="store_true", help="write scale.json and the tables of docs/scale.md"
    )
    parser.add_argument("--model", type=Path, help="print the tables of a record, and measure nothing")
    return parser.parse_args()


def main() -> None:
    """Build, measure, print."""
    options = parse_arguments()
    if options.model:
        record = read_record(options.model)
    else:
        take_cores()
        with ExitStack() as stack:
            scratch = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scale-")))
            made = find_archive(options.archive) if options.archive else None
            archive = made or make_archive(scratch, options.captures, options.seed)
            record = measure(archive, scratch.resolve() / "run", options)
    for table in (rate_table, target_table, cost_tables):
        print("\n".join(table(record)), end="\n\n")
    if options.publish:
        record.write(KEPT)
        write_page(record)


if __name__ == "__main__":
    main()
