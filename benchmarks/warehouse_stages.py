"""Load and analyse as a real run does them, each in a process of its own so that its memory is its own.

python benchmarks/warehouse_stages.py load|analyse|store FOLDER     prints one line of JSON
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import duckdb

from analysis import models
from analysis.model_table import Kind
from pipeline.layout import Layout
from pipeline.loading.database import open_warehouse
from pipeline.loading.kinds import load_access_states, load_outcome_kinds
from pipeline.manifest import read_manifest
from pipeline.run_task import peak_memory_mib
from pipeline.study import Study, read_study
from pipeline.warehouse import Source, load_warehouse

STORED = "panel_stored"


@dataclass
class Done:
    """What a stage took: rows made, seconds on the wall and of the CPU, MiB, and both seconds by model."""

    n_rows: int
    wall_s: float
    cpu_s: float
    peak_mib: float
    models: dict[str, tuple[float, float]] = field(default_factory=dict)


def run_apart(stage: str, folder: Path) -> Done:
    """The stage in a process of its own; exits with its words when it fails."""
    done = subprocess.run(
        [sys.executable, __file__, stage, str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{stage} failed:\n{done.stderr}")
    return Done(**json.loads(done.stdout.splitlines()[-1]))


def load(study: Study, con: duckdb.DuckDBPyConnection, _done: Done) -> int:
    """The stage load: the rows of all tables."""
    layout = Layout(study.folder)
    return sum(load_warehouse(con, Source(study, layout, read_manifest(layout))).values())


def analyse(_study: Study, con: duckdb.DuckDBPyConnection, done: Done) -> int:
    """The stage analyse, each model timed with what Python prepares for it."""
    load_access_states(con, models.access_combinations(con))
    load_outcome_kinds(con, models.outcome_combinations(con))
    before = [time.perf_counter(), time.process_time()]

    def note(name: str) -> None:
        now = [time.perf_counter(), time.process_time()]
        done.models[name] = (now[0] - before[0], now[1] - before[1])
        before[:] = now

    models.build(con, tell=note)
    return sum(count_rows(con, model.name) for model in models.MODELS if model.kind is Kind.TABLE)


def store(_study: Study, con: duckdb.DuckDBPyConnection, _done: Done) -> int:
    """The panel as a stored table, which a reader may want."""
    con.execute(f"CREATE OR REPLACE TABLE {STORED} AS FROM panel")
    con.execute("CHECKPOINT")
    return count_rows(con, STORED)


def count_rows(con: duckdb.DuckDBPyConnection, table: str) -> int:
    """Rows of a table or view."""
    return int(con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])


STAGES: dict[str, Callable[[Study, duckdb.DuckDBPyConnection, Done], int]] = {
    "load": load,
    "analyse": analyse,
    "store": store,
}


def main(stage: str, folder: Path) -> None:
    """Run one stage of the study in the folder."""
    study = read_study(folder / "study.toml")
    warehouse = Layout(study.folder).warehouse
    if stage == "load":
        warehouse.unlink(missing_ok=True)
    done = Done(0, time.perf_counter(), time.process_time(), 0.0)
    with open_warehouse(warehouse, study.workers) as con:
        done.n_rows = STAGES[stage](study, con, done)
    done.wall_s = time.perf_counter() - done.wall_s
    done.cpu_s = time.process_time() - done.cpu_s
    done.peak_mib = peak_memory_mib()
    print(json.dumps(asdict(done)))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
