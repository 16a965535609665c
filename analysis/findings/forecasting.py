"""Findings on breaks and forecasts: where a series broke, where it heads, how far that can be trusted."""

from analysis.figure_bars import Dots, draw_dots
from analysis.figure_curves import draw_breaks, draw_fans
from analysis.figures import Measure
from analysis.findings.finding import Finding, Told
from analysis.findings.rows import Row, Rows
from analysis.findings.words import agent_words, count_of, extent, interval, listing, percent, points

FAMILY = "Where it is heading"
MODELS = {
    "last_value": "no change",
    "drift": "drift",
    "seasonal_naive": "as a year before",
    "arima_drift": "ARIMA with drift",
    "damped_logit": "damped trend",
    "study_sarima": "the study's SARIMA",
}
MONTHS = (
    "The study has no unbroken series of at least 24 months of snapshots. Monthly snapshots over two years "
    "or more "
    "fill this page."
)
INTERVALS = (("share_low_95", "share_high_95"), ("share_low_80", "share_high_80"))


def tell_breaks(rows: Rows) -> Told:
    """Series by agent with a rule at each break."""
    breaks = [row for row in rows if row.size_points is not None]
    top = max(breaks, key=lambda row: abs(row.size_points))
    said = [_break(row) for row in breaks]
    worded = _in_words(rows)
    return Told(
        f"{count_of(len(breaks), 'break')}; the largest towards {_break(top)}.",
        "Share of hosts that close every path, by month, with the breaks in percentage points",
        f"{extent(rows.values('n_hosts'))} hosts observed per month",
        "host",
        f"A panel per agent with a rule at each break: {listing(said[:6])}.",
        draw_breaks(worded, "agents", Measure("share", "share closed"), "size_points"),
        tuple(f"{text} (p = {row.p_value:.3f})." for text, row in zip(said, breaks, strict=True)),
    )


def _break(row: Row) -> str:
    return f"{agent_words(row.agent)} in {row.month:%Y-%m}: {points(row.size_points)} points"


def _in_words(rows: Rows) -> Rows:
    return Rows.of((*rows.columns, "agents"), [(*row, agent_words(row.agent)) for row in rows])


def tell_forecasts(rows: Rows) -> Told:
    """Fans by agent."""
    ends = list({row.agent: row for row in rows if row.kind == "forecast"}.values())
    last = list({row.agent: row for row in rows if row.kind == "measured"}.values())
    now = {row.agent: row.share for row in last}
    lead = next((row for row in ends if row.agent == "(study combined)"), ends[0])
    said = [_forecast(row, now[row.agent]) for row in ends]
    return Told(
        f"{_forecast(lead, now[lead.agent])}.",
        "Share of hosts that close every path: measured, and forecast with 80 % and 95 % intervals",
        f"{extent([sum(r.agent == e.agent and r.kind == 'measured' for r in rows) for e in ends])} months "
        "per series",
        "host",
        f"A panel per agent, the past as a line and twelve months as a fan. {listing(said[:4])}.",
        draw_fans(_in_words(rows), "agents", Measure("share", "share closed"), INTERVALS),
        tuple(f"{text}, by {MODELS[row.model]}." for text, row in zip(said, ends, strict=True)),
    )


def _forecast(row: Row, now: float) -> str:
    return (
        f"{agent_words(row.agent)}: {percent(row.share)} in {row.month:%Y-%m} (95 % interval "
        f"{interval(row.share_low_95, row.share_high_95)}), {percent(now)} now"
    )


def tell_scores(rows: Rows) -> Told:
    """Marks of the error by model."""
    worded = Rows.of((*rows.columns, "method"), [(*row, MODELS[row.model]) for row in rows])
    best = worded.rows[0]
    naive = next((row for row in worded if row.model == "last_value"), best)
    beside = "" if best is naive else f", no change by {naive.error_points:.2f}"
    return Told(
        f"{best.method} is off by {best.error_points:.2f} percentage points on average{beside}.",
        "Mean absolute error of forecasts one to twelve months ahead, with the middle eight tenths of the "
        "series",
        f"{extent(rows.values('n_forecasts'))} forecasts per model",
        "percentage point",
        "Marks by model: " + listing([f"{row.method} {row.error_points:.2f}" for row in worded]) + ".",
        draw_dots(
            Rows.of((*worded.columns, "what"), [(*row, "error") for row in worded]),
            Dots(
                Measure("error_points", "percentage points", "~r", ".2f"),
                "method",
                "what",
                "error_low_points",
                "error_high_points",
            ),
        ),
        tuple(
            f"{row.method}: off by {row.error_points:.2f} points, bias {points(row.bias_points)}; of what "
            "came, "
            f"{percent(row.share_within_80)} in the 80 % and {percent(row.share_within_95)} in the 95 % "
            "interval; better "
            f"than no change on {row.n_better:,} of {row.n_series:,} series."
            for row in worded
        ),
    )


def tell_published(rows: Rows) -> Told:
    """Marks of forecast and what came, with the published interval."""
    scored = [row for row in rows if row.share_observed is not None]
    hits = sum(bool(row.is_within_interval) for row in scored)
    columns = ("line", "what", "share", "low", "high")
    drawn = Rows.of(columns, [mark for row in rows for mark in _marks(row)])
    said = [_published(row) for row in rows]
    n_scored, n = count_of(len(scored), "published forecast"), count_of(len(rows), "published forecast")
    if scored:
        answer = f"{hits} of {n_scored} came true within its interval. {_published(scored[0])}"
    else:
        answer = f"None of {n} can be scored on this study: {rows.rows[0].why_not}."
    return Told(
        answer,
        "Published forecasts with their 95 % intervals, and what came",
        count_of(len(rows), "forecast"),
        "weight of the head of the corpus",
        f"Marks by forecast. {' '.join(said)}",
        draw_dots(drawn, Dots(Measure("share", "share of weight closed"), "line", "what", "low", "high")),
        tuple(said),
    )


def _marks(row: Row) -> list[tuple[object, ...]]:
    line = f"{row.label}, {row.month:%Y-%m}"
    made: list[tuple[object, ...]] = [(line, "forecast", row.share_forecast, row.share_low, row.share_high)]
    if row.share_observed is not None:
        made.append((line, "what came", row.share_observed, row.share_observed, row.share_observed))
    return made


def _published(row: Row) -> str:
    forecast = f"{row.label}, {row.month:%Y-%m}: {percent(row.share_forecast)}"
    ends = f"({interval(row.share_low, row.share_high)})"
    if row.share_observed is None:
        return f"{forecast} {ends}; not scored: {row.why_not}."
    return f"{forecast} {ends}; {percent(row.share_observed)} came, {points(row.error_points)} points off."


CAVEAT = (
    "A forecast carries on what the series did: it knows of no law, licence or product that is to come. "
    "How far it can be "
    "trusted is on the page of the back-test.",
)
FINDINGS = (
    Finding("breaks", FAMILY, f"No break was found. {MONTHS}", tell_breaks, (
        "A steady rise is no break: a break is where two straight lines fit better than one by more than "
        "noise would "
        "bring about.",
    )),
    Finding("forecasts", FAMILY, MONTHS, tell_forecasts, CAVEAT),
    Finding("forecast-scores", FAMILY, MONTHS, tell_scores, (
        "Each model was fitted anew to what was known at up to eight earlier months, and held against what "
        "came.",
    )),
    Finding("published-forecasts", FAMILY, "No forecast is bundled.", tell_published, (
        "Levels are those of the default dialect and hosts those of Common Crawl, where the forecasters "
        "had their own "
        "parser and another archive.",
    )),
)  # fmt: skip
