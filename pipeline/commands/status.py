"""`crawlcensus status`: what is done, what is left, what failed and why."""

import argparse
import csv
import sys
import time
from collections.abc import Iterator

from pipeline.asking import say_standing
from pipeline.campaign import find_campaign
from pipeline.coverage import MissingHost, describe_coverage, iter_missing
from pipeline.faults import describe_last_run
from pipeline.job import Job
from pipeline.loading.database import open_warehouse
from pipeline.manifest import SnapshotFacts, StageMissingError
from pipeline.probe_progress import describe
from pipeline.receipts import iter_short, read_receipts
from pipeline.run import stages_of
from pipeline.study import Study, read_study
from pipeline.tasks import Receipt, Stage, State


def main(options: argparse.Namespace) -> int:
    """One line a stage, then failures and losses; 0 when every stage is complete and current, else 1."""
    study = read_study(options.study)
    job = Job.open(study)
    if options.missing:
        return _print_missing(job)
    complete = [_print_stage(job, stage, before) for stage, before in _grounds(job)]
    for line in (*_failures(study), describe_last_run(study.folder), *_losses(job), *_coverage(job)):
        if line:
            print(line)
    return 0 if all(complete) else 1


def _grounds(job: Job) -> Iterator[tuple[Stage, tuple[Stage, ...]]]:
    """Each stage with the stages that it is built on."""
    others = {
        Stage.DISCOVER: (),
        Stage.URLS: (Stage.DISCOVER,),
        Stage.DECLARE: (Stage.CAPTURE,),
        Stage.PROBE: (),
        Stage.LOAD: job.grounds,
        Stage.PUBLISH: (Stage.ANALYSE,),
        Stage.REPORT: (Stage.ANALYSE,),
    }
    stages = stages_of(job.study)
    for before, stage in zip((stages[0], *stages), stages, strict=False):
        yield stage, others.get(stage, (before,))


def _print_stage(job: Job, stage: Stage, before: tuple[Stage, ...]) -> bool:
    if stage is Stage.PROBE:
        return _print_probe(job)
    try:
        entry = job.manifest.require(stage, after=before)
    except StageMissingError:
        print(f"{stage:<9} {_left(job, stage)}")
        return False
    n_rows = sum(entry.n_rows.values())
    short = f", {entry.n_short} tasks went without part of their input" if entry.n_short else ""
    print(f"{stage:<9} done: {entry.n_tasks} tasks" + (f", {n_rows:,} rows" if n_rows else "") + short)
    return True


def _print_probe(job: Job) -> bool:
    """Where the last campaign stands, by its ledgers; whether it is over and published."""
    campaign = find_campaign(job.context.layout)
    entry = job.manifest.stages.get(Stage.PROBE)
    if campaign is None or not campaign.ledgers():
        print(f"{Stage.PROBE:<9} to do")
        return False
    standing = campaign.standing(time.time())
    n_rows = entry.n_rows.get("observations", 0) if entry else 0
    over = "done" if standing.is_complete else "under way"
    print(f"{Stage.PROBE:<9} {over}: {describe(standing)}, {n_rows:,} observations published")
    print(f"  {say_standing(standing)}")
    return standing.is_complete and entry is not None


def _left(job: Job, stage: Stage) -> str:
    if stage is not Stage.CAPTURE or Stage.DISCOVER not in job.manifest.stages:
        return "to do"
    n_tasks = n_done = 0
    for tasks in job.plan_capture():
        receipts = read_receipts(job.context.layout, tasks).values()
        n_tasks += len(tasks)
        n_done += sum(receipt is not None and receipt.state is State.DONE for receipt in receipts)
    return f"{n_done} of {n_tasks} tasks done, {n_tasks - n_done} left"


def _failures(study: Study) -> Iterator[str]:
    for stage in Stage:
        for receipt in iter_short(study.layout, stage):
            yield f"{receipt.state}: {receipt.stage} {receipt.label}: {_reason(receipt)}"


def _reason(receipt: Receipt) -> str:
    if receipt.missing:
        return f"the archive does not have {', '.join(receipt.missing)}"
    return receipt.error.splitlines()[0] if receipt.error else "no reason recorded"


def _coverage(job: Job) -> Iterator[str]:
    """Nothing unless the models are those of the captures."""
    try:
        _require_models(job)
    except StageMissingError:
        return
    with open_warehouse(job.context.layout.warehouse, threads=1, read_only=True) as con:
        yield from describe_coverage(con, _releases(job))


def _require_models(job: Job) -> None:
    grounds = {Stage.DECLARE: (Stage.CAPTURE,), Stage.LOAD: job.grounds, Stage.ANALYSE: (Stage.LOAD,)}
    for stage, before in grounds.items():
        job.manifest.require(stage, after=before)
    warehouse = job.context.layout.warehouse
    if not warehouse.is_file():
        raise StageMissingError(f"{warehouse} is gone. Run `crawlcensus run` again.")


def _releases(job: Job) -> dict[str, SnapshotFacts]:
    return {facts.snapshot: facts for facts in job.manifest.require(Stage.CAPTURE).snapshots}


def _print_missing(job: Job) -> int:
    _require_models(job)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(MissingHost._fields)
    with open_warehouse(job.context.layout.warehouse, threads=1, read_only=True) as con:
        writer.writerows(iter_missing(con, _releases(job)))
    return 0


def _losses(job: Job) -> Iterator[str]:
    entry = job.manifest.stages.get(Stage.CAPTURE)
    for skip in entry.skips if entry else ():
        yield f"lost: {skip.snapshot}: {skip.n_records:,} {skip.reason} ({skip.n_bytes:,} bytes)"
