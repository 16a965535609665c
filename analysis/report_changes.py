"""The sections on what changed: the first snapshot against the last, and every change between."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.figure_style import inline
from analysis.figures import Bar, draw_bars, draw_counts
from analysis.report_page import (
    Cell,
    Figure,
    Section,
    Table,
    count,
    extent,
    listing,
    percent,
    share,
    table,
    text,
)
from analysis.report_rows import HeadStart, LevelChange, TransitionCount

ONE_SNAPSHOT = "A comparison takes at least two snapshots that captured the same hosts."


@dataclass(frozen=True, slots=True)
class Became:
    """What a host became: the levels and group matches that count as it; no group match means any."""

    label: str
    color: str
    levels: tuple[str, ...]
    matches: tuple[str, ...] = ()


BY_NAME = Became("in full, by name", "#D55E00", ("all",), ("specific",))
OTHERWISE = Became("refused or unreadable", "#8A8A8A", ())
# In the order of the bars; what no other line takes is refused or unreadable.
BECAME = (
    Became("nothing restricted", "#0072B2", ("none",)),
    Became("no file", "#56B4E9", ("absent",)),
    Became("restricted in part", "#E69F00", ("some",)),
    Became("in full, by wildcard", "#CC79A7", ("all",), ("wildcard", "none")),
    BY_NAME,
    OTHERWISE,
)
OPEN_LEVELS = ("none", "some", "absent")

KINDS = {
    "new_block": "newly restricted in full",
    "tightened": "tightened",
    "removal": "full restriction removed",
    "loosened": "loosened",
    "wildcard_to_named": "wildcard to named",
    "named_to_wildcard": "named to wildcard",
    "became_named": "now named",
    "no_longer_named": "no longer named",
    "robots_appeared": "robots.txt appeared",
    "robots_removed": "robots.txt removed",
    "became_unreadable": "became unreadable",
    "became_readable": "became readable",
    "unreadable_otherwise": "unreadable otherwise",
}


def comparison_section(
    rows: Sequence[LevelChange], agents: tuple[str, ...], first: str, last: str
) -> Section:
    """Of the hosts that were open to an agent in the first snapshot: what are they in the last?"""
    counts = {(agent, became): 0 for agent in agents for became in BECAME}
    for row in rows:
        if row.level_from in OPEN_LEVELS:
            counts[row.agent, find_became(row.level_to, row.group_match_to)] += row.n_hosts
    totals = {agent: sum(counts[agent, became] for became in BECAME) for agent in agents}
    shown = [agent for agent in agents if totals[agent]]
    bars = [Bar(agent, b.label, counts[agent, b] / totals[agent]) for agent in shown for b in BECAME]
    labels = [became.label for became in BECAME]
    svg = draw_bars(bars, labels, [became.color for became in BECAME], f"share of hosts open in {first}")
    closed = listing([f"{agent} {percent(counts[agent, BY_NAME] / totals[agent])}" for agent in shown])
    alt = f"Stacked bars: hosts open in {first}, by their level in {last}. In full, by name: {closed}."
    body = [(text(a), count(totals[a]), *(count(counts[a, became]) for became in BECAME)) for a in shown]
    figure = Figure(
        "endpoints",
        "Open at first, and now?",
        inline(svg, "endpoints", alt),
        f"Hosts captured in both {first} and {last} that were open to the agent in {first}: nothing "
        f"restricted, restricted in part, or no file. n = {extent(list(totals.values()))} hosts per agent. "
        "Unit: host.",
        "endpoint_comparison (n_hosts_observed where is_endpoints, stratum = (all), corpus = hosts)",
        (table(f"Hosts open in {first}, by their level in {last}", ("agent", "open then", *labels), body),),
        ONE_SNAPSHOT,
    )
    return Section("endpoints-section", "From the first snapshot to the last", (), (figure,))


def find_became(level: str, group_match: str) -> Became:
    """What a host with that level and group match became.

    >>> find_became("all", "specific").label
    'in full, by name'
    """
    found = (b for b in BECAME if level in b.levels and (not b.matches or group_match in b.matches))
    return next(found, OTHERWISE)


def head_start_section(rows: Sequence[HeadStart], last: str) -> Section:
    """What was open to each agent when it was first listed, and how much of it is closed now."""
    said = (
        "An agent reads what is open when it appears; a restriction that comes later does not take that "
        "back. Of the hosts open to an agent when it was first listed in public: how many restrict it in "
        f"full in {last}? A host that a snapshot did not capture counts as it was last seen.",
        "Source: head_start (stratum = (all), corpus = hosts). Unit: host.",
    )
    headings = (
        "agent",
        "first listed",
        "snapshot",
        "open then",
        "closed since",
        "of them by name",
        "share closed",
    )
    body = [
        (text(r.agent), text(r.first_listed_on.isoformat()), text(r.snapshot_listed), count(r.n_hosts_open),
         count(r.n_hosts_closed_since), count(r.n_hosts_closed_by_name), share(r.share_closed_since))
        for r in rows
    ]  # fmt: skip
    numbers = table("Open when first listed, closed since", headings, body)
    return Section("head-start", "The head start", said, (), (numbers,))


def transition_section(top: Sequence[TransitionCount], kinds: Sequence[TransitionCount]) -> Section:
    """The most frequent changes of what a host declares to an agent."""
    bars = [Bar(f"{row.agent}: {KINDS.get(row.kind, row.kind)}", "", row.n_hosts) for row in top]
    most = listing([f"{bar.bar} ({bar.value:,.0f})" for bar in bars[:3]])
    alt = f"Bars: hosts by agent and kind of change. Most: {most}."
    n_changes, n_named = sum(row.n_changes for row in kinds), sum(row.n_changes for row in top)
    figure = Figure(
        "transitions",
        "The most frequent changes",
        inline(draw_counts(bars, "hosts"), "transitions", alt),
        "Changes of what a host declares to an agent that its robots.txt names before or after, between two "
        f"snapshots that captured it one after the other. n = {n_named:,} such changes shown, of "
        f"{n_changes:,} over all tracked agents, named or not. Unit: host, counted once per agent and kind.",
        "transitions (distinct hosts by agent and kind, where a group_match is specific)",
        _transition_tables(top, kinds),
        "No host changed what it declares to an agent that it names.",
    )
    return Section("transitions-section", "What changed", (), (figure,))


def _transition_tables(top: Sequence[TransitionCount], kinds: Sequence[TransitionCount]) -> tuple[Table, ...]:
    headings = ("change", "hosts", "changes")
    by_agent = [(text(row.agent), *_kind_cells(row)) for row in top]
    return (
        table("Most frequent changes of agents named", ("agent", *headings), by_agent),
        table(
            "All changes by kind, over all tracked agents, named or not",
            headings,
            [_kind_cells(row) for row in kinds],
        ),
    )


def _kind_cells(row: TransitionCount) -> tuple[Cell, ...]:
    return (text(KINDS.get(row.kind, row.kind)), count(row.n_hosts), count(row.n_changes))
