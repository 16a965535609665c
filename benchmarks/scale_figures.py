"""The tables of `scale.py`: arms, targets and costs, all from one record."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from cost_model import (
    CAPTURED,
    GIB,
    KNOWN,
    LATER_NEW_SHARE,
    N_CRAWLS,
    PRICES,
    Cost,
    Unit,
    add,
    estimate,
    first_crawl,
    later_crawl,
    measure_units,
)
from scale_arms import Sample
from scale_record import Record, Round

Ratio = Callable[[Round], float]


@dataclass(frozen=True)
class Target:
    """A bound on a ratio of arms in one round; without a bound it is only stated."""

    title: str
    arms: tuple[str, ...]
    ratio: Ratio
    bound: float | None = None
    is_least: bool = True

    def line(self, rounds: Sequence[Round]) -> str:
        """A row: the median and the least and greatest of all rounds, and whether the bound is met."""
        values = [self.ratio(row) for row in rounds]
        middle = statistics.median(values)
        verdict = ""
        if self.bound is not None:
            verdict = "met" if (middle >= self.bound) == self.is_least else "missed"
        return f"| {self.title} | {middle:.2f} ({min(values):.2f}–{max(values):.2f}) | {verdict} |"


def stage_s(sample: Sample, *stages: str) -> float:
    """Seconds of some stages."""
    return sum(sample.stages[stage] for stage in stages)


def per_core(sample: Sample, seconds: float | None = None) -> float:
    """Captures per second and core: without the start of a session, unless other seconds are given."""
    return sample.n_captures / (seconds or sample.steady_s) / sample.n_cores


def _efficiency(*stages: str) -> Ratio:
    return lambda row: stage_s(row["local-1"], *stages) / stage_s(row["local-2"], *stages) / 2


def _over_cc(arm: str, theirs: str, *stages: str) -> Ratio:
    return lambda row: per_core(row[arm], stage_s(row[arm], *stages)) / per_core(row[theirs])


BOTH = ("capture", "declare")
STAGES = {
    "capture": "capture",
    "ask": "capture, asking the store what it has",
    "store": "capture, new bodies into the store",
    "declare": "declare",
    "load": "load",
    "analyse": "analyse",
}
TARGETS = (
    Target(
        "two processes' efficiency, reading alone: what the machine gives",
        ("alone-1", "alone-2"),
        lambda row: row["alone-1"].steady_s / row["alone-2"].steady_s / 2,
    ),
    Target("two workers' efficiency, capture ≥ 0.85", ("local-1", "local-2"), _efficiency("capture"), 0.85),
    Target(
        "two workers' efficiency, capture + declare ≥ 0.85", ("local-1", "local-2"), _efficiency(*BOTH), 0.85
    ),
    Target(
        "the same, of what the machine gives",
        ("local-1", "local-2", "alone-1", "alone-2"),
        lambda row: _efficiency(*BOTH)(row) / (row["alone-1"].steady_s / row["alone-2"].steady_s / 2),
    ),
    Target(
        "Spark / two local workers, time without the session's start ≤ 1.10",
        ("spark-2", "local-2"),
        lambda row: row["spark-2"].steady_s / row["local-2"].steady_s,
        1.10,
        False,
    ),
    Target(
        "the same, whole processes",
        ("spark-2", "local-2"),
        lambda row: row["spark-2"].wall_s / row["local-2"].wall_s,
    ),
    Target(
        "capture + declare on Spark / cc-pyspark's census ≥ 10, captures per second and core",
        ("spark-2", "cc-census"),
        _over_cc("spark-2", "cc-census", *BOTH),
        10,
    ),
    Target(
        "capture + declare, 2 local workers / cc-pyspark's census",
        ("local-2", "cc-census"),
        _over_cc("local-2", "cc-census", *BOTH),
    ),
    Target(
        "capture + declare on Spark / cc-pyspark with levels, which keeps and verifies nothing",
        ("spark-2", "cc-levels"),
        _over_cc("spark-2", "cc-levels", *BOTH),
    ),
    Target(
        "capture on Spark / cc-pyspark, facts only, which keeps and verifies nothing",
        ("spark-2", "cc-facts"),
        _over_cc("spark-2", "cc-facts", "capture"),
    ),
    Target(
        "capture of a later release, 2 local workers / cc-pyspark's census",
        ("known-2", "cc-census"),
        _over_cc("known-2", "cc-census", "capture"),
    ),
    Target(
        "capture + declare on Spark / cc-pyspark with FastWARC, census",
        ("spark-2", "cc-fast-census"),
        _over_cc("spark-2", "cc-fast-census", *BOTH),
    ),
    Target(
        "capture on Spark / cc-pyspark with FastWARC, facts only",
        ("spark-2", "cc-fast-facts"),
        _over_cc("spark-2", "cc-fast-facts", "capture"),
    ),
)


def rate_table(record: Record) -> Iterator[str]:
    """What each arm did."""
    yield f"{record.machine}; {record.date}; {len(record.rounds)} rounds."
    yield (
        f"{record.n_captures:,} captures in {record.n_files:,} files, {record.n_tasks} tasks,"
        f" {record.n_bytes / record.n_captures / 1000:.2f} kB per capture; {record.origin}."
    )
    yield ""
    yield "| arm | captures | s | s with start | CPU s | captures/s | by core | capture, s | declare, s |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for name, title in record.titles.items():
        yield _arm_row(record, name, title)


def _arm_row(record: Record, name: str, title: str) -> str:
    n_captures, n_cores = record.rounds[0][name].n_captures, record.rounds[0][name].n_cores
    steady, wall, cpu = (record.median(name, attrgetter(value)) for value in ("steady_s", "wall_s", "cpu_s"))
    stages = [_median_stage(record, name, stage) for stage in BOTH]
    cells = [
        title,
        f"{n_captures:,}",
        f"{steady:.1f}",
        f"{wall:.1f}",
        # Executors are no children of the process that is watched.
        f"{cpu:.1f}" if name.startswith(("local", "known")) else "–",
        f"{n_captures / steady:,.0f}",
        f"{n_captures / steady / n_cores:,.0f}",
        *(f"{value:.1f}" if value else "–" for value in stages),
    ]
    return f"| {' | '.join(cells)} |"


def _median_stage(record: Record, name: str, stage: str) -> float:
    return record.median(name, lambda sample: sample.stages.get(stage, 0.0))


def target_table(record: Record) -> Iterator[str]:
    """Each ratio whose arms were run, and whether it is what it should be."""
    yield "| ratio within a round | median (least–greatest) | |"
    yield "|---|---|---|"
    for target in TARGETS:
        if record.has(*target.arms):
            yield target.line(record.rounds)


def cost_tables(record: Record) -> Iterator[str]:
    """What a capture, a body and a crawl cost; says so when the arms for it were not run."""
    if not record.has(CAPTURED, KNOWN):
        yield f"Costs are worked out from the arms {CAPTURED} and {KNOWN}."
        return
    unit = measure_units(record)
    yield from unit_table(unit)
    yield ""
    first, later = estimate(first_crawl(unit), unit), estimate(later_crawl(unit), unit)
    columns = (first, later, add(first, later, N_CRAWLS - 1))
    yield (
        f"| | first crawl, {unit.new_share:.0%} of captures with a new body"
        f" | a later crawl, {LATER_NEW_SHARE:.0%} | {N_CRAWLS} crawls |"
    )
    yield "|---|---|---|---|"
    for title, cell in cost_rows():
        yield f"| {title} | {' | '.join(cell(cost) for cost in columns)} |"


def unit_table(unit: Unit) -> Iterator[str]:
    """Core time and bytes of a million captures or new bodies: so many µs and bytes of one."""
    yield "| measured, for a million | core-seconds | MB out |"
    yield "|---|---|---|"
    yield f"| captures without a new body: capture | {unit.capture_us:.0f} | {unit.capture_bytes:.0f} |"
    yield f"| new bodies: capture, with the store | {unit.store_us:.0f} | {unit.content_bytes:.0f} |"
    yield f"| new bodies: declare | {unit.declare_us:.0f} | {unit.declared_bytes:.0f} |"
    yield f"| stored bodies: asked for by a crawl | {unit.ask_us:.2f} | |"
    yield f"| captures: load | {unit.load_us:.0f} | |"
    yield f"| captures: analyse | {unit.analyse_us:.0f} | |"


def cost_rows() -> list[tuple[str, Callable[[Cost], str]]]:
    """Title and cell of every row of the table of crawls."""

    def hours(stage: str) -> Callable[[Cost], str]:
        return lambda cost: f"{cost.core_hours[stage]:,.1f}"

    def dollars(part: str) -> Callable[[Cost], str]:
        return lambda cost: f"{cost.dollars(PRICES)[part]:,.2f}"

    machine = f"{PRICES.instance} ({PRICES.cores} cores)"
    return [
        *((f"core-hours, {title}", hours(stage)) for stage, title in STAGES.items()),
        ("GET of WARC files", lambda cost: f"{cost.n_input_gets:,.0f}"),
        ("GiB in", lambda cost: f"{cost.n_bytes_in / GIB:,.0f}"),
        ("PUT of parts and receipts", lambda cost: f"{cost.n_puts:,.0f}"),
        ("GET of parts", lambda cost: f"{cost.n_gets:,.0f}"),
        ("GiB out", lambda cost: f"{cost.n_bytes_out / GIB:,.1f}"),
        (f"hours on one {machine}, to declare", lambda cost: f"{cost.wall_hours(PRICES):,.2f}"),
        ("$ for these hours", dollars("instance")),
        ("$ for requests", dollars("requests")),
        ("$ for a month of storage", dollars("storage")),
    ]
