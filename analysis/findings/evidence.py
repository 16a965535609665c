"""Findings on what the numbers rest on: answers, dialects, coverage and losses."""

from analysis.figure_bars import Dots, draw_counts, draw_dots
from analysis.figure_style import PALETTE
from analysis.figures import Measure, draw_stack
from analysis.findings.finding import Finding, Told
from analysis.findings.restrictions import NOBODY
from analysis.findings.rows import Rows
from analysis.findings.words import CAPTURED, count_of, extent, largest, listing, percent, points, span

FAMILY = "What the numbers rest on"
# Access state: its words and its colour, in the order of the areas.
ANSWERED = {
    "rules": ("rules", "#0072B2"),
    "empty": ("empty file", "#56B4E9"),
    "absent": ("absent (404 and other 4xx)", "#B5B5B5"),
    "not_robots": ("not a robots.txt", "#009E73"),
    "unresolved_redirect": ("redirect without end", "#CC79A7"),
    "server_error": ("server error", "#E69F00"),
    "refused": ("refused", "#D55E00"),
}
HELD = {
    "captured in the snapshot": "n_hosts_captured",
    "captured before, not in it": "n_hosts_captured_before",
    "never captured so far": "n_hosts_never_captured",
}


def tell_answers(rows: Rows) -> Told:
    """Areas of the answers over time."""
    worded = Rows.of((*rows.columns, "answer"), [(*row, ANSWERED[row.access_state][0]) for row in rows])
    last, first = worded.last(), worded.first()
    final = listing([f"{row.answer} {percent(row.share)}" for row in last])
    refused = [sum(row.share for row in end if row.access_state == "refused") for end in (first, last)]
    rules = sum(row.share for row in last if row.access_state == "rules")
    snapshot, start = last.rows[0].snapshot, first.rows[0].snapshot
    words, colors = zip(*ANSWERED.values(), strict=True)
    then = "" if start == snapshot else f", {percent(refused[0])} in {start}"
    return Told(
        f"{percent(rules)} of hosts answer with rules in {snapshot}; {percent(refused[1])} refuse the file "
        f"itself{then}.",
        "Share of hosts by how robots.txt is answered",
        f"{extent(rows.values('n_hosts_captured'))} {CAPTURED} per snapshot",
        "host",
        f"Stacked shares, {span(rows.values('snapshot'))}. In {snapshot}: {final}.",
        draw_stack(worded, "answer", words, colors, Measure("share", f"share of {CAPTURED}")),
        (f"In {snapshot}: {final}.",),
    )


def tell_parsers(rows: Rows) -> Told:
    """Marks by agent and reading."""
    # A name with + is a parser's groups under the 2024 study's rule: a table has room for it.
    drawn = rows.where(lambda row: "+" not in row.reading)
    widest = max(drawn.rows, key=lambda row: (abs(row.difference_points), row.n_hosts_differ))
    snapshot = rows.rows[0].snapshot
    if widest.difference_points:
        answer = (
            f"By up to {abs(widest.difference_points):.2f} percentage points: {widest.reading} puts "
            f"{widest.agent} at {percent(widest.share)} in {snapshot}."
        )
    else:
        answer = (
            f"Not at all: every reading gives each agent the same share in {snapshot}; the level differs "
            "on up "
            f"to {count_of(widest.n_hosts_differ, 'host')}."
        )
    differing = [
        f"{row.reading} {points(row.difference_points)} points ({row.n_hosts_differ:,} hosts differ)"
        for row in drawn
        if row.agent == widest.agent
    ]
    return Told(
        answer,
        f"Share of hosts that restrict an agent in full in {snapshot}, as each parser reads the same files",
        f"{extent(rows.values('n_hosts'))} {CAPTURED}; the axis begins near the values",
        "host",
        f"Marks by agent and reading; at most {abs(widest.difference_points):.2f} points apart.",
        draw_dots(drawn, Dots(Measure("share", f"share of {CAPTURED}"), "agent", "reading", is_near=True)),
        (f"{widest.agent}, against the reference: {listing(differing)}.",),
    )


def tell_coverage(rows: Rows) -> Told:
    """Areas of hosts held and not held."""
    last = rows.last().rows[0]
    n = last.n_hosts_captured + last.n_hosts_captured_before + last.n_hosts_never_captured
    folded = rows.fold(HELD)
    colors = (PALETTE[0], PALETTE[5], "#C4C4C4")
    return Told(
        f"{last.n_hosts_captured:,} of {count_of(n, 'host')} were captured in {last.snapshot}, "
        f"{last.n_hosts_never_captured:,} never.",
        "Hosts of the study by whether a snapshot holds their robots.txt",
        count_of(n, "host"),
        "host",
        f"Stacked counts, {span(rows.values('snapshot'))}. In {last.snapshot}: {last.n_hosts_captured:,} "
        "captured.",
        draw_stack(folded, "part", tuple(HELD), colors, Measure("value", "hosts of the study", ",d", ",d")),
        (
            f"{sum(row.n_captures for row in rows):,} captures in {count_of(len(rows), 'snapshot')}; "
            f"{sum(row.n_records_lost for row in rows):,} records were lost or passed over.",
        ),
    )


def tell_losses(rows: Rows) -> Told:
    """Bars of records by reason."""
    total = sum(row.n_records for row in rows)
    most = largest(rows.rows, "n_records")
    labelled = Rows.of((*rows.columns, "line"), [(*row, f"{row.stage}: {row.reason}") for row in rows])
    return Told(
        f"{count_of(total, 'record')}, most of them in {most.stage}: {most.reason} ({most.n_records:,}).",
        "Records lost or passed over, by stage and reason",
        count_of(total, "record"),
        "record or file",
        "Bars of records lost or passed over, by reason: "
        + listing([f"{row.reason} {row.n_records:,}" for row in rows])
        + ".",
        draw_counts(labelled, "line", Measure("n_records", "records", ",d", ",d")),
    )


FINDINGS = (
    Finding("answers", FAMILY, NOBODY, tell_answers, (
        "The answers are those given to Common Crawl's own robot, CCBot.",
        "At most five redirects are followed; the answer at their end counts.",
    )),
    Finding("parsers", FAMILY, NOBODY, tell_parsers, (
        "The axis does not start at zero: the differences are small beside the shares.",
        "+longpre2024-rule is the same parser's groups under the rule of Longpre et al. (2024).",
    )),
    Finding("coverage", FAMILY, "The study has no snapshot.", tell_coverage, (
        "A host that was not captured counts nowhere as open.",
    )),
    Finding("losses", FAMILY, "Nothing was lost or passed over.", tell_losses, (
        "Damaged records are data: they are counted by reason and never guessed at.",
    )),
)  # fmt: skip
