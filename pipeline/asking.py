"""One call of the probe: the plan, the crawler in a process of its own, and what it says at its end."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from consent.agents import read_registry
from crawler.network import read_test_network
from crawler.plan import ProbePlan, ProbeSummary, write_plan
from pipeline.campaign import (
    WHOLE,
    Campaign,
    ProbeError,
    Shard,
    Standing,
    begin_campaign,
    find_campaign,
    open_ledger,
)
from pipeline.layout import Layout
from pipeline.locking import hold_file
from pipeline.probe_progress import show_campaign
from pipeline.probe_settings import ProbeSettings, check_pace
from pipeline.progress import log
from pipeline.sites import read_hosts
from pipeline.study import Study, StudyError

POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class ProbeCall:
    """How `crawlcensus probe` was called.

    `is_due_only`: go on with the campaign that has begun, with no new hosts; `max_seconds`: None is until
    nothing is due; `is_new`: begin another campaign.
    """

    is_due_only: bool = False
    max_seconds: float | None = None
    shard: Shard = WHOLE
    is_new: bool = False


def require_probe(study: Study) -> ProbeSettings:
    """The settings of a study's probe; StudyError says what to add when it has none."""
    if study.probe is None:
        raise StudyError(
            f"{study.path}: [probe]: there is no such section, so that there is nothing to probe."
            ' Fix: add [probe] with contact = "https://…", a page that tells who asks and why.'
        )
    return study.probe


def check_browser(study: Study) -> None:
    """Raises StudyError when the study's probe has the browser's arm and what that needs is not installed."""
    names = require_probe(study).choose_identities(read_registry(study.registry))
    if "chromium" in names and find_spec("scrapy_playwright") is None:
        raise StudyError(
            f"{study.path}: [probe] identities: chromium needs scrapy-playwright, which is not installed."
            " Fix: pip install 'crawlcensus[browser]', or list the identities without chromium."
        )


def ask(study: Study, call: ProbeCall) -> ProbeSummary:
    """Ask what is due and say what came of it; the ledger keeps everything from one request to the next.

    Raises StudyError without a `[probe]` section, ProbeError when the call does not fit the campaign or the
    crawler fails, FolderInUseError when another process works on the same shard.
    """
    probe, layout = require_probe(study), study.layout
    check_browser(study)
    identities = probe.choose_identities(read_registry(study.registry))
    with hold_file(layout.probe / ".lock", layout.probe, is_patient=True):
        campaign = choose_campaign(layout, call, identities)
    ledger = campaign.ledger(call.shard)
    with hold_file(ledger.with_suffix(".lock"), ledger):
        standing = campaign.standing(time.time(), (call.shard,))
        if call.is_due_only and not standing.n_due:
            # Called every few minutes, it is mostly for nothing: no process, no file of evidence.
            return _idle_summary(campaign, standing)
        _check_begun_hosts(study, probe, ledger)
        plan = make_plan(study, probe, campaign, call)
        Path(plan.hosts_file).write_text(_hosts(study, call), encoding="utf-8")
        with show_campaign(campaign, call.shard):
            return _run_child(plan, campaign.folder / f"plan{call.shard.name}.json")


def _check_begun_hosts(study: Study, probe: ProbeSettings, ledger: Path) -> None:
    """Hosts that were begun under another study file, too, are not asked faster than they bear."""
    if not ledger.is_file():
        return
    with open_ledger(ledger) as opened:
        hosts = opened.unfinished_hosts()
    network = read_test_network(probe.test_network) if probe.test_network else {}
    problems = check_pace(probe.schedule, hosts, network)
    if problems:
        raise StudyError(f"{study.path}: {problems[0]} They stand in {ledger}, which a call has begun.")


def _idle_summary(campaign: Campaign, standing: Standing) -> ProbeSummary:
    next_due = None if standing.next_due is None else format_time(standing.next_due)
    hosts, dropped = standing.hosts, standing.dropped
    return ProbeSummary(campaign.run, "nothing due", 0, 0, hosts, dropped, 0, next_due, ())


def choose_campaign(layout: Layout, call: ProbeCall, identities: tuple[str, ...]) -> Campaign:
    """The campaign that is under way, or another one where there is none or a new one is wanted."""
    campaign = find_campaign(layout)
    if campaign is None or call.is_new:
        if call.is_due_only:
            raise ProbeError("nothing has been begun yet. Run `crawlcensus probe` without --due first.")
        if campaign is not None and not campaign.is_over(time.time()):
            raise ProbeError(
                f"the campaign {campaign.run} is under way, and sites that were asked in it are to be left"
                " alone until their time. Run `crawlcensus probe` without --new to go on with it."
            )
        return begin_campaign(layout, call.shard.n, identities)
    if campaign.n_shards != call.shard.n:
        fix = f"--shard I/{campaign.n_shards}" if campaign.n_shards > 1 else "no --shard"
        raise ProbeError(
            f"the campaign {campaign.run} is dealt to {campaign.n_shards} and not to {call.shard.n} shards,"
            f" so that no domain is asked from two places. Go on with {fix}."
        )
    if campaign.identities != identities:
        log(f"probe: the campaign {campaign.run} keeps its arms: {', '.join(campaign.identities)}")
    return campaign


def make_plan(study: Study, probe: ProbeSettings, campaign: Campaign, call: ProbeCall) -> ProbePlan:
    """The crawler's plan of a call."""

    def text(path: Path | None) -> str | None:
        return str(path) if path else None

    return ProbePlan(
        run=campaign.run,
        ledger_path=str(campaign.ledger(call.shard)),
        evidence_folder=str(study.layout.evidence),
        hosts_file=str(campaign.folder / f"hosts{call.shard.name}.txt"),
        identities=campaign.identities,
        contact=probe.contact,
        schedule=probe.schedule,
        acknowledgement=probe.acknowledgement,
        registry_file=text(study.registry),
        test_network=text(probe.test_network),
        opt_out_file=text(probe.opt_out),
        canaries=probe.canaries,
        shard=(call.shard.part, call.shard.n),
        max_seconds=call.max_seconds,
        name_servers=probe.name_servers,
        chromium_path=text(probe.chromium),
    )


def _hosts(study: Study, call: ProbeCall) -> str:
    assert study.sites_file is not None, "a study that probes has a list of sites"
    hosts = () if call.is_due_only else read_hosts(study.sites_file)
    return "".join(f"{host}\n" for host in hosts)


def _run_child(plan: ProbePlan, path: Path) -> ProbeSummary:
    """Carry out a plan in a child process, which alone has a reactor; an interruption is passed on once."""
    summary = path.with_name(f"summary-{path.name}")
    summary.unlink(missing_ok=True)
    write_plan(plan, path)
    command = [sys.executable, "-m", "pipeline.probe_child", str(path), str(summary)]
    # In a session of its own: Ctrl-C on a terminal would reach it twice.
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=2, start_new_session=True) as child:
        try:
            child.wait()
        except KeyboardInterrupt:
            log("probe: interrupted; the requests in flight are brought to their end")
            child.send_signal(signal.SIGINT)
            child.wait()
            raise
    if child.returncode or not summary.is_file():
        raise ProbeError(
            f"the crawler ended with status {child.returncode}; what it said stands above."
            " Run the same command to go on: nothing that was asked is lost."
        )
    return read_summary(summary)


def read_summary(path: Path) -> ProbeSummary:
    """What a call said at its end."""
    values = json.loads(path.read_text(encoding="utf-8"))
    return ProbeSummary(**values | {"failed_canaries": tuple(values["failed_canaries"])})


def say_summary(summary: ProbeSummary) -> Iterator[str]:
    """What a call did and what is left, as lines."""
    stopped = f", {summary.n_stopped:,} hops not sent" if summary.n_stopped else ""
    yield f"{summary.n_requests:,} requests{stopped}; ended: {summary.ended}"
    hosts = ", ".join(f"{n:,} {state}" for state, n in summary.hosts.items())
    yield f"hosts: {hosts or 'none'}"
    if summary.dropped:
        yield f"dropped: {', '.join(f'{n:,} {reason}' for reason, n in summary.dropped.items())}"
    if summary.failed_canaries:
        yield f"canaries failed, their batch is void: {', '.join(summary.failed_canaries)}"
    yield say_next(summary.n_due, summary.next_due)


def say_next(n_due: int, next_due: str | None) -> str:
    """What is due, and when."""
    if n_due:
        return f"{n_due:,} blocks are due now: run `crawlcensus probe --due` to go on"
    if next_due is not None:
        return f"nothing is due before {next_due}: run `crawlcensus probe --due` then"
    return "the campaign is complete; `crawlcensus probe --new` begins another"


def say_standing(standing: Standing) -> str:
    """What is due of a campaign, and when."""
    next_due = None if standing.next_due is None else format_time(standing.next_due)
    return say_next(standing.n_due, next_due)


def format_time(epoch_s: float) -> str:
    """Epoch seconds as ISO 8601, UTC."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
