"""Findings on who is closed to whom: by operator, purpose, group, domain, language and management."""

from collections.abc import Callable

from analysis.figure_bars import Dots, draw_dots, draw_parts
from analysis.figures import Measure
from analysis.findings.finding import Finding, Told
from analysis.findings.rows import Row, Rows
from analysis.findings.words import agent_words, count_of, extent, largest, listing, percent

FAMILY = "Who is closed to whom"
PARTS = {"by name": "share_named", "by wildcard": "share_wildcard"}
COLORS = ("#D55E00", "#CC79A7")
NOT_LISTED = (
    "No host is known in the last snapshot, or no agent was listed by then. Captures of the study's hosts "
    "after an "
    "agent was listed fill this page."
)
MEANING = (
    "Closed means that no path but /robots.txt may be fetched. What is known counts, captured in the last "
    "snapshot or "
    "before.",
    "An agent counts only from the day on which it was first listed; AI leaves out archives and search "
    "engines.",
)


def tell_by(noun: str, title: str) -> Callable[[Rows], Told]:
    """What a breakdown says; `noun` is what a category is."""

    def tell(rows: Rows) -> Told:
        top = _top(rows)
        whom = f" to {agent_words(top.agent)}" if len(rows.values("agent")) == 1 else ""
        said = [f"{row.category} {percent(row.share_closed)}" for row in rows]
        return Told(
            f"Most closed{whom}: {top.category}, {percent(top.share_closed)} of "
            f"{count_of(top.n_hosts, 'host')} in {top.snapshot}.",
            f"{title} in {top.snapshot}",
            f"{extent(rows.values('n_hosts'))} hosts known per {noun}",
            "host",
            f"Stacked bars by {noun}, by name and by wildcard. {listing(said[:8])}.",
            draw_parts(
                rows.fold(PARTS), "category", "part", tuple(PARTS), COLORS,
                Measure("value", "share of hosts known"), is_whole=False,
            ),
            (f"{listing(said)}.", *_least(rows, noun)),
        )  # fmt: skip

    return tell


def _top(rows: Rows) -> Row:
    """The category most closed, of those with as many hosts as a share can be read from."""
    return largest([row for row in rows if row.n_hosts >= 30] or list(rows), "share_closed")


def _least(rows: Rows, noun: str) -> tuple[str, ...]:
    if len(rows) < 2:
        return ()
    low = min(rows, key=lambda row: row.share_closed)
    return (f"The {noun} least closed is {low.category}: {percent(low.share_closed)}.",)


def tell_match(rows: Rows) -> Told:
    """Marks by agent: of the hosts that name it and of those that do not, the share that is closed."""
    top = rows.rows[0]
    named = rows.where(lambda row: row.spoken_to_by == "named")
    return Told(
        f"{top.agent}: of {count_of(top.n_hosts, 'host')} where it is {top.spoken_to_by}, "
        f"{percent(top.share_closed)} close every path in {top.snapshot}."
        if top.spoken_to_by == "named"
        else f"No host names an agent in {top.snapshot}.",
        f"Share of hosts that close every path to an agent in {top.snapshot}, where it is named and where "
        "not",
        f"{extent(rows.values('n_hosts'))} hosts per agent and group",
        "host",
        "Marks by agent. Named: "
        + listing([f"{row.agent} {percent(row.share_closed)}" for row in named])
        + ".",
        draw_dots(rows, Dots(Measure("share_closed", "share closed"), "agent", "spoken_to_by")),
        tuple(
            f"{row.agent}, named by {count_of(row.n_hosts, 'host')}: {row.n_hosts_closed:,} close every path "
            f"({percent(row.share_closed)})."
            for row in named
        ),
    )


FINDINGS = (
    Finding("by-operator", FAMILY, NOT_LISTED,
            tell_by("operator", "Share of hosts that are closed to an operator's agents"), MEANING),
    Finding("by-purpose", FAMILY, NOT_LISTED,
            tell_by("purpose", "Share of hosts that are closed to the agents of a purpose"), MEANING),
    Finding("by-match", FAMILY, NOT_LISTED, tell_match, (
        *MEANING, "To be named is not to be closed: a group may name an agent to let it in.",
    )),
    Finding("by-tld", FAMILY, NOT_LISTED,
            tell_by("top-level domain", "Share of hosts closed to AI agents, by top-level domain"), MEANING),
    Finding("by-language", FAMILY, NOT_LISTED,
            tell_by("language", "Share of hosts closed to AI agents, by language region"), (
                *MEANING, "The language is that of the country of the top-level domain, not of the page.",
            )),
    Finding("by-management", FAMILY, NOT_LISTED,
            tell_by("author", "Share of hosts closed to AI agents, by who wrote robots.txt"), (
                *MEANING, "Nobody known: no system signed the file; hand-written, as far as can be told.",
            )),
)  # fmt: skip
