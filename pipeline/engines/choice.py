"""Which engine runs a study's tasks."""

from pipeline.engines.engine import Engine
from pipeline.engines.local import LocalEngine
from pipeline.engines.slurm import SlurmEngine
from pipeline.faults import log_of
from pipeline.study import Study


def choose_engine(study: Study, run: str, after: str = "", allow_missing: bool = False) -> Engine:
    """The engine that the study file names; what it needs is looked for when its first task runs.

    It notes what goes wrong in the fault log of the run. `after` and `allow_missing` are for Slurm: see
    `SlurmEngine`.
    """
    faults = log_of(study.folder, run, study.engine)
    if study.engine == "slurm":
        return SlurmEngine(study, after, allow_missing, run, faults)
    if study.engine == "spark":
        # Imported for those who use it: the command line starts without.
        from pipeline.engines.spark import SparkEngine

        return SparkEngine(study.master or None, faults)
    return LocalEngine(study.workers, faults)
