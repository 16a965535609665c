"""How the releases of a study are read: settled from what `discover` has learnt of them, and said why."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from pipeline.costs import Cost, ReleaseSize, Tariff, format_bytes
from pipeline.execute import Traffic
from pipeline.manifest import StageEntry
from pipeline.modes import SETTLED, Choice, Mode, Options, choose_mode
from pipeline.sites import read_hosts
from pipeline.study import Study, StudyError
from pipeline.tasks import Receipt, State

# http and https, bare and www.
URLS_PER_HOST = 4


def wants_index(study: Study) -> bool:
    """Whether the columnar index may be of use: the study names its hosts and does not insist on a scan."""
    return study.sites_file is not None and study.mode != Mode.SCAN


def tariff_of(study: Study) -> Tariff:
    """How fast the study's archive may be read."""
    is_remote = urlsplit(study.archive_root).scheme not in ("", "file")
    return Tariff(is_remote, study.requests_per_s, study.workers)


def settle(study: Study, listed: Mapping[str, Receipt], held: Mapping[str, Mode]) -> dict[str, Choice]:
    """How each release is read, oldest first; `held` are the modes of releases that were settled before.

    A release keeps its mode as long as the study file leaves the choice open, so that nothing is read
    twice. StudyError when the study insists on an index that a release does not have, or on a sample of it.
    """
    n_hosts = len(read_hosts(study.sites_file)) if study.sites_file and wants_index(study) else None
    wanted, choices = Mode(study.mode), dict[str, Choice]()
    for snapshot, receipt in sorted(listed.items()):
        options = options_of(receipt, n_hosts, is_first=not choices)
        # Of a listing that failed nothing is known; it may be missing by leave.
        if wanted is Mode.INDEX and receipt.state is State.DONE:
            _check_index(study, snapshot, options)
        choices[snapshot] = choose_mode(wanted, options, tariff_of(study))
        if wanted is Mode.AUTO and snapshot in held and is_possible(held[snapshot], options):
            choices[snapshot] = Choice(held[snapshot], Cost(), SETTLED)
    return choices


def _check_index(study: Study, snapshot: str, options: Options) -> None:
    if not options.size.n_index_files:
        raise StudyError(
            f"{study.path}: [archive] mode: the archive has no columnar index of robots.txt for"
            f' {snapshot}. Fix: set mode = "auto", or leave the release out of crawls.'
        )
    if options.n_files_selected < options.size.n_files:
        raise StudyError(
            f"{study.path}: [archive] serials: mode index looks up every host of [sites] file and reads no"
            ' sample of the serials. Fix: remove serials, or set mode = "scan".'
        )


def settled_modes(discovered: StageEntry | None) -> dict[str, Mode]:
    """How the releases of an earlier `discover` are read; without those whose files could not be listed."""
    releases = discovered.snapshots if discovered else ()
    return {facts.snapshot: Mode(facts.mode) for facts in releases if facts.n_warc_bytes}


def options_of(receipt: Receipt, n_hosts: int | None, is_first: bool) -> Options:
    """What the choice for a release depends on, from the receipt of its listing."""
    counts = receipt.counts
    size = ReleaseSize(
        counts.get("files", 0),
        counts.get("warc_bytes", 0),
        counts.get("index_files", 0),
        counts.get("index_bytes", 0),
    )
    n_serials = counts.get("serials", 0)
    n_shard_files = None
    if n_serials and n_hosts is not None:
        # URLs fall on serials as if by chance.
        share = 1 - (1 - 1 / n_serials) ** (URLS_PER_HOST * n_hosts)
        n_shard_files = round(size.n_files * share)
    return Options(size, counts.get("files_selected", size.n_files), n_shard_files, n_hosts, is_first)


def is_possible(mode: Mode, options: Options) -> bool:
    """Whether a release can be read in a mode: a sample of its serials only by a scan."""
    if options.n_files_selected < options.size.n_files:
        return mode is Mode.SCAN
    if mode is Mode.INDEX:
        return options.n_hosts is not None and options.size.n_index_files > 0
    return mode is Mode.SCAN or (mode is Mode.SHARD and options.n_shard_files is not None)


def say_traffic(traffic: Traffic, listed: StageEntry) -> Iterator[str]:
    """What reading by index has cost in this run, beside what a scan of the releases read; or nothing.

    `listed` is what `discover` has found.
    """
    # A folder is asked no requests.
    if not traffic.n_requests:
        return
    read = {partition.removeprefix("snapshot=") for partition in traffic.partitions}
    n_scanned = sum(facts.n_warc_bytes for facts in listed.snapshots if facts.snapshot in read)
    releases = f"{len(read)} release{'' if len(read) == 1 else 's'}"
    yield (
        f"index: {traffic.n_requests:,} requests, {format_bytes(traffic.n_bytes)} for"
        f" {traffic.n_bodies:,} new bodies; scanning {releases} would have read {format_bytes(n_scanned)}"
    )
