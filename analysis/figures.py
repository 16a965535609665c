"""The figures of the report over time: rows in, Altair charts out, the same for paper and screen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import altair as alt

from analysis.figure_style import (
    INK,
    PALETTE,
    WIDTH,
    Chart,
    Shape,
    chart_of,
    color_scale,
    opacity_of,
    picked,
    point_size,
    time_axis,
    tip,
    zoomed,
)
from analysis.findings.rows import Row, Rows

DASHES = [[1, 0], [6, 3], [2, 2], [8, 2, 2, 2]]
HEIGHT = 340
MANY_LINES = 9
SMALL = 150


@dataclass(frozen=True, slots=True)
class Measure:
    """A column of numbers that is drawn: the words of its axis, and its number format (d3)."""

    column: str
    title: str
    format: str = "~%"
    tip_format: str = ".2%"


@dataclass(frozen=True, slots=True)
class Lines:
    """What a chart of lines takes beside the rows: which column is which.

    `low` and `high` are the columns of a band and empty where there is none; `is_step` holds a value until
    the next day.
    """

    measure: Measure
    series: str
    day: str = "starts_on"
    low: str = ""
    high: str = ""
    is_step: bool = False
    colors: tuple[str, ...] = PALETTE

    @property
    def shape(self) -> Shape:
        """How a line goes from one day to the next."""
        return "step-after" if self.is_step else "linear"


def draw_lines(rows: Rows, how: Lines, more: Sequence[Chart] = ()) -> Chart:
    """One line per series, named at its right end; a single day gives dots. There must be a value.

    `more` are charts drawn over the lines on the same axes.
    """
    order, days = rows.values(how.series), rows.values(how.day)
    is_direct = len(order) < MANY_LINES
    top = max(0.005, *(value for column in (how.measure.column, how.high) if column
                      for value in rows.values(column))) * 1.06  # fmt: skip
    selection = picked(how.series, is_in_legend=not is_direct)
    base = chart_of(rows).encode(
        x=time_axis(how.day, days, padding=8),
        y=alt.Y(
            f"{how.measure.column}:Q",
            title=how.measure.title,
            scale=alt.Scale(domain=[0, top]),
            axis=alt.Axis(format=how.measure.format, tickCount=6),
        ),
        color=color_scale(how.series, order, how.colors, has_legend=not is_direct),
        opacity=opacity_of(selection),
    )
    layers = [
        *_band(base, how, selection),
        base.mark_line(strokeWidth=2, clip=True, interpolate=how.shape)
        .add_params(selection, zoomed()),
        base.mark_point(filled=True, size=max(30, point_size(days)), clip=True).encode(
            opacity=opacity_of(selection) if point_size(days) else alt.value(0),
            tooltip=[
                tip(how.series, how.series.replace("_", " ")),
                tip(how.day, "day"),
                *_tips(rows, how),
            ],
        ),
        *more,
    ]  # fmt: skip
    if is_direct:
        layers += _end_labels(rows, how, top, selection)
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)


def _tips(rows: Rows, how: Lines) -> list[alt.Tooltip]:
    shown = [tip(how.measure.column, how.measure.title, how.measure.tip_format)]
    if how.low:
        shown += [tip(how.low, "low", how.measure.tip_format), tip(how.high, "high", how.measure.tip_format)]
    counts = [column for column in rows.columns if column in ("n", "n_hosts", "n_domains")]
    return shown + [tip(column, column.replace("_", " "), ",d") for column in counts]


def _band(base: alt.Chart, how: Lines, selection: alt.Parameter) -> list[Chart]:
    if not how.low:
        return []
    return [
        base.mark_area(clip=True, interpolate=how.shape).encode(
            y=alt.Y(f"{how.low}:Q"), y2=f"{how.high}:Q", opacity=opacity_of(selection, 0.18)
        )
    ]


def _end_labels(rows: Rows, how: Lines, top: float, selection: alt.Parameter) -> list[Chart]:
    """A name per series beside the last day, moved apart so that none covers another."""
    ends = _spread(rows, how, top)
    names = Rows.of((how.series, "height", "text"), [(name, height, text) for name, height, text in ends])
    # Where the labels stand does not move with the days that a reader zooms to, nor do they end at the frame.
    base = chart_of(names).encode(
        y=alt.Y("height:Q", scale=alt.Scale(domain=[0, top])), opacity=opacity_of(selection)
    )
    color = color_scale(how.series, rows.values(how.series), how.colors, has_legend=False)
    return [
        base.mark_point(filled=True, size=60, clip=False).encode(x=alt.value(WIDTH + 14), color=color),
        base.mark_text(align="left", dx=8, fontSize=12, color=INK, clip=False).encode(
            x=alt.value(WIDTH + 14), text="text:N"
        ),
    ]


def _spread(rows: Rows, how: Lines, top: float) -> list[tuple[str, float, str]]:
    """Series, height and words of each label, at least a line's height from the next."""
    drawn = [row for row in rows if getattr(row, how.measure.column) is not None]
    last = {getattr(row, how.series): row for row in sorted(drawn, key=lambda row: getattr(row, how.day))}
    ends = sorted((_value(row, how), name) for name, row in last.items())
    gap, heights = top * 16 / HEIGHT, [value for value, _ in ends]
    for place in range(1, len(heights)):
        heights[place] = max(heights[place], heights[place - 1] + gap)
    highest = top
    for place in reversed(range(len(heights))):
        heights[place] = min(heights[place], highest)
        highest = heights[place] - gap
    return [
        (name, height, f"{name} {_short(value, how.measure, top)}")
        for (value, name), height in zip(ends, heights, strict=True)
    ]


def _value(row: Row, how: Lines) -> float:
    return float(getattr(row, how.measure.column))


def _short(value: float, measure: Measure, top: float) -> str:
    if not measure.format.endswith("%"):
        return f"{value:,.4g}"
    return f"{100 * value:.{1 if top > 0.05 else 2}f} %"


def draw_panels(
    rows: Rows, panel: str, series: str, measure: Measure, low: str = "", high: str = ""
) -> Chart:
    """Small multiples: a panel per value of a column, the same series in each, with a band if any."""
    days, order = rows.values("starts_on"), rows.values(series)
    # A few panels have the room to be read; many stand side by side.
    columns, width = (4, SMALL) if len(rows.values(panel)) > 6 else (2, 320)
    selection = picked(series, is_in_legend=True)
    dash_scale = alt.Scale(domain=order, range=[DASHES[place % len(DASHES)] for place in range(len(order))])
    dashes = alt.StrokeDash(f"{series}:N", sort=order, scale=dash_scale, title=None)
    base = chart_of(rows).encode(
        x=time_axis("starts_on", days, width=width),
        y=alt.Y(
            f"{measure.column}:Q", title=measure.title, axis=alt.Axis(format=measure.format, tickCount=4)
        ),
        color=color_scale(series, order),
        opacity=opacity_of(selection),
    )
    tips = [tip(panel, panel), tip(series, series), tip("snapshot", "snapshot")]
    layers = alt.layer(
        *([base.mark_area().encode(y=f"{low}:Q", y2=f"{high}:Q", opacity=opacity_of(selection, 0.18))]
          if low else []),
        base.mark_line(strokeWidth=2).encode(strokeDash=dashes).add_params(selection),
        base.mark_point(filled=True, size=max(30, point_size(days))).encode(
            opacity=opacity_of(selection) if point_size(days) else alt.value(0),
            tooltip=[*tips, tip(measure.column, measure.title, measure.tip_format)],
        ),
    ).properties(width=width, height=120 if width == SMALL else 180)  # fmt: skip
    facet = alt.Facet(
        f"{panel}:N",
        sort=rows.values(panel),
        title=None,
        header=alt.Header(labelFontSize=12, labelFontWeight="bold"),
    )
    return layers.facet(facet=facet, columns=columns, spacing=18)


def draw_stack(
    rows: Rows, series: str, order: Sequence[str], colors: Sequence[str], measure: Measure
) -> Chart:
    """What each day is made of: areas, or bars while there are less than three days."""
    full = _complete(rows, series, order, measure.column)
    days = full.values("starts_on")
    # Shares that add up to a whole may exceed it by a rounding error, which must not stretch the axis.
    is_share = measure.format.endswith("%")
    scale = alt.Scale(domain=[0, 1], clamp=True) if is_share else alt.Undefined
    selection = picked(series, is_in_legend=True)
    chart: alt.Chart = (
        chart_of(full)
        .encode(
            y=alt.Y(
                f"{measure.column}:Q",
                title=measure.title,
                stack="zero",
                scale=scale,
                axis=alt.Axis(format=measure.format, tickCount=6),
            ),
            color=color_scale(series, order, colors),
            order=alt.Order("rank:Q"),
            opacity=opacity_of(selection),
            tooltip=[
                tip(series, "part"),
                tip("starts_on", "day"),
                tip(measure.column, measure.title, measure.tip_format),
            ],
        )
        .add_params(selection)
        .properties(width=WIDTH, height=300)
    )
    if len(days) < 3:
        shown: alt.Chart = chart.mark_bar(size=60).encode(
            x=alt.X("starts_on:O", title=None, axis=alt.Axis(labelAngle=0))
        )
    else:
        shown = chart.mark_area(line={"strokeWidth": 0.5, "color": "white"}).encode(
            x=time_axis("starts_on", days)
        )
    return shown


def _complete(rows: Rows, series: str, order: Sequence[str], column: str) -> Rows:
    """A row for every day and series, 0 where there is none: areas need all corners."""
    days: list[date] = sorted(rows.values("starts_on"))
    known = {(row.starts_on, getattr(row, series)): getattr(row, column) or 0 for row in rows}
    full = [(day, name, rank, known.get((day, name), 0)) for day in days for rank, name in enumerate(order)]
    return Rows.of(("starts_on", series, "rank", column), full)
