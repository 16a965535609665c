"""Findings on who is restricted: shares over time by agent, named and wildcard apart, and by weight."""

from analysis.figure_bars import Dots, draw_dots
from analysis.figures import Lines, Measure, draw_lines, draw_panels
from analysis.findings.finding import Finding, Told
from analysis.findings.rows import Rows
from analysis.findings.words import CAPTURED, agent_words, count_of, extent, largest, listing, percent, span

FAMILY = "Who is restricted"
NOBODY = "No host was captured. A snapshot that holds captures of the study's hosts fills this page."
NAMED, WILDCARD, IN_PART = "named, in full", "by wildcard, in full", "named, in part"
MEANING = (
    "Restricted in full means that no path but /robots.txt may be fetched; in part, anything between that "
    "and nothing. Decided by the effect of the rules, not by their spelling.",
    "Shares are of the hosts captured in the very snapshot, however they answered; nothing is carried "
    "forward.",
)


def tell_named(rows: Rows) -> Told:
    """Lines of the share that close to an agent by name."""
    last, first = rows.last(), rows.first()
    most = largest(last.rows, "share_named")
    before = next((row.share_named for row in first if row.agent == most.agent), 0.0)
    since = f", up from {percent(before)} in {first.rows[0].snapshot}" if most.share_named > before else ""
    final = listing([f"{row.agent} {percent(row.share_named)}" for row in last])
    start = _first_named(rows, most.agent)
    return Told(
        f"{most.agent} most: {percent(most.share_named)} of {count_of(most.n_hosts, 'host')} close every "
        "path "
        f"to it by name in {most.snapshot}{since}.",
        "Share of hosts that restrict an agent by name and in full",
        f"{extent(rows.values('n_hosts'))} {CAPTURED} per snapshot",
        "host",
        f"Lines by agent, {span(rows.values('snapshot'))}. Last: {final}.",
        draw_lines(rows, Lines(Measure("share_named", f"share of {CAPTURED}"), "agent")),
        (f"In {most.snapshot}: {final}.", *start),
    )


def _first_named(rows: Rows, agent: str) -> tuple[str, ...]:
    named = rows.where(lambda row: row.agent == agent and row.n_hosts_named)
    if not named:
        return ()
    first = named.rows[0]
    count = count_of(first.n_hosts_named, "host")
    return (f"The first snapshot in which a host does so to {agent} is {first.snapshot}: {count}.",)


def tell_every_agent(rows: Rows) -> Told:
    """Small multiples of the agents that are named anywhere."""
    named = {row.agent for row in rows if row.share_named or row.share_in_part}
    agents = rows.values("agent")
    unnamed = len(agents) - len(named)
    shown = rows.where(lambda row: row.agent in (named or agents[:1]))
    parts = {NAMED: "share_named", WILDCARD: "share_wildcard", IN_PART: "share_in_part"}
    last = rows.last()
    wildcard = largest(last.rows, "share_wildcard")
    closed = [row.agent for row in last if row.share_named > row.share_wildcard]
    return Told(
        f"{len(named)} of {count_of(len(agents), 'tracked agent')} are named by some host in some "
        "snapshot; a "
        f"wildcard closes up to {percent(wildcard.share_wildcard)} of hosts in {wildcard.snapshot}.",
        "Share of hosts that restrict each agent, by name and by wildcard",
        f"{extent(rows.values('n_hosts'))} {CAPTURED} per snapshot",
        "host",
        f"A panel per agent with {NAMED}, {WILDCARD} and {IN_PART}, {span(sorted(rows.values('snapshot')))}.",
        draw_panels(shown.fold(parts), "agent", "part", Measure("value", "share of hosts")),
        (
            f"Agents that more hosts close to by name than by wildcard in {wildcard.snapshot}: "
            f"{listing(closed) or 'none'}.",
            *([f"{count_of(unnamed, 'agent')} named nowhere: in the table only."] if unnamed else []),
        ),
    )


def tell_corpora(rows: Rows) -> Told:
    """Marks by corpus and label at both ends of the study."""
    last = rows.last()
    most = largest(last.rows, "share")
    label = Rows.of(
        (*rows.columns, "line"), [(*row, f"{row.corpus}: {agent_words(row.agent)}") for row in rows]
    )
    snapshot = last.rows[0].snapshot
    return Told(
        f"Most in {most.corpus}: {percent(most.share)} of its captured weight stands on hosts that close "
        f"every path to {agent_words(most.agent)} in {snapshot}.",
        "Share of captured weight on hosts that restrict agents in full, by corpus",
        f"{extent(rows.values('n_hosts'))} hosts captured per corpus and snapshot",
        "weight of the corpus (hosts: one each)",
        "Marks by corpus and agents. "
        + listing([f"{r.corpus}, {agent_words(r.agent)} {percent(r.share)} in {r.snapshot}" for r in last])
        + ".",
        draw_dots(label, Dots(Measure("share", "share of captured weight"), "line", "snapshot")),
        tuple(_corpus_sentence(rows, corpus) for corpus in rows.values("corpus")),
    )


def _corpus_sentence(rows: Rows, corpus: str) -> str:
    of_last = rows.where(lambda row: row.corpus == corpus).last()
    said = listing([f"{agent_words(row.agent)} {percent(row.share)}" for row in of_last])
    return f"{corpus}, {of_last.rows[0].snapshot}: {said}."


FINDINGS = (
    Finding("named", FAMILY, NOBODY, tell_named, MEANING),
    Finding("every-agent", FAMILY, NOBODY, tell_every_agent, (
        *MEANING,
        "An agent that did not exist yet can only be restricted by wildcard.",
    )),
    Finding(
        "corpora",
        FAMILY,
        "The study's hosts have no weights. A numeric column in the sites file (tokens of a corpus) fills "
        "this "
        "page.",
        tell_corpora,
        (*MEANING, "The weight of hosts that no snapshot holds is not in the share."),
    ),
)  # fmt: skip
