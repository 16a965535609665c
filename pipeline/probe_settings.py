"""What the study file says of the live probe: who asks, how politely, and what may be asked faster."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from consent.agents import Registry
from crawler.identities import IdentityError, make_identities
from crawler.network import NetworkError, read_test_network
from crawler.schedule import Schedule
from pipeline.key import Problem
from pipeline.sites import read_hosts

PROTOCOL = Schedule()
MAIN_AGENTS = ("GPTBot", "ClaudeBot", "CCBot")
"""Whose tokens are tried unless the study file says otherwise: each more is a request more of every page."""
# RFC 6761: no public site has such a name.
RESERVED = (".test", ".example", ".invalid", ".localhost")


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """The sections `[probe]` and `[probe.schedule]`. Paths are absolute.

    `contact` is a URL. `identities` is None when the study file names none. `acknowledgement` is the reason
    for `exact:` identities, empty unless it is acknowledged that they impersonate.
    """

    contact: str
    identities: tuple[str, ...] | None = None
    schedule: Schedule = field(default_factory=Schedule)
    acknowledgement: str = ""
    test_network: Path | None = None
    opt_out: Path | None = None
    canaries: tuple[str, ...] = ()
    name_servers: tuple[str, ...] = ()
    chromium: Path | None = None

    def choose_identities(self, registry: Registry) -> tuple[str, ...]:
        """The arms by name: those of the study file, else the controls and the main agents that it lists."""
        if self.identities is not None:
            return self.identities
        tokens = (f"token:{agent}" for agent in MAIN_AGENTS if registry.lists(agent))
        return ("honest", "honest2", "placebo", *tokens, "browser_ua", "chromium")


def build_probe(path: Path, values: Mapping[str, object]) -> ProbeSettings:
    """The settings out of checked values by the names of their keys; `path` is that of the study file."""

    def file(key: str) -> Path | None:
        return (path.parent / str(values[key])).resolve() if values[key] else None

    def texts(key: str) -> tuple[str, ...]:
        value = values[key]
        return tuple(map(str, value)) if isinstance(value, list) else ()

    contact, is_acknowledged = str(values["probe.contact"]), values["probe.acknowledge_impersonation"] is True
    return ProbeSettings(
        contact=contact if "://" in contact else f"mailto:{contact}",
        identities=texts("probe.identities") or None,
        schedule=_schedule(values),
        acknowledgement=str(values["probe.impersonation_reason"]) if is_acknowledged else "",
        test_network=file("probe.test_network"),
        opt_out=file("probe.opt_out"),
        canaries=tuple(host.strip().lower() for host in texts("probe.canaries")),
        name_servers=texts("probe.name_servers"),
        chromium=file("probe.chromium"),
    )


def _schedule(values: Mapping[str, object]) -> Schedule:
    def number(key: str, default: float) -> float:
        value = values[f"probe.schedule.{key}"]
        return default if value is None else float(str(value))

    gap, block_gap_s = values["probe.schedule.request_gap_s"], number("block_gap_s", PROTOCOL.block_gap_s)
    bounds = PROTOCOL.request_gap_s if gap is None else gap if isinstance(gap, list) else [gap, gap]
    # A compressed protocol shrinks as a whole.
    share = min(1.0, block_gap_s / PROTOCOL.block_gap_s)
    return Schedule(
        request_gap_s=(float(str(bounds[0])), float(str(bounds[1]))),
        domain_interval_s=number("domain_interval_s", PROTOCOL.domain_interval_s),
        block_gap_s=block_gap_s,
        confirm_blocks=int(number("confirm_blocks", PROTOCOL.confirm_blocks)),
        confirm_span_s=PROTOCOL.confirm_span_s * share,
        audit_share=number("audit_share", PROTOCOL.audit_share),
        retry_wait_s=PROTOCOL.retry_wait_s * share,
    )


def check_probe(probe: ProbeSettings) -> list[Problem]:
    """What is wrong with the settings as such; files are only looked for."""
    problems = list(_missing_files(probe))
    impersonated = [name for name in probe.identities or () if name.startswith("exact:")]
    if impersonated and not probe.acknowledgement:
        what = f"{impersonated[0]} presents the exact user agent of another"
        fix = 'leave it out, or add acknowledge_impersonation = true and impersonation_reason = "…"'
        problems.append(Problem("probe", "identities", what, fix))
    if probe.test_network is None:
        problems.extend(
            Problem(
                "probe.schedule",
                key,
                f"{given} is below {least}, the protocol's value for public sites",
                f"give {least} or more, or add [probe] test_network",
            )
            for key, given, least in iter_below_protocol(probe.schedule)
        )
    return problems


def _missing_files(probe: ProbeSettings) -> Iterator[Problem]:
    files = (
        ("test_network", probe.test_network, "a CSV file with host, address and port"),
        ("opt_out", probe.opt_out, "a file of hosts, one a line"),
        ("chromium", probe.chromium, "a Chromium program"),
    )
    for key, file, what in files:
        if file is not None and not file.is_file():
            fix = f"give the path of {what}, relative to the study file"
            yield Problem("probe", key, f"there is no file {file}", fix)


def iter_below_protocol(schedule: Schedule) -> Iterator[tuple[str, str, str]]:
    """What of the schedule is below the protocol's: key, value and the protocol's value as text."""
    given, least = schedule.request_gap_s, PROTOCOL.request_gap_s
    if given[0] < least[0] or given[1] < least[1]:
        yield "request_gap_s", f"[{given[0]:g}, {given[1]:g}]", f"[{least[0]:g}, {least[1]:g}]"
    for key in ("domain_interval_s", "block_gap_s", "confirm_blocks", "audit_share"):
        if getattr(schedule, key) < getattr(PROTOCOL, key):
            yield key, f"{getattr(schedule, key):g}", f"{getattr(PROTOCOL, key):g}"


def check_probe_lists(probe: ProbeSettings, sites_file: Path, registry: Registry) -> list[Problem]:
    """What is wrong with the lists that the probe rests on; they are read. Raises ListError."""
    problems = []
    try:
        names = probe.choose_identities(registry)
        make_identities(names, probe.contact, registry, probe.acknowledgement)
    except IdentityError as error:
        key, _, text = str(error).partition(": ")
        problems.append(_problem_of(key, text))
    try:
        network = read_test_network(probe.test_network) if probe.test_network else {}
    except NetworkError as error:
        return [*problems, _problem_of("test_network", str(error))]
    hosts = [*read_hosts(sites_file), *probe.canaries]
    return [*problems, *check_pace(probe.schedule, hosts, network)]


def check_pace(schedule: Schedule, hosts: Iterable[str], network: Container[str]) -> list[Problem]:
    """Whether the schedule asks more of public hosts than the protocol does; `network` are the test hosts."""
    below = next(iter_below_protocol(schedule), None)
    public = [host for host in hosts if not _is_test_name(host, network)] if below else []
    if not below or not public:
        return []
    what = f"{below[1]} is for test networks, and {public[0]} ({len(public)} in all) is not in that one"
    fix = f"give {below[2]} or more, or leave such hosts out of [sites] file and canaries"
    return [Problem("probe.schedule", below[0], what, fix)]


def _problem_of(key: str, text: str) -> Problem:
    """An error of the crawler's as one of the study file: it says what is wrong, then mostly a fix."""
    what, _, fix = text.rpartition("; ")
    return Problem("probe", key, what, fix) if what else Problem("probe", key, text, "mend it")


def _is_test_name(host: str, network: Container[str]) -> bool:
    return host in network or host.endswith(RESERVED)
