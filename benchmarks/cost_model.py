"""What reading Common Crawl's robots.txt costs: a model of core time, requests, bytes and dollars.

Everything measured comes from one run of `scale.py`; everything else is an input that is named here: how
large a crawl is, how much of it is new, and prices. Linear in captures and in new bodies.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from scale_record import Record

CAPTURED, KNOWN = "local-2", "known-2"
TIB, GIB = 2**40, 2**30
# A task reads the files of one serial, so a release has as many tasks as a segment has files.
FILES_PER_TASK = 100
STAGED_PARTS_PER_TASK = 2
RELEASES_BACK = 2
RANGE_BYTES, MOST_RANGES = 16 * 2**20, 256
DECLARED = ("bodies", "readings", "rulesets", "signals")
# What all cores of a cluster share; load and analyse run on one machine.
SHARED = ("capture", "ask", "store", "declare")
# Of a staged part or of a part of the store: its footer, and the row groups asked.
GETS_PER_PART = 2


@dataclass(frozen=True)
class Crawl:
    """A release: WARC files, their bytes and captures, and what of it is new.

    `new_share` is that of captures with a body that the store does not have, `n_stored` how many bodies it
    has before, in `n_stored_parts` parts.
    """

    name: str
    n_files: int
    n_bytes: float
    n_captures: float
    new_share: float = 0.0
    n_stored: float = 0.0
    n_stored_parts: float = 0.0


@dataclass(frozen=True)
class Prices:
    """An instance and its price by the hour, and those of S3: by 1,000 requests, and by GB and month."""

    instance: str
    cores: int
    hourly: float
    per_1000_puts: float
    per_1000_gets: float
    gb_month: float


# us-east-1, Linux, on demand: assumed, from copies of the price list of October 2026. docs/scale.md says
# where to look it up.
PRICES = Prices("c7a.16xlarge", 64, 3.28448, 0.005, 0.0004, 0.023)
# A release of 2024 has 100 segments of 900 files; bytes and captures are about those of 2019-09 and 2025-33.
ONE = Crawl("one crawl, first", 90_000, 0.15 * TIB, 100e6)
LATER_NEW_SHARE = 0.05
N_CRAWLS = 100


@dataclass(frozen=True)
class Unit:
    """Measured: core µs by capture or new body, and bytes by capture or new body.

    `ask_us` is what it takes to look through the digests of the store, by body that it has.
    """

    capture_us: float
    ask_us: float
    store_us: float
    declare_us: float
    load_us: float
    analyse_us: float
    new_share: float
    capture_bytes: float
    content_bytes: float
    declared_bytes: float


@dataclass(frozen=True)
class Cost:
    """What a crawl costs: core hours by stage, requests, bytes, and what follows for one instance."""

    core_hours: Mapping[str, float]
    n_input_gets: float
    n_puts: float
    n_gets: float
    n_bytes_in: float
    n_bytes_out: float

    def wall_hours(self, prices: Prices) -> float:
        """Hours of one instance, all of its cores busy, from capture to declare."""
        return sum(self.core_hours[stage] for stage in SHARED) / prices.cores

    def dollars(self, prices: Prices) -> dict[str, float]:
        """Dollars by what is paid for; storage for a month. Reading the archive in its region is free."""
        return {
            "instance": self.wall_hours(prices) * prices.hourly,
            "requests": (self.n_puts * prices.per_1000_puts + self.n_gets * prices.per_1000_gets) / 1000,
            "storage": self.n_bytes_out / 1e9 * prices.gb_month,
        }


def measure_units(record: Record) -> Unit:
    """Costs of one capture and of one new body, from medians over rounds of two workers.

    A capture without a new body is what a later release with the same bodies takes; a new body is what a
    run into an empty store takes beyond that. Core time is time by the clock on every core that was held.
    """
    n, new = record.n_captures, record.written["contents"].n_rows
    core = {
        name: 2e6 * record.median(arm, lambda sample, stage=stage: sample.stages[stage])
        for name, arm, stage in (
            ("known", KNOWN, "capture"),
            ("cold", CAPTURED, "capture"),
            ("declare", CAPTURED, "declare"),
        )
    }
    n_declared = sum(record.written[table].n_bytes for table in DECLARED)
    return Unit(
        core["known"] / n,
        record.ask_s * 1e6 / new,
        max(0.0, core["cold"] - core["known"]) / new,
        core["declare"] / new,
        record.cpu_s["load"] * 1e6 / n,
        record.cpu_s["analyse"] * 1e6 / n,
        new / n,
        record.written["captures"].n_bytes / n,
        record.written["contents"].n_bytes / new,
        n_declared / new,
    )


def first_crawl(unit: Unit) -> Crawl:
    """One crawl into an empty store, with the share of new bodies that the benchmark had."""
    return replace(ONE, new_share=unit.new_share)


def later_crawl(unit: Unit) -> Crawl:
    """The mean of all crawls after the first: half of the others were before it."""
    n_before = N_CRAWLS / 2
    return replace(
        ONE,
        name="one crawl, later",
        new_share=LATER_NEW_SHARE,
        n_stored=ONE.n_captures * (unit.new_share + (n_before - 1) * LATER_NEW_SHARE),
        n_stored_parts=MOST_RANGES * n_before,
    )


def estimate(crawl: Crawl, unit: Unit) -> Cost:
    """What one crawl costs."""
    n_new, n_tasks = crawl.n_captures * crawl.new_share, crawl.n_files / FILES_PER_TASK
    us = {
        "capture": crawl.n_captures * unit.capture_us,
        "ask": crawl.n_stored * unit.ask_us,
        "store": n_new * unit.store_us,
        "declare": n_new * unit.declare_us,
        "load": crawl.n_captures * unit.load_us,
        "analyse": crawl.n_captures * unit.analyse_us,
    }
    n_staged = n_tasks * STAGED_PARTS_PER_TASK
    n_ranges = min(MOST_RANGES, max(1.0, n_new * unit.content_bytes / RANGE_BYTES))
    # Each with its receipt: captures of a task, a part of the store, and four tables of what it declares.
    n_puts = n_tasks * 2 + n_staged + n_ranges * 2 + n_ranges * (len(DECLARED) + 1)
    # A range opens every staged part, and those of the store that hold some of it: all ranges together every
    # one. A task of `capture` opens the captures of its serial in the releases before; `declare` and `load`
    # read every part once.
    n_hints = RELEASES_BACK * n_tasks if crawl.n_stored else 0
    n_opened = n_ranges * n_staged + crawl.n_stored_parts + n_hints
    n_gets = GETS_PER_PART * (n_opened + n_tasks + n_ranges * (len(DECLARED) + 2))
    n_bytes = crawl.n_captures * unit.capture_bytes + n_new * (unit.content_bytes + unit.declared_bytes)
    hours = {stage: value / 3.6e9 for stage, value in us.items()}
    return Cost(hours, crawl.n_files, n_puts, n_gets, crawl.n_bytes, n_bytes)


def add(first: Cost, later: Cost, n_later: int) -> Cost:
    """One cost and another so many times."""
    return Cost(
        {stage: hours + n_later * later.core_hours[stage] for stage, hours in first.core_hours.items()},
        *(
            getattr(first, name) + n_later * getattr(later, name)
            for name in ("n_input_gets", "n_puts", "n_gets", "n_bytes_in", "n_bytes_out")
        ),
    )
