"""Run stages of a study, one at a time on one output folder, and say what came of them."""

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from consent.agents import read_registry
from consent.dialects import find_dialect
from pipeline import finish, probing, sampling
from pipeline.context import code_version
from pipeline.engines.choice import choose_engine
from pipeline.execute import StageSummary
from pipeline.job import Job
from pipeline.layout import RUNS_FOLDER, STAGING_FOLDER
from pipeline.locking import hold_folders
from pipeline.progress import log
from pipeline.storage.folder import remove_temporaries
from pipeline.study import Study
from pipeline.tasks import Stage

Runner = Callable[[Job, StageSummary], None]
RUNNERS: dict[Stage, Runner] = {
    Stage.DISCOVER: Job.discover,
    Stage.CAPTURE: Job.capture,
    Stage.URLS: sampling.draw_urls,
    Stage.DECLARE: Job.declare,
    Stage.PROBE: probing.probe,
    Stage.LOAD: finish.load,
    Stage.ANALYSE: finish.analyse,
    Stage.PUBLISH: finish.publish_dataset,
    Stage.REPORT: finish.report,
}
LIBRARIES = ("protego", "tldextract", "duckdb", "pyarrow", "fastwarc", "warcio")


def stages_of(study: Study) -> tuple[Stage, ...]:
    """All stages of a study, in their order: probe and URLs are of them if the study file has them."""
    left_out = {Stage.PROBE: study.probe is None, Stage.URLS: study.urls is None}
    return tuple(stage for stage in RUNNERS if not left_out.get(stage))


def publish_observations(study: Study) -> None:
    """Publish what the probe has observed so far, as soon as no other run holds the output folder."""
    run_stages(study, (Stage.PROBE,), runners={Stage.PROBE: probing.publish}, is_patient=True)


def run_stages(
    study: Study,
    stages: Sequence[Stage],
    allow_missing: bool = False,
    runners: Mapping[Stage, Runner] = RUNNERS,
    is_patient: bool = False,
    after: str = "",
    run: str = "",
) -> tuple[StageSummary, ...]:
    """Run the stages in order; each says on stderr what it did. What stands already is not done again.

    `after` and `run` are for Slurm: the array that has just ended, and the run that submitted it. Raises
    FolderInUseError, StageMissingError, TasksMissingError, EngineError, Submitted, and what archive and
    dataset raise.
    """
    layout = study.layout
    run = run or f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"
    summaries = []
    with hold_folders(layout, is_patient), choose_engine(study, run, after, allow_missing) as engine:
        for folder in layout.local_folders:
            remove_temporaries(folder)
        job = Job.open(study, engine, allow_missing)
        for stage in stages:
            summaries.append(_run_stage(job, stage, runners[stage], run))
        with suppress(OSError):  # not empty while a task is still to be gone on with
            layout.spool.rmdir()
        _remove_empty(layout.folder / STAGING_FOLDER)
    return tuple(summaries)


def _remove_empty(folder: Path) -> None:
    """Remove folders in which a run that was killed had removed everything but the folders themselves."""
    for path in sorted([*folder.rglob("*"), folder], reverse=True):
        with suppress(OSError):
            path.rmdir()


def _run_stage(job: Job, stage: Stage, runner: Runner, run: str) -> StageSummary:
    summary, started_at, started = StageSummary(stage), datetime.now(UTC), time.monotonic()
    runner(job, summary)
    summary.elapsed_s = time.monotonic() - started
    log(describe(summary))
    # A run that was killed between its stage's end and this line has left no row of it.
    storage = job.context.layout.published
    ending = f"-{stage}.json"
    if summary.n_tasks_run or not any(e.name.endswith(ending) for e in storage.iter_below(RUNS_FOLDER)):
        row = _run_row(job, summary, run, started_at)
        text = json.dumps(row, indent=1, sort_keys=True) + "\n"
        storage.replace(f"{RUNS_FOLDER}/{run}{ending}", text.encode())
    return summary


def describe(summary: StageSummary) -> str:
    """One line: what was done, what was skipped and why."""
    if summary.n_tasks_run == 0:
        return f"{summary.stage}: nothing to do, all {summary.n_tasks} tasks are done"
    parts = [f"{summary.n_tasks_run} of {summary.n_tasks} tasks run"]
    parts += [f"{n:,} {table}" for table, n in _largest(summary.n_rows)]
    skips = ", ".join(f"{n:,} {reason}" for reason, n in sorted(summary.skips.items()))
    parts += [f"lost or skipped: {skips}" if skips else "nothing lost"] if summary.stage in _READING else []
    return (
        f"{summary.stage}: {'; '.join(parts)}; {summary.elapsed_s:.1f} s, {summary.peak_memory_mib:.0f} MiB"
    )


_READING = (Stage.DISCOVER, Stage.CAPTURE, Stage.URLS)


def _largest(counts: Counter[str], n: int = 6) -> list[tuple[str, int]]:
    return [(table, rows) for table, rows in counts.most_common(n) if rows]


def _run_row(job: Job, summary: StageSummary, run: str, started_at: datetime) -> dict[str, object]:
    entry = job.manifest.stages.get(summary.stage)
    dialects = {name: find_dialect(name).version for name in job.study.dialects}
    return {
        "run": run,
        "stage": summary.stage,
        "started_at": started_at.strftime("%Y-%m-%dT%H:%M:%S"),
        "elapsed_s": round(summary.elapsed_s, 3),
        "peak_memory_mib": summary.peak_memory_mib,
        "code_version": code_version(),
        "library_versions": json.dumps({name: version(name) for name in LIBRARIES}),
        "dialects": json.dumps(dialects),
        "registry_digest": read_registry(job.study.registry).digest,
        "inputs_digest": entry.after if entry else "",
        "n_tasks": summary.n_tasks,
        "n_tasks_run": summary.n_tasks_run,
        "n_rows": sum(summary.n_rows.values()),
        "skips": json.dumps(dict(sorted(summary.skips.items()))),
    }
