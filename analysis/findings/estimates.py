"""Findings on how sure the estimates are: intervals, bounds, domains that carry them, the parser's part."""

from analysis.figure_bars import Dots, draw_counts, draw_dots
from analysis.figures import Measure, draw_panels
from analysis.findings.finding import Finding, Told
from analysis.findings.rows import Row, Rows
from analysis.findings.words import (
    COMBINED,
    count_of,
    extent,
    interval,
    largest,
    listing,
    percent,
    points,
)

FAMILY = "How sure that is"
STUDY, DESIGN = "study's", "design-based"
NOT_KNOWN = (
    "No host of the study is known in any snapshot, or none of the agents of the 2024 study is tracked. "
    "Captures of "
    "the study's hosts fill this page; weight columns in the sites file and [corpora] add corpora."
)
MEANING = (
    "An interval tells what drawing other registrable domains would change. It says nothing of sources "
    "that the list "
    "does not have, and is wide where few domains carry the weight: see Kish's n.",
    "The study's estimator takes what is not known for open, and counts sources that are no web hosts.",
)
CLOSED = Measure("share", "share of weight closed")


def tell_estimates(rows: Rows) -> Told:
    """A panel per corpus and part with both estimators and their bands."""
    last = rows.last()
    lead = _lead(last)
    one = _one(last, lead.series, DESIGN) or lead
    other = _one(last, lead.series, STUDY)
    beside = f"; the study's estimator says {percent(other.share)}" if other else ""
    return Told(
        f"{one.series}: {percent(one.share)} is closed to {COMBINED} in {one.snapshot} (95 % interval "
        f"{interval(one.share_low, one.share_high)}){beside}.",
        f"Estimated share of weight that is closed to {COMBINED}, with 95 % intervals",
        f"{extent(rows.values('n_hosts'))} hosts per estimate",
        "weight of the corpus (hosts: one each)",
        f"A panel per corpus and part with both estimators. In {one.snapshot}: "
        + listing([f"{row.series}, {row.estimator} {percent(row.share)}" for row in last])
        + ".",
        draw_panels(rows, "series", "estimator", CLOSED, "share_low", "share_high"),
        tuple(_estimate_sentence(row) for row in last),
    )


def _lead(last: Rows) -> Row:
    """The row that the answer is of: a whole corpus, with weights where there are any."""
    return next((row for row in last if row.series.endswith(", whole")), last.rows[0])


def _one(rows: Rows, series: str, estimator: str) -> Row | None:
    return next((row for row in rows if (row.series, row.estimator) == (series, estimator)), None)


def _estimate_sentence(row: Row) -> str:
    return (
        f"{row.series}, {row.estimator}: {percent(row.share)} ({interval(row.share_low, row.share_high)}), "
        f"{percent(row.share_bound_low)} to {percent(row.share_bound_high)} by what is carried; "
        f"{count_of(row.n_hosts, 'host')} of {count_of(row.n_domains, 'domain')}, as sure as "
        f"{row.kish_n or 0:,.1f} hosts of equal weight."
    )


def tell_by_agent(rows: Rows) -> Told:
    """Marks by agent and corpus with intervals."""
    top = rows.rows[0]
    of_top = rows.where(lambda row: row.agent == top.agent)
    return Told(
        f"{top.agent}: {percent(top.share)} of {top.corpus} in {top.snapshot} (95 % interval "
        f"{interval(top.share_low, top.share_high)}).",
        f"Estimated share of weight that is closed to each agent in {top.snapshot}, with 95 % intervals",
        f"{extent(rows.values('n_hosts'))} hosts known per corpus",
        "weight of the corpus (hosts: one each)",
        f"Marks by agent and corpus. {top.agent}: "
        + listing([f"{row.corpus} {percent(row.share)}" for row in of_top])
        + ".",
        draw_dots(rows, Dots(CLOSED, "agent", "corpus", "share_low", "share_high")),
        tuple(
            f"{row.agent}, {row.corpus}: {percent(row.share)} ({interval(row.share_low, row.share_high)})."
            for row in rows
            if row.corpus == top.corpus
        ),
    )


def tell_unseen(rows: Rows) -> Told:
    """Marks by corpus and basis, with bars from all unknown open to all unknown closed."""
    widest = max(rows, key=lambda row: row.share_if_unknown_closed - row.share_if_unknown_open)
    width = 100 * (widest.share_if_unknown_closed - widest.share_if_unknown_open)
    return Told(
        f"At most {width:.2f} percentage points: {widest.corpus} is "
        f"{percent(widest.share_if_unknown_open)} closed if "
        f"every host not {widest.basis.removeprefix('or ')} were open, "
        f"{percent(widest.share_if_unknown_closed)} if all were closed.",
        f"Share of weight closed to {COMBINED}, between all unknown hosts open and all closed",
        f"{extent(rows.values('n_hosts'))} hosts known per estimate",
        "weight of the corpus (hosts: one each)",
        "Marks by corpus and basis: "
        + listing([f"{row.corpus}, {row.basis} {percent(row.share)}" for row in rows])
        + ".",
        draw_dots(rows, Dots(CLOSED, "corpus", "basis", "share_if_unknown_open", "share_if_unknown_closed")),
        tuple(
            f"{row.corpus}, {row.basis}: {percent(row.share)}; "
            f"{interval(row.share_if_unknown_open, row.share_if_unknown_closed)} at the worst."
            for row in rows
        ),
    )


def tell_changes(rows: Rows) -> Told:
    """Marks of the change in points by corpus and estimator."""
    whole = rows.where(lambda row: row.period == rows.rows[0].period)
    lead = next((r for r in whole if r.corpus.endswith(", whole")), whole.rows[0])
    drawn = Rows.of((*whole.columns, "line"), [(*row, f"{row.corpus}, {row.estimator}") for row in whole])
    measure = Measure("change_points", "percentage points", "~r", "+.2f")
    return Told(
        f"{lead.corpus}: {points(lead.change_points)} percentage points from {percent(lead.share_from)} to "
        f"{percent(lead.share_to)}, {lead.period} ({_range(lead)}).",
        f"Change of the share closed to {COMBINED}, {lead.period}, with 95 % intervals",
        f"{count_of(len(whole), 'estimate')} of the change",
        "percentage point",
        "Marks by corpus and estimator: "
        + listing([f"{row.corpus}, {row.estimator} {points(row.change_points)}" for row in whole])
        + ".",
        draw_dots(
            drawn,
            Dots(measure, "line", "period", "change_low_points", "change_high_points"),
        ),
        tuple(
            f"{row.period}, {row.corpus}, {row.estimator}: {points(row.change_points)} points "
            f"({_range(row)})."
            for row in rows
        ),
    )


def _range(row: Row) -> str:
    if row.change_low_points is None:
        return "no interval: too few domains"
    return f"95 % interval {points(row.change_low_points)} to {points(row.change_high_points)}"


def tell_influences(rows: Rows) -> Told:
    """Bars of what each domain adds, by estimate."""
    top = max(rows, key=lambda row: abs(row.influence_points))
    movers = list(dict.fromkeys(row.domain for row in rows if row.moves_headline))
    shown = sorted(rows, key=lambda row: -abs(row.influence_points))[:20]
    drawn = Rows.of(
        (*rows.columns, "line"),
        [(*row, f"{row.domain}: {row.corpus}, {row.part}, {row.estimator}") for row in shown],
    )
    return Told(
        f"{top.domain} most: without it, {percent(top.share)} of {top.corpus} ({top.part}, "
        f"{top.estimator}) would be "
        f"{percent(top.share_without)}.",
        f"What a registrable domain adds to the share closed to {COMBINED}, in percentage points",
        f"{count_of(len(rows), 'domain and estimate', 'domains and estimates')}, the 20 largest drawn",
        "registrable domain",
        "Bars: " + listing([f"{row.domain} {points(row.influence_points)}" for row in shown[:5]]) + ".",
        draw_counts(drawn, "line", Measure("influence_points", "percentage points", "~r", "+.2f")),
        (f"Domains that move an estimate by more than a point: {listing(movers) or 'none'}.",),
    )


def tell_parser(rows: Rows) -> Told:
    """Marks by corpus and reading."""
    drawn = rows.where(lambda row: "+" not in row.reading) or rows
    lead = _paper(rows) or largest(rows.rows, "share")
    if lead.explained_share is None:
        part = "no part of it is known to be the parser's"
    elif lead.explained_share < 0:
        part = f"the reference reading finds {-100 * lead.explained_share:.2f} % more"
    else:
        part = f"{percent(lead.explained_share)} of that is not there under the reference reading"
    return Told(
        f"{lead.series}: {lead.reading} puts the share closed to {COMBINED} at {percent(lead.share)} in "
        f"{lead.snapshot}; {part}.",
        f"Estimated share of weight closed to {COMBINED} in {lead.snapshot}, under each reading",
        count_of(len(rows), "estimate"),
        "weight of the corpus (hosts: one each)",
        "Marks by corpus and reading: "
        + listing([f"{row.series}, {row.reading} {percent(row.share)}" for row in drawn.rows[:8]])
        + ".",
        draw_dots(drawn, Dots(CLOSED, "series", "reading", is_near=True)),
        tuple(_reading_sentence(row) for row in rows if row.series == lead.series),
    )


def _paper(rows: Rows) -> Row | None:
    """What the study would have published: the parser of its paper under its own rule."""
    return next((row for row in rows if row.reading == "longpre2024-paper+longpre2024-rule"), None)


def _reading_sentence(row: Row) -> str:
    grown = "" if row.change_12m_points is None else f", {points(row.change_12m_points)} in twelve months"
    return f"{row.reading}: {percent(row.share)}, {points(row.difference_points)} off the reference{grown}."


FINDINGS = (
    Finding("estimates", FAMILY, NOT_KNOWN, tell_estimates, MEANING),
    Finding("estimates-by-agent", FAMILY, NOT_KNOWN, tell_by_agent, MEANING),
    Finding("corpus-changes", FAMILY, "A change takes two snapshots that know hosts of the same corpus.",
            tell_changes, MEANING),
    Finding("unseen", FAMILY, NOT_KNOWN, tell_unseen, (
        "The ends are no interval but the worst that can be: every unknown host open, or every one closed.",
    )),
)  # fmt: skip
INFLUENCES = Finding("influences", FAMILY, NOT_KNOWN, tell_influences, (
    "A domain is left out with all its sources, and its weight is taken off the corpus.",
))  # fmt: skip
PARSERS = Finding("parser-estimates", FAMILY, NOT_KNOWN, tell_parser, (
    "The axis starts where the smallest share is, which need not be zero.",
    "+longpre2024-rule is the same parser's groups under the rule of Longpre et al. (2024).",
))  # fmt: skip
