"""The figures of the report with a curve in steps, breaks marked on a line, or a fan of what may come."""

from collections.abc import Sequence

import altair as alt

from analysis.figure_style import (
    INK,
    PALETTE,
    WIDTH,
    Chart,
    chart_of,
    color_scale,
    opacity_of,
    picked,
    time_axis,
    tip,
    zoomed,
)
from analysis.figures import HEIGHT, Measure
from analysis.findings.rows import Rows


def start_of_axis(lows: Sequence[float]) -> float:
    """Where an axis of shares begins: at 0, but near the values where all are above a half.

    >>> start_of_axis([0.3, 0.9]), start_of_axis([0.9, 0.95])
    (0.0, 0.88)
    """
    low = min(lows, default=0.0)
    return 0.0 if low < 0.5 else round(low - 0.02, 2)


def draw_steps(rows: Rows, x: Measure, y: Measure, series: str, low: str, high: str) -> Chart:
    """A curve per series that keeps its value until the next step, with its band."""
    selection = picked(series, is_in_legend=True)
    # Said to the band too: an area would else draw the axis down to zero.
    scale = alt.Scale(domain=[start_of_axis(rows.values(low)), 1], nice=False, zero=False)
    base = chart_of(rows).encode(
        x=alt.X(f"{x.column}:Q", title=x.title),
        y=alt.Y(
            f"{y.column}:Q",
            title=y.title,
            scale=scale,
            axis=alt.Axis(format=y.format, tickCount=6),
        ),
        color=color_scale(series, rows.values(series)),
    )
    tips = [tip(series, series), tip("snapshot", "snapshot"), tip(y.column, y.title, y.tip_format)]
    band = base.mark_area(interpolate="step-after", clip=True).encode(
        y=alt.Y(f"{low}:Q", title=y.title, scale=scale),
        y2=f"{high}:Q",
        opacity=opacity_of(selection, 0.12),
    )
    line = base.mark_line(interpolate="step-after", strokeWidth=2, clip=True).encode(
        opacity=opacity_of(selection)
    )
    dots = base.mark_point(filled=True, size=25, clip=True).encode(
        opacity=opacity_of(selection),
        tooltip=[*tips, tip(low, "low", y.tip_format), tip(high, "high", y.tip_format)],
    )
    layers = alt.layer(band, line.add_params(selection, zoomed()), dots)
    return layers.properties(width=WIDTH + 60, height=HEIGHT)


def draw_breaks(rows: Rows, panel: str, measure: Measure, size: str) -> Chart:
    """A line per panel over `month`, with a rule where the column `size` has a value."""
    base = chart_of(rows).encode(x=time_axis("month", rows.values("month"), width=320))
    line = base.mark_line(strokeWidth=2, color=PALETTE[0]).encode(
        y=_height(measure), tooltip=_tips(panel, measure)
    )
    marked = base.transform_filter(f"isValid(datum.{size})")
    rules = marked.mark_rule(strokeWidth=1.5, strokeDash=[4, 3], color=PALETTE[1]).encode(
        tooltip=[tip("month", "break"), tip(size, "points", "+.2f")]
    )
    text = marked.mark_text(align="left", dx=4, dy=-4, fontSize=11, color=INK, baseline="top").encode(
        y=alt.value(12), text=alt.Text(f"{size}:Q", format="+.1f")
    )
    return _side_by_side([line, rules, text], rows, panel)


def draw_fans(rows: Rows, panel: str, measure: Measure, ends: Sequence[tuple[str, str]]) -> Chart:
    """A panel per series: the past as a line, what is forecast as a dashed one with a band per interval.

    `ends` are the columns of the intervals, the widest first; they are empty in the past.
    """
    base = chart_of(rows).encode(x=time_axis("month", rows.values("month"), width=320))
    bands = [
        base.transform_filter(f"isValid(datum.{low})")
        .mark_area(color=PALETTE[1], opacity=0.15 + 0.1 * place)
        .encode(y=alt.Y(f"{low}:Q", title=measure.title), y2=f"{high}:Q")
        for place, (low, high) in enumerate(ends)
    ]
    kinds = rows.values("kind")
    dashes = alt.Scale(domain=kinds, range=[[1, 0], [5, 3]][: len(kinds)])
    line = base.mark_line(strokeWidth=2).encode(
        y=_height(measure),
        color=color_scale("kind", kinds),
        strokeDash=alt.StrokeDash("kind:N", scale=dashes, title=None),
    )
    dots = base.mark_point(size=30, filled=True, opacity=0).encode(
        y=_height(measure), tooltip=_tips(panel, measure)
    )
    return _side_by_side([*bands, line, dots], rows, panel)


def _side_by_side(layers: Sequence[alt.Chart], rows: Rows, panel: str) -> Chart:
    """A panel per value of a column, each with its own scale: series of 1 and of 50 % stand together."""
    header = alt.Header(labelFontSize=12, labelFontWeight="bold")
    facet = alt.Facet(f"{panel}:N", sort=rows.values(panel), title=None, header=header)
    one = alt.layer(*layers).properties(width=320, height=160)
    chart: Chart = one.facet(facet=facet, columns=2, spacing=18).resolve_scale(y="independent")
    return chart


def _height(measure: Measure) -> alt.Y:
    axis = alt.Axis(format=measure.format, tickCount=4)
    return alt.Y(f"{measure.column}:Q", title=measure.title, axis=axis)


def _tips(panel: str, measure: Measure) -> list[alt.Tooltip]:
    return [tip(panel, panel), tip("month", "month"), tip(measure.column, measure.title, measure.tip_format)]
