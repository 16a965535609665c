"""The rows that the report is made of: what a reader's query gives and what a figure takes."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured. `first` and `last` are snapshot ids, empty without a snapshot."""

    n_hosts: int
    n_hosts_captured: int
    n_snapshots: int
    first: str
    last: str
    n_captures: int
    n_bodies: int
    n_agents: int
    dialect: str
    dialect_version: str
    dialect_summary: str
    registry_digest: str


@dataclass(frozen=True, slots=True)
class AgentShare:
    """How many of the hosts captured in a snapshot restrict an agent in full, or in part.

    The shares are None when no host was captured in the snapshot. `starts_on` is the day it began.
    """

    snapshot: str
    starts_on: date
    agent: str
    n_observed: int
    named_all: float | None
    wildcard_all: float | None
    named_some: float | None


@dataclass(frozen=True, slots=True)
class LevelChange:
    """Hosts captured in the first and the last snapshot, by their level for an agent at both ends."""

    agent: str
    level_from: str
    level_to: str
    group_match_to: str
    n_hosts: int


@dataclass(frozen=True, slots=True)
class TransitionCount:
    """How often one kind of change was seen for an agent, on how many hosts."""

    agent: str
    kind: str
    n_changes: int
    n_hosts: int


@dataclass(frozen=True, slots=True)
class AnswerShare:
    """How many of the hosts captured in a snapshot were answered in one way."""

    snapshot: str
    starts_on: date
    access_state: str
    n_hosts: int
    share: float | None


@dataclass(frozen=True, slots=True)
class ParserShare:
    """Share of captured hosts that restrict an agent in full in the last snapshot, under one dialect."""

    agent: str
    dialect: str
    n_hosts: int
    n_hosts_differ: int
    share_all: float
    difference_points: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was read of a snapshot and how many of the study's hosts it holds."""

    snapshot: str
    starts_on: date
    n_files_planned: int
    n_files_read: int
    n_captures: int
    n_hosts_observed: int
    n_hosts_carried: int
    n_hosts_never_captured: int
    n_records_lost: int
    notes: str


@dataclass(frozen=True, slots=True)
class Loss:
    """What was lost or passed over for one reason, over all snapshots."""

    stage: str
    reason: str
    n_snapshots: int
    n_records: int
    n_bytes: int


@dataclass(frozen=True, slots=True)
class CorpusShare:
    """Part of a corpus' weight on hosts that restrict an agent in full, among hosts captured."""

    corpus: str
    agent: str
    snapshot: str
    n_hosts: int
    share_all: float


@dataclass(frozen=True, slots=True)
class HeadStart:
    """Hosts open to an agent when it was first listed, and those of them closed in the last snapshot."""

    agent: str
    first_listed_on: date
    snapshot_listed: str
    n_hosts_open: int
    n_hosts_closed_since: int
    n_hosts_closed_by_name: int
    share_closed_since: float | None
