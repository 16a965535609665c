"""`crawlcensus probe`: ask what is due, publish what was observed, and say when to go on."""

import argparse
import time

from consent.agents import read_registry
from consent.hosts import parse_host
from crawler.identities import make_identities
from crawler.vocabulary import Target
from pipeline.asking import ProbeCall, ask, require_probe, say_standing, say_summary
from pipeline.campaign import Shard, find_campaign, list_campaigns
from pipeline.probe_progress import describe
from pipeline.run import publish_observations
from pipeline.sites import read_hosts
from pipeline.study import Study, check_lists, read_study

ASKED = (Target.ROBOTS, Target.HOME, Target.DEEP, Target.MISSING)


def main(options: argparse.Namespace) -> int:
    """Make one call of the probe; 1 when a canary failed."""
    study = read_study(options.study)
    require_probe(study)
    check_lists(study)
    if options.dry_run:
        print_plan(study)
        return 0
    part, n = options.shard
    call = ProbeCall(options.due, options.max_seconds, Shard(part - 1, n), options.new)
    try:
        summary = ask(study, call)
    finally:
        if list_campaigns(study.layout):
            publish_observations(study)
    for line in say_summary(summary):
        print(line)
    print(f"evidence  {study.layout.evidence}")
    return 1 if summary.failed_canaries else 0


def print_plan(study: Study) -> None:
    """Print what a probe asks of whom, how long that takes at least, and where the last campaign stands."""
    probe, registry = require_probe(study), read_registry(study.registry)
    arms = make_identities(probe.choose_identities(registry), probe.contact, registry, probe.acknowledgement)
    hosts = read_hosts(study.sites_file) if study.sites_file else ()
    sites = {parse_host(host).registered_domain or host for host in hosts}
    n_requests = len(ASKED) * sum(not arm.is_browser for arm in arms)
    gap_s = max(sum(probe.schedule.request_gap_s) / 2, probe.schedule.domain_interval_s)
    print(f"probe: {len(hosts):,} hosts of {len(sites):,} sites; arms: {', '.join(arm.name for arm in arms)}")
    print(
        f"probe: a block asks a host at most {n_requests} pages ({', '.join(ASKED)} in every arm but the"
        f" browser's), about {n_requests * gap_s / 60:,.0f} minutes; all sites at once"
    )
    print(
        f"probe: hosts whose arms differ, and {probe.schedule.audit_share:.0%} of the others, are asked"
        f" {probe.schedule.confirm_blocks} blocks more, {probe.schedule.block_gap_s / 3600:g} hours apart at"
        f" least and over {probe.schedule.confirm_span_s / 86400:g} days"
    )
    campaign = find_campaign(study.layout)
    if campaign is None:
        print("probe: nothing has been begun yet")
        return
    standing = campaign.standing(time.time())
    print(f"probe: {campaign.run}: {describe(standing)}; {say_standing(standing)}")
