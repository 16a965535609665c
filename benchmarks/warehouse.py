"""How fast the warehouse is on 50 million panel rows: load, models, and questions beside pandas, in one run.

    python benchmarks/warehouse.py [--hosts 12600] [--months 56] [--rounds 3]

The study is made up from the shape of a real archive (`shape.json`). Load and models run as in a real run,
under its memory limit. Then each question is asked in turn of the panel as a view, of the panel stored as a
table, and of a pandas frame of the same rows; the answers have to be equal. Figures are medians of rounds.
"""

import argparse
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import duckdb
import pandas as pd
from figures import describe_cpu
from warehouse_input import write_study
from warehouse_questions import QUESTIONS, Question, ask, read_frame, read_weights
from warehouse_stages import STORED, Done, count_rows, run_apart

from analysis.model_table import MODELS, Kind
from pipeline.layout import Layout
from pipeline.loading.database import open_warehouse
from pipeline.study import Study

MOST_SECONDS = 10.0
LEAST_ROWS_PER_S = 1_000_000
FRAME_ROWS = 80_000_000  # of a frame of 11 bytes a row, and twenty times that while pandas groups it
OTHER_DIALECT = "panel_of('google')"


class Answer(NamedTuple):
    """One question to one contender, in seconds on the wall and of the CPU."""

    wall_s: float
    cpu_s: float


Times = dict[tuple[str, str], list[Answer]]
"""By question and contender."""


def timed(work: Callable[[], object]) -> tuple[Answer, object]:
    """What some work takes, and what it gives."""
    wall, cpu = time.perf_counter(), time.process_time()
    given = work()
    return Answer(time.perf_counter() - wall, time.process_time() - cpu), given


def read_models(con: duckdb.DuckDBPyConnection, n_rounds: int) -> dict[str, list[Answer]]:
    """Every model read whole: all rows, all columns."""
    times: dict[str, list[Answer]] = {}
    for number in range(n_rounds):
        for model in MODELS:
            # Without a filter on the dialect this is six panels at once, which its description warns of.
            relation = OTHER_DIALECT if model.name == "panel_by_dialect" else model.name
            query = f"SELECT count(COLUMNS(*)) FROM {relation}"
            took, _ = timed(lambda query=query: con.execute(query).fetchall())
            times.setdefault(model.name, []).append(took)
            print(f"round {number + 1}: {model.name} {took.wall_s:.2f} s", file=sys.stderr)
    return times


def compare(
    con: duckdb.DuckDBPyConnection, frame: pd.DataFrame, weights: pd.Series, n_rounds: int, agents: int | None
) -> Times:
    """Every question to every contender once a round, in turning order. ValueError when answers differ."""
    panels = {"view": narrow("panel", agents), "table": narrow(STORED, agents)}
    times: Times = {}
    for number in range(n_rounds):
        for question in QUESTIONS:
            arms: dict[str, Callable[[], object]] = {
                name: partial(ask, con, question, panel) for name, panel in panels.items()
            }
            arms["pandas"] = partial(question.pandas, frame, weights)
            order = [*arms][number % len(arms) :] + [*arms][: number % len(arms)]
            answers = {name: timed(arms[name]) for name in order}
            _check(question, {name: answer for name, (_, answer) in answers.items()})
            for name, (took, _) in answers.items():
                times.setdefault((question.name, name), []).append(took)
            figures = " ".join(f"{name} {took.wall_s:.2f}" for name, (took, _) in answers.items())
            print(f"round {number + 1}: {question.name} {figures}", file=sys.stderr)
    return times


def _check(question: Question, answers: dict[str, object]) -> None:
    if len({repr(answer) for answer in answers.values()}) > 1:
        raise ValueError(f"{question.name}: the contenders give different answers")


def narrow(panel: str, agents: int | None) -> str:
    """The panel, or of a panel too large for a frame the first so many agents."""
    if agents is None:
        return panel
    chosen = f"SELECT agent FROM agents WHERE is_tracked ORDER BY agent LIMIT {agents}"
    return f"(SELECT * FROM {panel} WHERE agent IN ({chosen}))"


def median(answers: Sequence[Answer]) -> Answer:
    """The middle of both times."""
    return Answer(*(statistics.median(column) for column in zip(*answers, strict=True)))


def print_stages(load: Done, analysed: Done, stored: Done) -> None:
    """Rows, seconds, rows per second and memory of the stages."""
    print("\n| stage | rows | s | CPU s | rows/s | peak MiB |\n|---|---|---|---|---|---|")
    for title, done in (
        ("load: parts to tables", load),
        ("analyse: every model", analysed),
        ("the panel stored", stored),
    ):
        rate, peak = f"{done.n_rows / done.wall_s:,.0f}", f"{done.peak_mib:,.0f}"
        print(f"| {title} | {done.n_rows:,} | {done.wall_s:.1f} | {done.cpu_s:.1f} | {rate} | {peak} |")


def print_models(con: duckdb.DuckDBPyConnection, analysed: Done, times: dict[str, list[Answer]]) -> None:
    """Every model that takes a tenth of a second somewhere."""
    print("\n| model | kind | rows | build s | build CPU s | read whole s |\n|---|---|---|---|---|---|")
    for model in MODELS:
        built, read = analysed.models[model.name], median(times[model.name])
        if max(built[0], read.wall_s) >= 0.1:
            rows = f"{count_rows(con, model.name):,}" if model.kind is Kind.TABLE else ""
            seconds = f"{built[0]:.1f} | {built[1]:.1f} | {read.wall_s:.2f}"
            print(f"| {model.name} | {model.kind} | {rows} | {seconds} |")


def print_questions(times: Times) -> None:
    """Each question: seconds of the contenders, and how many times longer pandas takes."""
    print(
        "\n| question | view | stored | pandas | pandas / view | pandas / stored |\n|---|---|---|---|---|---|"
    )
    for question in QUESTIONS:
        view, table, frame = (times[question.name, name] for name in ("view", "table", "pandas"))
        ratios = [
            statistics.median(b.wall_s / a.wall_s for a, b in zip(arm, frame, strict=True))
            for arm in (view, table)
        ]
        seconds = [f"{median(arm).wall_s:.2f}" for arm in (view, table, frame)]
        print(f"| {question.title} | {' | '.join(seconds)} | {ratios[0]:.1f} | {ratios[1]:.1f} |")


def print_targets(
    load: Done, analysed: Done, stored: Done, read: dict[str, list[Answer]], times: Times
) -> None:
    """Whether the targets are met, by the clock on the wall."""
    slowest = max(read, key=lambda name: median(read[name]).wall_s)
    built = max(analysed.models, key=lambda name: analysed.models[name][0])
    asked = max((key for key in times if key[1] == "view"), key=lambda key: median(times[key]).wall_s)
    print()
    for title, value, is_met in (
        (f"every model read in {MOST_SECONDS:.0f} s", *_at_most(slowest, median(read[slowest]).wall_s)),
        (f"every model built in {MOST_SECONDS:.0f} s", *_at_most(built, analysed.models[built][0])),
        (f"every question in {MOST_SECONDS:.0f} s", *_at_most(asked[0], median(times[asked]).wall_s)),
        ("load at 1 million rows/s", *_at_least(load)),
        ("panel stored at 1 million rows/s", *_at_least(stored)),
    ):
        print(f"{'met' if is_met else 'MISSED':>6}  {title}: {value}")


def _at_most(name: str, seconds: float) -> tuple[str, bool]:
    return f"{seconds:.1f} s ({name})", seconds <= MOST_SECONDS


def _at_least(done: Done) -> tuple[str, bool]:
    rate = done.n_rows / done.wall_s
    return f"{rate:,.0f}", rate >= LEAST_ROWS_PER_S


def measure(study: Study, folder: Path, n_rounds: int) -> None:
    """Load, build, ask and print."""
    load, analysed, stored = (run_apart(stage, folder) for stage in ("load", "analyse", "store"))
    with open_warehouse(Layout(study.folder).warehouse, study.workers, read_only=True) as con:
        n_agents = count_rows(con, "(FROM agents WHERE is_tracked)")
        agents = None if stored.n_rows <= FRAME_ROWS else max(1, FRAME_ROWS * n_agents // stored.n_rows)
        frame, weights = read_frame(con, agents), read_weights(con)
        print(f"{stored.n_rows:,} panel rows; frame of {len(frame):,} rows, {_mib(frame):,.0f} MiB")
        if agents is not None:
            print(f"questions are about {agents} of {n_agents} agents: a frame of all does not fit")
        read = read_models(con, n_rounds)
        times = compare(con, frame, weights, n_rounds, agents)
        print_stages(load, analysed, stored)
        print_models(con, analysed, read)
        print_questions(times)
        print_targets(load, analysed, stored, read, times)


def _mib(frame: pd.DataFrame) -> float:
    return float(frame.memory_usage(index=False).sum()) / (1 << 20)


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hosts", type=int, default=12_600)
    parser.add_argument("--months", type=int, default=56)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work", type=Path, help="where the study is kept; default a folder that is removed")
    return parser.parse_args()


def main() -> None:
    """Make the study, measure, print."""
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="crawlcensus-benchmark-") as name:
        folder = arguments.work or Path(name)
        study = write_study(folder, arguments.hosts, arguments.months, arguments.seed)
        print(f"{arguments.hosts:,} hosts, {arguments.months} snapshots; {describe_cpu()}")
        libraries = ", ".join(f"{library} {version(library)}" for library in ("duckdb", "pandas", "pyarrow"))
        print(f"Python {platform.python_version()}, {libraries}")
        measure(study, folder, arguments.rounds)


if __name__ == "__main__":
    main()
