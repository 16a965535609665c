"""What a release more costs to load: added to the warehouse, beside a warehouse built anew of the same parts.

    python benchmarks/loading.py [--hosts 10000] [--months 12]      on an archive that it makes up
    python benchmarks/loading.py --archive FOLDER [--sites SITES.csv]   on a folder laid out as Common Crawl's

Releases come one after another. After each the same parts are loaded in both ways, in turning order, in this
process; reading the archive is not timed. The script refuses databases that differ in their numbers of rows.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from monthly import build

from pipeline.job import Job, list_study_crawls
from pipeline.layout import Layout
from pipeline.run import run_stages
from pipeline.study import Study, read_study
from pipeline.tasks import Stage
from pipeline.warehouse import Source, update_warehouse

STUDY = """
[study]
name = "benchmark"
[archive]
root = {root}
mode = "scan"
{crawls}
{sites}
[engine]
workers = {workers}
[output]
folder = "out"
"""


class Load(NamedTuple):
    """A load: rows of each table, and its seconds on the wall and of the CPU."""

    n_rows: dict[str, int]
    wall_s: float
    cpu_s: float


class Step(NamedTuple):
    """A release more: how many there are now, and both loads."""

    n_releases: int
    added: Load
    anew: Load


def steps(folder: Path, root: Path, sites: Path | None, workers: int, n_releases: int) -> Iterator[Step]:
    """Load the first releases of an archive one after another, each time in both ways."""
    names = [crawl.snapshot for crawl in list_study_crawls(write_study(folder, root, sites, workers))]
    for n in range(1, min(n_releases, len(names)) + 1):
        study = write_study(folder, root, sites, workers, names[:n])
        run_stages(study, (Stage.DISCOVER, Stage.CAPTURE, Stage.DECLARE))
        ways = [add, build_anew]
        loads = {way: way(study) for way in (ways if n % 2 else ways[::-1])}
        if loads[add].n_rows != loads[build_anew].n_rows:
            raise ValueError(f"after {n} releases: {loads[add].n_rows} is not {loads[build_anew].n_rows}")
        yield Step(n, loads[add], loads[build_anew])


def write_study(
    folder: Path, root: Path, sites: Path | None, workers: int, crawls: Sequence[str] | None = None
) -> Study:
    """The study of all hosts, or of those in a list."""
    given = {
        "root": json.dumps(str(root.resolve())),
        "sites": f"[sites]\nfile = {json.dumps(str(sites.resolve()))}" if sites else "",
        "crawls": f"crawls = {json.dumps(crawls)}" if crawls else "",
        "workers": workers,
    }
    (folder / "study.toml").write_text(STUDY.format(**given), encoding="utf-8")
    return read_study(folder / "study.toml")


def add(study: Study) -> Load:
    """Load into the warehouse as it stands."""
    return _load(study)


def build_anew(study: Study) -> Load:
    """Load where there is no warehouse; the one that stands is put back afterwards."""
    warehouse = Layout(study.folder).warehouse
    kept = warehouse.with_suffix(".kept")
    if warehouse.is_file():
        warehouse.rename(kept)
    load = _load(study)
    warehouse.unlink()
    if kept.is_file():
        kept.rename(warehouse)
    return load


def _load(study: Study) -> Load:
    job = Job.open(study)
    started, used = time.perf_counter(), time.process_time()
    n_rows = update_warehouse(Source(study, job.context.layout, job.manifest))
    return Load(n_rows, time.perf_counter() - started, time.process_time() - used)


def print_table(found: Sequence[Step]) -> None:
    """Seconds of both ways for each release, and how many times longer building anew takes."""
    print("\n| releases | captures | bodies | added, s | CPU s | built anew, s | CPU s | anew / added, CPU |")
    print("|---|---|---|---|---|---|---|---|")
    for step in found:
        counts = " | ".join(f"{step.added.n_rows[table]:,}" for table in ("captures", "bodies"))
        print(f"| {step.n_releases} | {counts} | {_figures(step.added, step.anew)} |")
    totals = [_sum([step.added for step in found]), _sum([step.anew for step in found])]
    print(f"| all together | | | {_figures(*totals)} |")


def _figures(added: Load, anew: Load) -> str:
    seconds = [f"{x:.2f}" for x in (added.wall_s, added.cpu_s, anew.wall_s, anew.cpu_s)]
    return f"{' | '.join(seconds)} | {anew.cpu_s / added.cpu_s:.1f}"


def _sum(loads: Sequence[Load]) -> Load:
    return Load({}, sum(load.wall_s for load in loads), sum(load.cpu_s for load in loads))


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hosts", type=int, default=10_000, help="hosts of the made-up archive")
    parser.add_argument("--months", type=int, default=12, help="releases, at most")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--archive", type=Path, help="a folder laid out as data.commoncrawl.org is")
    parser.add_argument("--sites", type=Path, help="a CSV with the column host; default every host captured")
    parser.add_argument(
        "--work", type=Path, help="where the made-up archive is kept; default the system's folder"
    )
    return parser.parse_args()


def main() -> None:
    """Build, measure, print."""
    arguments = parse_arguments()
    work = arguments.work or Path(tempfile.gettempdir()) / "crawlcensus-benchmark"
    # One host in ten of a made-up archive would be studied: here it is all of them.
    root = arguments.archive or build(work, max(1, arguments.hosts // 10), arguments.months).root
    with tempfile.TemporaryDirectory(prefix="crawlcensus-benchmark-") as folder:
        given = (Path(folder), root, arguments.sites, arguments.workers, arguments.months)
        print_table(list(steps(*given)))


if __name__ == "__main__":
    sys.exit(main())
