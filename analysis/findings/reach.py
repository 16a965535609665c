"""The finding on pages: what share of their own pages hosts let an agent fetch."""

from analysis.figure_bars import Dots, draw_dots
from analysis.figures import Measure
from analysis.findings.finding import Finding, Told
from analysis.findings.rows import Rows
from analysis.findings.words import agent_words, extent, interval, listing, percent

FAMILY = "Who is restricted"


def tell_accessible(rows: Rows) -> Told:
    """Marks by agent, with bars over what is not known."""
    worded = Rows.of((*rows.columns, "whom", "what"), [(*row, _every(row.agent), "mean") for row in rows])
    top = worded.rows[0]
    hidden = next((row for row in worded if row.whom == top.whom and row.share_some_mean is not None), None)
    some = f"; {percent(hidden.share_some_mean)} on hosts that close some paths" if hidden else ""
    return Told(
        f"{percent(top.share_accessible)} of hosts' own pages may be fetched by {top.whom} in "
        f"{top.snapshot}{some}.",
        f"Mean share of hosts' own pages that an agent may fetch in {top.snapshot}",
        f"{extent(rows.values('n_hosts'))} hosts captured; bars span what is not known",
        "host, each by the share of its own pages",
        "Marks by agent: " + listing([f"{row.whom} {percent(row.share_accessible)}" for row in worded]) + ".",
        draw_dots(
            worded,
            Dots(
                Measure("share_accessible", "mean share of pages"),
                "whom",
                "what",
                "share_accessible_low",
                "share_accessible_high",
            ),
        ),
        tuple(
            f"{row.whom}: {percent(row.share_accessible)} "
            f"({interval(row.share_accessible_low, row.share_accessible_high)} by what is not known); "
            f"{percent(row.share_some)} of hosts close some paths, pages of {row.n_hosts_some_sampled:,} "
            "of them drawn."
            for row in worded
        ),
    )


def _every(agent: str) -> str:
    """A page counts when all may fetch it that a label stands for."""
    return agent_words(agent).replace("any ", "every ", 1)


FINDINGS = (
    Finding(
        "accessible",
        FAMILY,
        "No pages were drawn. A [urls] section in the study file, with an archive that has the index of "
        "pages, fills this "
        "page.",
        tell_accessible,
        (
            "Pages are those that Common Crawl fetched: what CCBot may not fetch is hardly among them, so "
            "for agents that a "
            "file treats like CCBot the share is near one by the way the pages came about.",
        ),
    ),
)
