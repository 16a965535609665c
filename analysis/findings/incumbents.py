"""Findings on the head start: who holds what newcomers cannot fetch."""

from analysis.figure_bars import Dots, draw_dots
from analysis.figures import Lines, Measure, draw_lines
from analysis.findings.finding import Finding, Told
from analysis.findings.rows import Rows
from analysis.findings.words import COMBINED, count_of, extent, listing, percent

FAMILY = "The head start"


def tell_incumbents(rows: Rows) -> Told:
    """Lines by corpus: what is held, by when the crawler began; the right end is the newcomer."""
    first = rows.rows[0]
    starts = [
        f"{row.corpus} {percent(row.share_held)} against {percent(row.share_open_now)}"
        for row in rows
        if row.starts_on == min(rows.values("starts_on"))
    ]
    return Told(
        f"{first.corpus}: a crawler at work since {first.snapshot_from} holds {percent(first.share_held)} "
        "of the weight, "
        f"one that begins now may fetch {percent(first.share_open_now)}.",
        f"Share of each corpus held by a crawler that heeds what is said to {COMBINED}, by when it began",
        f"{extent(rows.values('n_hosts_known'))} hosts captured",
        "weight of the corpus (hosts: one each)",
        f"Lines by corpus. Since {first.snapshot_from}, held against open now: {listing(starts)}.",
        draw_lines(rows, Lines(Measure("share_held", "share of weight held"), "corpus")),
        tuple(
            f"{row.corpus}, since {row.snapshot_from}: {row.n_hosts_held:,} hosts held, "
            f"{row.n_hosts_open_now:,} open "
            f"now; {100 * row.share_advantage:.2f} points of the weight are out of reach for newcomers."
            for row in rows
            if row.share_advantage > 0
        ),
    )


def tell_head_start(rows: Rows) -> Told:
    """Marks by agent and corpus of the share closed since."""
    top = max(rows, key=lambda row: row.share_closed_since)
    return Told(
        f"{top.agent}: {percent(top.share_closed_since)} of the {top.corpus} weight open when it was first "
        "listed is closed "
        f"to it in {top.snapshot_now}.",
        "Share of the weight open to an agent when it was first listed that is closed to it now",
        f"{extent(rows.values('n_hosts_open'))} hosts open per agent and corpus",
        "weight of the corpus (hosts: one each)",
        "Marks by agent and corpus: "
        + listing([f"{r.agent}, {r.corpus} {percent(r.share_closed_since)}" for r in rows.rows[:8]])
        + ".",
        draw_dots(rows, Dots(Measure("share_closed_since", "share closed since"), "agent", "corpus")),
        tuple(
            f"{row.agent}, {row.corpus}: {row.n_hosts_closed_since:,} of "
            f"{count_of(row.n_hosts_open, 'host')} closed since "
            f"{row.snapshot_listed} ({percent(row.share_closed_since)} of the weight)."
            for row in rows
            if row.agent == top.agent
        ),
    )


FINDINGS = (
    Finding(
        "incumbents",
        FAMILY,
        "It takes snapshots of at least two years that captured hosts of the study.",
        tell_incumbents,
        (
            "A host is held when it was open in a snapshot that captured it since the crawler began. The "
            "right end of a "
            "line is the newcomer, who holds what is open now.",
            "Before an agent was listed, a file answered it as it answers any token; an incumbent used "
            "that answer.",
        ),
    ),
)
HEAD_START_CORPORA = Finding(
    "head-start-corpora",
    FAMILY,
    "No agent was first listed within the study, or its hosts have no weights. Weight columns in the sites "
    "file and earlier "
    "snapshots fill this page.",
    tell_head_start,
    ("An agent reads what is open when it appears; a restriction that comes later does not take that back.",),
)
