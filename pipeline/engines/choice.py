"""Which engine runs a study's tasks."""

from pipeline.engines.engine import Engine
from pipeline.engines.local import LocalEngine
from pipeline.engines.slurm import SlurmEngine
from pipeline.study import Study


def choose_engine(study: Study, after: str = "", allow_missing: bool = False) -> Engine:
    """The engine that the study file names; what it needs is looked for when its first task runs.

    `after` and `allow_missing` are for Slurm: see `SlurmEngine`.
    """
    if study.engine == "slurm":
        return SlurmEngine(study, after, allow_missing)
    if study.engine == "spark":
        # Imported for those who use it: the command line starts without.
        from pipeline.engines.spark import SparkEngine

        return SparkEngine(study.master or None)
    return LocalEngine(study.workers)
