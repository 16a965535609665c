"""Findings on how long hosts stay open, and how many close and open again."""

from analysis.figure_curves import draw_steps, start_of_axis
from analysis.figures import Lines, Measure, draw_lines
from analysis.findings.finding import Finding, Told
from analysis.findings.rows import Rows
from analysis.findings.words import COMBINED, count_of, extent, interval, listing, percent

FAMILY = "What changed"
PARTS = {"open hosts that closed": "share_closed", "closed hosts that opened": "share_reopened"}


def tell_survival(rows: Rows) -> Told:
    """Curves by agent with their bands."""
    ends = list({row.agent: row for row in rows}.values())
    lowest = min(ends, key=lambda row: row.share_open)
    said = [f"{row.agent} {percent(row.share_open)} after {row.years:,.1f} years" for row in ends]
    near = "; the axis begins near the values" if start_of_axis(rows.values("share_low")) else ""
    return Told(
        f"{percent(lowest.share_open)} of hosts are still open to {lowest.agent} after {lowest.years:,.1f} "
        "years "
        f"(95 % interval {interval(lowest.share_low, lowest.share_high)}).",
        "Share of hosts still open to an agent, by years since it was first listed",
        f"{extent(rows.values('n_hosts'))} hosts ever seen open per agent{near}",
        "host",
        f"Curves in steps by agent, with 95 % bands. {listing(said)}.",
        draw_steps(
            rows,
            Measure("years", "years since the agent was listed, or since the first snapshot"),
            Measure("share_open", "share still open"),
            "agent",
            "share_low",
            "share_high",
        ),
        tuple(
            f"{row.agent}: {percent(row.share_open)} ({interval(row.share_low, row.share_high)}) of "
            f"{count_of(row.n_hosts, 'host')} after {row.day:,} days."
            for row in ends
        ),
    )


def tell_churn(rows: Rows) -> Told:
    """Lines of closings and re-openings per snapshot."""
    closed, opened = sum(row.n_closed for row in rows), sum(row.n_reopened for row in rows)
    removed = sum(row.n_removed_robots for row in rows)
    most = max(rows, key=lambda row: row.n_closed)
    folded = rows.fold(PARTS).where(lambda row: row.value is not None)
    return Told(
        f"{count_of(closed, 'closing')} and {count_of(opened, 're-opening')} of hosts towards {COMBINED} in "
        f"{count_of(len(rows), 'snapshot')}.",
        f"Share of hosts that closed to {COMBINED} since they were last seen, and that opened again",
        f"{extent(rows.values('n_at_risk_open'))} open and {extent(rows.values('n_at_risk_closed'))} "
        "closed hosts per "
        "snapshot",
        "host",
        f"Two lines. Most closings in {most.snapshot}: {most.n_closed:,}.",
        draw_lines(folded, Lines(Measure("value", "share of hosts at risk"), "part")),
        (
            f"Most closings in {most.snapshot}: {most.n_closed:,} of "
            f"{count_of(most.n_at_risk_open, 'open host')}.",
            f"{removed:,} of the re-openings are hosts whose robots.txt is gone.",
        ),
    )


FINDINGS = (
    Finding(
        "survival",
        FAMILY,
        "No host that was seen open to an agent was later seen closed to it. More snapshots may show "
        "closings.",
        tell_survival,
        (
            "A closing is dated when it was first seen, so it happened between two snapshots; the curve is "
            "the upper one.",
            "Hosts enter when they are first seen open. First closings only: re-openings are on the page "
            "of churn.",
        ),
    ),
    Finding(
        "churn",
        FAMILY,
        "No host was captured twice.",
        tell_churn,
        ("Hosts are compared with when they were last seen; snapshots far apart leave time to change.",),
    ),
)
