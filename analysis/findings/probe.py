"""Findings of the live probe: what sites do, next to what they declare, and how often the probe errs."""

from analysis.figure_bars import Dots, draw_dots, draw_parts
from analysis.figures import Measure
from analysis.findings.finding import Finding, Told
from analysis.findings.rows import Rows
from analysis.findings.words import extent, interval, listing, percent

FAMILY = "What sites do"
SEEN = {
    "open": "#0072B2",
    "blocks the token": "#D55E00",
    "blocks any word ending in bot": "#CC79A7",
    "lets only browsers pass": "#E69F00",
    "asks a price": "#009E73",
    "robots.txt selective or unreadable": "#56B4E9",
    "not told": "#8A8A8A",
}
BLOCKS = tuple(SEEN)[1:4]
NO_PROBE = "Nothing was probed. A [probe] section in the study file and `crawlcensus probe` fill this page."
MEANING = (
    "A verdict says that requests that bore the agent's token, sent from an unverified address, were refused "
    "while others of the same make were served; it says nothing of the operator's own crawler, and owners "
    "often do not know what stands in front of their site.",
    "Undeclared is a block where robots.txt allows the agent or is absent. Evidence that does not suffice "
    "stays "
    "insufficient.",
)


def tell_verdicts(rows: Rows) -> Told:
    """Bars by agent of what hosts did."""
    agents, one = rows.values("agent"), rows.rows[0]
    totals = {a: sum(row.n_hosts for row in rows if row.agent == a) for a in agents}
    blocked = {a: sum(r.n_hosts for r in rows if r.agent == a and r.seen in BLOCKS) for a in agents}
    hidden = {a: sum(r.n_hosts for r in rows if r.agent == a and r.is_undeclared) for a in agents}
    top = max(agents, key=lambda agent: blocked[agent] / totals[agent])
    said = listing([f"{agent} {percent(blocked[agent] / totals[agent])}" for agent in agents])
    return Told(
        f"{percent(blocked[top] / totals[top])} of {totals[top]:,} hosts block requests that bear {top}'s "
        "token; "
        f"{hidden[top]:,} do so without declaring it.",
        "Share of hosts by what they did to requests that bear an agent's token",
        f"{extent(list(totals.values()))} hosts per agent, run {one.run}",
        "host",
        f"Stacked bars by agent. Blocked: {said}.",
        draw_parts(
            rows, "agent", "seen", tuple(SEEN), tuple(SEEN.values()), Measure("share", "share of hosts asked")
        ),
        (
            f"Blocked: {said}.",
            f"Run {one.run}: {one.n_hosts_asked:,} hosts, {one.n_requests:,} requests, at most "
            f"{one.n_blocks:,} blocks a host; criteria version {one.criteria_version}.",
        ),
    )


def tell_rates(rows: Rows) -> Told:
    """Rates with their intervals."""
    known = rows.where(lambda row: row.share is not None)
    labelled = Rows.of((*known.columns, "line"), [(*r, f"{r.rate}, {r.arm}") for r in known])
    shown = labelled.where(lambda row: row.share_low is not None) or labelled
    worst = max(known, key=lambda row: row.share)
    return Told(
        f"The largest of {len(known)} rates is {percent(worst.share)} ({worst.n:,} of {worst.n_of:,}): "
        f"{worst.rate}, {worst.arm}.",
        "Rates that tell how sure the probe is, with 95 % intervals",
        f"{extent(known.values('n_of'))} hosts or blocks per rate, run {rows.rows[0].run}",
        "host or block",
        "Marks with intervals: " + listing([f"{row.line} {percent(row.share)}" for row in shown]) + ".",
        draw_dots(shown, Dots(Measure("share", "rate"), "line", "run", "share_low", "share_high")),
        tuple(
            f"{row.line}: {row.n:,} of {row.n_of:,} = {percent(row.share)} "
            f"({interval(row.share_low, row.share_high)})."
            for row in labelled
        ),
    )


FINDINGS = (
    Finding("verdicts", FAMILY, NO_PROBE, tell_verdicts, MEANING),
    Finding("probe-rates", FAMILY, NO_PROBE, tell_rates, (
        "An interval resamples registrable domains; where they are too few there is none.",
    )),
)  # fmt: skip
