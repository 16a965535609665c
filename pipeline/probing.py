"""The stage `probe`: the crawler asks what is due, and what has been observed so far is published."""

from collections.abc import Iterator

from consent.agents import Registry, read_registry
from pipeline.asking import ProbeCall, ask, say_summary
from pipeline.campaign import find_campaign, list_campaigns
from pipeline.execute import StageSummary
from pipeline.job import Job
from pipeline.layout import Layout
from pipeline.listing import Record, iter_outputs
from pipeline.manifest import StageEntry, write_manifest
from pipeline.observing import export_campaign
from pipeline.parts import Output
from pipeline.probe_tables import PROBE_TABLES
from pipeline.progress import log
from pipeline.receipts import is_whole
from pipeline.run_task import peak_memory_mib
from pipeline.tasks import Stage


def probe(job: Job, summary: StageSummary) -> None:
    """Ask what is due now and publish; an interruption, too, publishes before it goes on its way."""
    try:
        for line in say_summary(ask(job.study, ProbeCall())):
            log(f"probe: {line}")
    finally:
        publish(job, summary)


def publish(job: Job, summary: StageSummary) -> None:
    """List what all campaigns have observed so far in the manifest."""
    layout = job.context.layout
    standing = job.manifest.stages.get(Stage.PROBE)
    outputs = tuple(_iter_outputs(layout, standing, read_registry(job.study.registry)))
    with Record(layout, Stage.PROBE) as record:
        record.add_parts(outputs)
        record.n_tasks = len(list_campaigns(layout))
        entry = record.entry("")
    summary.n_tasks = 1
    for output in outputs:
        summary.n_rows[output.table] += output.n_rows
    if standing and standing.digest == entry.digest:
        return
    summary.n_tasks_run = 1
    job.manifest = job.manifest.with_entry(entry)
    write_manifest(layout, job.manifest)
    _remove_others(layout, outputs)
    summary.peak_memory_mib = peak_memory_mib()


def _iter_outputs(layout: Layout, standing: StageEntry | None, registry: Registry) -> Iterator[Output]:
    current = find_campaign(layout)
    for campaign in list_campaigns(layout):
        held = list(iter_outputs(layout, standing, partition=f"run={campaign.run}"))
        # Only the last campaign can still have changed.
        is_done = campaign != current and held and all(is_whole(layout, output) for output in held)
        yield from held if is_done else export_campaign(layout, campaign, registry)


def _remove_others(layout: Layout, outputs: tuple[Output, ...]) -> None:
    """Remove the parts that the manifest no longer lists."""
    listed = {output.path for output in outputs}
    for table in PROBE_TABLES:
        stored = layout.published.iter_below(f"tables/{table.name}")
        layout.published.remove([path for path, _ in stored if path not in listed])
