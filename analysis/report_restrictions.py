"""The section on who is restricted: shares over time by agent, named and wildcard apart."""

from collections.abc import Sequence

from analysis.figure_style import inline
from analysis.figures import PanelPoint, Point, draw_lines, draw_panels
from analysis.report_page import (
    CAPTURED,
    NOBODY,
    Cell,
    Figure,
    Section,
    Table,
    count,
    extent,
    listing,
    percent,
    share,
    span,
    table,
    text,
)
from analysis.report_rows import AgentShare

NAMED, WILDCARD, IN_PART = "named, in full", "by wildcard, in full", "named, in part"

SAID = (
    "Restricted in full means that no path but /robots.txt may be fetched; in part means anything between "
    "that and nothing. Named means that a group of the file names the agent; by wildcard means that only the "
    "group of * speaks to it. Shares are of the hosts captured in the snapshot, however they answered.",
)


def restriction_section(
    rows: Sequence[AgentShare],
    agents: tuple[str, ...],
    every_row: Sequence[AgentShare],
    every_agent: tuple[str, ...],
) -> Section:
    """Share of hosts that restrict an agent over time: the most restricted side by side, then all of them."""
    figures = (_named_figure(rows, agents), _panel_figure(every_row, every_agent))
    return Section("restrictions", "Who is restricted", SAID, figures)


def ends_table(rows: Sequence[AgentShare], agents: tuple[str, ...]) -> Table:
    """The headline: who restricts each agent in full, in the first and the last snapshot with captures."""
    known = {(row.snapshot, row.agent): row for row in rows if row.named_all is not None}
    snapshots = sorted({snapshot for snapshot, _ in known})
    ends = list(dict.fromkeys([*snapshots[:1], *snapshots[-1:]]))
    headings = [
        f"{end.removeprefix('CC-MAIN-')}: {part}" for end in ends for part in ("by name", "by wildcard")
    ]
    body = [(text(agent), *(_end_cells(known, ends, agent))) for agent in agents if ends]
    return table("Share of hosts captured that restrict the agent in full", ("agent", *headings), body)


def _end_cells(known: dict[tuple[str, str], AgentShare], ends: list[str], agent: str) -> list[Cell]:
    rows = [known[end, agent] for end in ends]
    return [cell for row in rows for cell in (share(row.named_all), share(row.wildcard_all))]


def _named_figure(rows: Sequence[AgentShare], agents: tuple[str, ...]) -> Figure:
    lines = [Point(row.starts_on, row.agent, row.named_all) for row in rows]
    svg = draw_lines(lines, agents, f"share of {CAPTURED}")
    known = [row for row in rows if row.named_all is not None]
    last = [row for row in known if row.snapshot == known[-1].snapshot]
    final = listing([f"{row.agent} {percent(row.named_all or 0)}" for row in last])
    period = span([row.snapshot for row in known])
    alt = f"Lines: share of {CAPTURED} that restrict an agent by name and in full, {period}. Last: {final}."
    return Figure(
        "named",
        "Hosts that restrict an agent by name and in full",
        inline(svg, "named", alt),
        f"Share of {CAPTURED} whose robots.txt names the agent and closes every path to it: the "
        f"{len(agents)} tracked agents with the largest share in the last snapshot. {_n_of(rows)} "
        "Unit: host.",
        "declared_levels (share_of_observed where level = all, group_match = specific, stratum = (all), "
        "corpus = hosts)",
        (_named_table(rows, agents),),
        NOBODY,
    )


def _named_table(rows: Sequence[AgentShare], agents: tuple[str, ...]) -> Table:
    grouped: dict[str, list[AgentShare]] = {}
    for row in rows:
        grouped.setdefault(row.snapshot, []).append(row)
    body = [
        (text(snapshot), count(of[0].n_observed), *(share(row.named_all) for row in of))
        for snapshot, of in grouped.items()
    ]
    return table("Share restricting by name and in full", ("snapshot", "n", *agents), body)


def _panel_figure(rows: Sequence[AgentShare], agents: tuple[str, ...]) -> Figure:
    named = {row.agent for row in rows if row.named_all or row.named_some}
    shown = [agent for agent in agents if agent in named] or list(agents[:1])
    drawn = [
        PanelPoint(row.starts_on, row.agent, series, value)
        for row in rows
        if row.agent in shown
        for series, value in ((NAMED, row.named_all), (WILDCARD, row.wildcard_all), (IN_PART, row.named_some))
    ]
    svg = draw_panels(drawn, shown, (NAMED, WILDCARD, IN_PART), "share of hosts")
    period = span([row.snapshot for row in rows])
    alt = f"Small multiples by agent: {NAMED}, {WILDCARD} and {IN_PART}, share of {CAPTURED}, {period}."
    n_others = len(agents) - len(shown)
    others = (
        f" The other {n_others} are restricted by name nowhere; the table has them too." if n_others else ""
    )
    return Figure(
        "named-and-wildcard",
        "Every tracked agent, named and wildcard apart",
        inline(svg, "named-and-wildcard", alt),
        f"Share of {CAPTURED}, by how they restrict the agent: {len(shown)} of {len(agents)} tracked agents, "
        f"those most restricted by name first.{others} {_n_of(rows)} Unit: host.",
        "declared_levels (share_of_observed where stratum = (all), corpus = hosts)",
        (_panel_table(rows),),
        NOBODY,
    )


def _panel_table(rows: Sequence[AgentShare]) -> Table:
    return table(
        "Shares by snapshot and agent",
        ("snapshot", "agent", "n", NAMED, WILDCARD, IN_PART),
        [(text(r.snapshot), text(r.agent), count(r.n_observed), *_shares(r)) for r in rows],
    )


def _shares(row: AgentShare) -> tuple[Cell, ...]:
    return (share(row.named_all), share(row.wildcard_all), share(row.named_some))


def _n_of(rows: Sequence[AgentShare]) -> str:
    return f"n = {extent([row.n_observed for row in rows])} hosts per snapshot."
