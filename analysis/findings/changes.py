"""Findings on what changed: the first snapshot against the last, head starts, and every change between."""

from analysis.figure_bars import draw_counts, draw_parts
from analysis.figures import Measure
from analysis.findings.finding import Finding, Told
from analysis.findings.rows import Rows
from analysis.findings.words import count_of, extent, largest, listing, percent

FAMILY = "What changed"
BY_NAME = "in full, by name"
# In the order of the bars.
BECAME = {
    "nothing restricted": "#0072B2",
    "no file": "#56B4E9",
    "restricted in part": "#E69F00",
    "in full, by wildcard": "#CC79A7",
    BY_NAME: "#D55E00",
    "refused or unreadable": "#8A8A8A",
}
ONE_SNAPSHOT = (
    "No host was captured in a first and in a later snapshot: a comparison takes at least two snapshots "
    "that captured the same hosts."
)


def tell_endpoints(rows: Rows) -> Told:
    """Bars by agent of what the open hosts became."""
    totals = dict.fromkeys(rows.values("agent"), 0)
    for row in rows:
        totals[row.agent] += row.n_hosts
    named = {row.agent: row for row in rows if row.became == BY_NAME}
    top = max(totals, key=lambda agent: named[agent].share if agent in named else 0.0)
    share, n = (named[top].share, named[top].n_hosts) if top in named else (0.0, 0)
    one = rows.rows[0]
    closed = listing([f"{agent} {percent(named[agent].share)}" for agent in totals if agent in named])
    return Told(
        f"Of {count_of(totals[top], 'host')} open to {top} in {one.snapshot_from}, {n:,} "
        f"({percent(share)}) close every path to it by name in {one.snapshot_to}.",
        f"Hosts open to an agent in {one.snapshot_from}, by what they are to it in {one.snapshot_to}",
        f"{extent(list(totals.values()))} hosts per agent, captured in both snapshots",
        "host",
        f"Stacked bars by agent. {BY_NAME}: {closed or 'none'}.",
        draw_parts(rows, "agent", "became", tuple(BECAME), tuple(BECAME.values()),
                   Measure("share", f"share of hosts open in {one.snapshot_from}")),
        (f"Closed by name, of the hosts that were open: {closed or 'none'}.",),
    )  # fmt: skip


def tell_head_start(rows: Rows) -> Told:
    """Bars by agent of the share closed since it was listed."""
    top = rows.rows[0]
    return Told(
        f"{top.agent} most: of {count_of(top.n_hosts_open, 'host')} open when it was first listed, "
        f"{percent(top.share_closed_since)} are closed to it in {top.snapshot_now}.",
        "Share of the hosts open to an agent when it was first listed that are closed to it now",
        f"{extent(rows.values('n_hosts_open'))} hosts open per agent",
        "host",
        "Bars by agent: " + listing([f"{row.agent} {percent(row.share_closed_since)}" for row in rows]) + ".",
        draw_counts(rows, "agent", Measure("share_closed_since", "share closed since", "~%", ".2%")),
        (
            f"To {top.agent}, {top.n_hosts_closed_since:,} hosts have closed since {top.first_listed_on}, "
            f"{top.n_hosts_closed_by_name:,} of them by name.",
        ),
    )


def tell_transitions(rows: Rows) -> Told:
    """Bars of the most frequent changes by agent."""
    top = rows.rows[0]
    labelled = Rows.of((*rows.columns, "line"), [(*row, f"{row.agent}: {row.change}") for row in rows])
    most = listing([f"{row.line} ({row.n_hosts:,})" for row in labelled.rows[:3]])
    return Told(
        f"{top.agent}, {top.change}: {count_of(top.n_hosts, 'host')}.",
        "Hosts by agent and kind of change, of agents that the file names",
        f"{sum(row.n_changes for row in rows):,} changes in the lines shown",
        "host, counted once per agent and kind",
        f"Bars by agent and kind of change. Most: {most}.",
        draw_counts(labelled, "line", Measure("n_hosts", "hosts", ",d", ",d")),
        (f"The most frequent: {most}.",),
    )


def tell_change_kinds(rows: Rows) -> Told:
    """Bars of hosts by kind of change."""
    n_hosts = {row.change: row.n_hosts for row in rows}
    closed, opened = n_hosts.get("newly restricted in full", 0), n_hosts.get("full restriction removed", 0)
    most = largest(rows.rows, "n_hosts")
    return Told(
        f"{count_of(closed, 'host')} newly restricted an agent in full, {opened:,} removed a full "
        "restriction.",
        "Hosts by kind of change, over all tracked agents",
        f"{sum(row.n_changes for row in rows):,} changes",
        "host, counted once per kind",
        f"Bars by kind of change. Most: {most.change} ({most.n_hosts:,}).",
        draw_counts(rows, "change", Measure("n_hosts", "hosts", ",d", ",d")),
        (f"The most frequent kind is {most.change}: {most.n_hosts:,} hosts, {most.n_changes:,} changes.",),
    )


CHANGES = (
    "A change is seen between two snapshots that captured the host one after the other; carrying an old "
    "answer "
    "forward never makes one.",
    "A host that names no agent changes for all of them at once: one edit of * counts for every tracked "
    "agent.",
)
FINDINGS = (
    Finding("endpoints", FAMILY, ONE_SNAPSHOT, tell_endpoints, (
        "Only hosts captured in both snapshots count. Open means nothing restricted, restricted in part, "
        "or no "
        "file.",
    )),
    Finding(
        "head-start",
        FAMILY,
        "No tracked agent was first listed after the first snapshot of the study. Snapshots from before an "
        "agent "
        "was listed fill this page.",
        tell_head_start,
        (
            "An agent reads what is open when it appears; a restriction that comes later does not take "
            "that back.",
            "A host that a snapshot did not capture counts as it was last seen.",
        ),
    ),
    Finding("transitions", FAMILY, "No host changed what it declares to an agent that it names. Snapshots "
            "further apart, or more of them, may show changes.", tell_transitions, CHANGES),
    Finding("change-kinds", FAMILY, "No host changed what it declares. Snapshots further apart, or more of "
            "them, may show changes.", tell_change_kinds, CHANGES),
)  # fmt: skip
