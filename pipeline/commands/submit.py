"""`crawlcensus submit`: run a study on Slurm, array by array, without waiting for any of them."""

import argparse
import os

from pipeline.asking import check_browser
from pipeline.commands.errors import UsageError
from pipeline.commands.stages import print_products
from pipeline.engines.slurm import Submitted, running_jobs
from pipeline.run import run_stages, stages_of
from pipeline.study import Study, check_lists, read_study
from pipeline.tasks import Stage


def main(options: argparse.Namespace) -> int:
    """Submit what is missing; 0 when it is in the queue or all is done, 1 when tasks failed for good."""
    study = read_study(options.study)
    check_lists(study)
    _check(study)
    stages = stages_of(study)
    if Stage.PROBE in stages:
        check_browser(study)
    try:
        run_stages(study, stages, options.allow_missing, after=options.after, run=options.run)
    except Submitted as submitted:
        print(submitted)
        print(f"see: crawlcensus status {options.study}")
        return 0
    print_products(study, stages)
    return 0


def _check(study: Study) -> None:
    if study.engine != "slurm":
        raise UsageError(
            f'{study.path}: [engine] name is "{study.engine}".'
            ' Fix: set it to "slurm", or call crawlcensus run.'
        )
    alive = [job for job in running_jobs(study.folder) if job != os.environ.get("SLURM_JOB_ID")]
    if alive:
        raise UsageError(
            f"{study.path}: jobs of this study are still in the queue: {', '.join(alive)}."
            " Fix: wait for them, or scancel them."
        )
