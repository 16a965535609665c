"""`crawlcensus run` and the verbs that run one stage."""

import argparse
from collections.abc import Sequence

from pipeline.asking import check_browser
from pipeline.commands.errors import UsageError
from pipeline.commands.probe import print_plan as print_probe
from pipeline.job import Job, list_study_crawls
from pipeline.planning import wants_index
from pipeline.preview import Preview
from pipeline.receipts import read_receipts
from pipeline.run import run_stages, stages_of
from pipeline.stages import discover
from pipeline.study import Study, check_lists, read_study
from pipeline.tasks import Stage, State, Task
from pipeline.url_preview import preview_urls


def main(options: argparse.Namespace) -> int:
    """Run the stages that the verb names; 0 when all is done."""
    study = read_study(options.study)
    check_lists(study)
    stages = stages_of(study) if options.verb == "run" else (Stage(options.verb),)
    if options.dry_run:
        return print_plan(study, stages)
    if study.engine == "slurm":
        raise UsageError(
            f'{study.path}: [engine] name is "slurm". Fix: call crawlcensus submit, or name another engine.'
        )
    if Stage.PROBE in stages:
        check_browser(study)
    run_stages(study, stages, options.allow_missing)
    print_products(study, stages)
    return 0


def print_products(study: Study, stages: Sequence[Stage]) -> None:
    """Say on stdout where the products of the stages are."""
    layout = study.layout
    products = (
        (Stage.LOAD, "database", layout.warehouse),
        (Stage.PUBLISH, "dataset ", layout.dataset),
        (Stage.REPORT, "report  ", layout.report),
    )
    for stage, name, path in products:
        if stage in stages:
            print(f"{name}  {path}")


def print_plan(study: Study, stages: Sequence[Stage]) -> int:
    """Print what a run would do, without doing it: the plan of `capture` needs `discover` to have run."""
    if Stage.DISCOVER in stages:
        crawls = list_study_crawls(study)
        names = [crawl.snapshot for crawl in crawls]
        _print_tasks(study, "discover", discover.plan(names, study.serials, wants_index(study)))
    if Stage.CAPTURE in stages:
        job = Job.open(study)
        if Stage.DISCOVER in job.manifest.stages:
            _print_tasks(study, "capture", [task for tasks in job.plan_capture() for task in tasks])
        else:
            print("capture: planned from what discover finds; run `crawlcensus discover` to see it")
    for line in Preview(Job.open(study)).lines(stages):
        print(line)
    if Stage.URLS in stages:
        for line in preview_urls(Job.open(study)):
            print(line)
    if Stage.PROBE in stages:
        print_probe(study)
    for stage in stages:
        if stage not in (Stage.DISCOVER, Stage.CAPTURE, Stage.URLS, Stage.PROBE):
            print(f"{stage}: planned from what the stages before it publish")
    return 0


def _print_tasks(study: Study, stage: str, tasks: Sequence[Task]) -> None:
    receipts = read_receipts(study.layout, tasks).values()
    n_done = sum(receipt is not None and receipt.state is State.DONE for receipt in receipts)
    n_files = sum(len(task.inputs) for task in tasks)
    unit = "files" if stage == "capture" else "inputs"
    print(f"{stage}: {len(tasks)} tasks over {n_files} {unit}, {n_done} done, {len(tasks) - n_done} to run")
    for task in tasks:
        print(f"  {task.task_id}  {task.label}  {len(task.inputs)} {unit}")
