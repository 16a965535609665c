"""The figures of the report: rows in, inline SVG out, drawn by Vega-Lite without a browser or the network."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import altair as alt

from analysis.figure_style import (
    INK,
    PALETTE,
    WIDTH,
    chart_of,
    color_scale,
    point_size,
    render_svg,
    time_axis,
)

SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-left")
PER_CENT = alt.Axis(format="~%", tickCount=6)


@dataclass(frozen=True, slots=True)
class Point:
    """One value of one series on one day; None where there is no value."""

    day: date
    series: str
    value: float | None


@dataclass(frozen=True, slots=True)
class PanelPoint:
    """One value of one series on one day in one panel of small multiples."""

    day: date
    panel: str
    series: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of one bar."""

    bar: str
    series: str
    value: float


@dataclass(frozen=True, slots=True)
class _Label:
    day: date
    series: str
    height: float
    text: str


def draw_lines(points: Sequence[Point], series: Sequence[str], y_title: str) -> str:
    """One line per series, named at its right end; a single day gives dots. Empty without a value."""
    drawn = [point for point in points if point.value is not None]
    if not drawn:
        return ""
    top = max(0.01, *(point.value or 0 for point in drawn)) * 1.06
    color = color_scale(series, has_legend=False)
    x = time_axis([point.day for point in drawn])
    y = alt.Y(
        "value:Q", title=y_title, scale=alt.Scale(domain=[0, top]), axis=alt.Axis(format="~%", tickCount=6)
    )
    base = chart_of(drawn).encode(x=x, y=y, color=color)
    labels = chart_of(_end_labels(drawn, top)).encode(x="day:T", y=alt.Y("height:Q"))
    chart = alt.layer(
        base.mark_line(strokeWidth=2),
        base.mark_point(filled=True, size=point_size([point.day for point in drawn]), opacity=1),
        labels.mark_point(filled=True, size=60, xOffset=14, opacity=1).encode(color=color),
        labels.mark_text(align="left", dx=22, fontSize=12, color=INK).encode(text="text:N"),
    )
    return render_svg(chart.properties(width=WIDTH, height=340))


def draw_panels(
    points: Sequence[PanelPoint], panels: Sequence[str], series: Sequence[str], y_title: str
) -> str:
    """Small multiples: a panel per agent, the same series in each. Empty without a value."""
    drawn = [point for point in points if point.value is not None]
    if not drawn:
        return ""
    dashes = alt.StrokeDash(
        "series:N", sort=list(series), scale=alt.Scale(domain=list(series), range=_DASHES), title=None
    )
    base = chart_of(drawn).encode(
        x=time_axis([point.day for point in drawn], width=150),
        y=alt.Y("value:Q", title=y_title, axis=alt.Axis(format="~%", tickCount=4)),
        color=color_scale(series),
    )
    layers = alt.layer(
        base.mark_line(strokeWidth=2).encode(strokeDash=dashes),
        base.mark_point(filled=True, size=point_size([point.day for point in drawn]), opacity=1),
    ).properties(width=150, height=120)
    facet = alt.Facet(
        "panel:N", sort=list(panels), title=None, header=alt.Header(labelFontSize=12, labelFontWeight="bold")
    )
    return render_svg(layers.facet(facet=facet, columns=4, spacing=18))


_DASHES = [[1, 0], [6, 3], [2, 2]]


def draw_stack(
    points: Sequence[Point], series: Sequence[str], colors: Sequence[str], y_title: str, y_format: str
) -> str:
    """What each day is made of: areas, or bars while there are less than three days. Empty without points."""
    if not points:
        return ""
    days = sorted({point.day for point in points})
    known = {(point.day, point.series): point.value or 0 for point in points}
    full = [Point(day, name, known.get((day, name), 0)) for day in days for name in series]
    # Shares that add up to a whole may exceed it by a rounding error, which must not stretch the axis.
    scale = alt.Scale(domain=[0, 1], clamp=True) if y_format.endswith("%") else alt.Undefined
    y = alt.Y(
        "value:Q", title=y_title, stack="zero", scale=scale, axis=alt.Axis(format=y_format, tickCount=6)
    )
    chart = chart_of(full).encode(y=y, color=color_scale(series, colors), order=alt.Order("rank:O"))
    chart = chart.transform_calculate(rank=f"indexof({json.dumps(list(series))}, datum.series)")
    if len(days) < 3:
        shown = chart.mark_bar(size=60).encode(x=alt.X("day:O", title=None, axis=alt.Axis(labelAngle=0)))
    else:
        shown = chart.mark_area(line={"strokeWidth": 0.5, "color": "white"}, opacity=1).encode(
            x=time_axis(days)
        )
    return render_svg(shown.properties(width=WIDTH, height=300))


def draw_bars(bars: Sequence[Bar], series: Sequence[str], colors: Sequence[str], x_title: str) -> str:
    """Horizontal bars of parts that make one, in the order of first appearance. Empty without bars."""
    if not bars:
        return ""
    chart = (
        chart_of(bars)
        .mark_bar()
        .encode(
            y=alt.Y("bar:N", sort=_names(bars), title=None, axis=alt.Axis(labelLimit=260)),
            x=alt.X(
                "value:Q",
                title=x_title,
                stack="zero",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(format="~%"),
            ),
            color=color_scale(series, colors),
            order=alt.Order("rank:O"),
        )
    )
    chart = chart.transform_calculate(rank=f"indexof({json.dumps(list(series))}, datum.series)")
    return render_svg(chart.properties(width=WIDTH - 40, height=alt.Step(28)))


def draw_counts(bars: Sequence[Bar], x_title: str) -> str:
    """Horizontal bars with their number written at the end, in the order given. Empty without bars."""
    if not bars:
        return ""
    base = chart_of(bars).encode(
        y=alt.Y("bar:N", sort=_names(bars), title=None, axis=alt.Axis(labelLimit=320)),
        x=alt.X("value:Q", title=x_title, axis=alt.Axis(format=",d", tickMinStep=1, tickCount=8)),
    )
    text = base.mark_text(align="left", dx=5, fontSize=12, color=INK).encode(
        text=alt.Text("value:Q", format=",")
    )
    chart = alt.layer(base.mark_bar(color=PALETTE[0]), text)
    return render_svg(chart.properties(width=WIDTH - 120, height=alt.Step(24)))


def draw_ranges(bars: Sequence[Bar], series: Sequence[str], x_title: str) -> str:
    """A band per bar with one mark per series, one below the other, so that equal values stay apart."""
    if not bars:
        return ""
    # A margin of a point to either side keeps a hair's breadth from looking like a gulf.
    low, high = min(bar.value for bar in bars), max(bar.value for bar in bars)
    domain = [max(0.0, low - 0.01), min(1.0, high + 0.01)]
    # Seven shapes over eight colours: no two of 56 series look alike.
    shapes = [SHAPES[place % len(SHAPES)] for place in range(len(series))]
    chart = (
        chart_of(bars)
        .mark_point(size=70, strokeWidth=2, opacity=1)
        .encode(
            y=alt.Y("bar:N", sort=_names(bars), title=None, axis=alt.Axis(grid=True, bandPosition=0)),
            yOffset=alt.YOffset("series:N", sort=list(series), scale=alt.Scale(paddingOuter=1)),
            x=alt.X("value:Q", title=x_title, scale=alt.Scale(domain=domain), axis=PER_CENT),
            color=color_scale(series),
            shape=alt.Shape("series:N", scale=alt.Scale(domain=list(series), range=shapes), title=None),
        )
    )
    return render_svg(chart.properties(width=WIDTH - 60, height=alt.Step(11)))


def _names(bars: Sequence[Bar]) -> list[str]:
    return list(dict.fromkeys(bar.bar for bar in bars))


def _end_labels(points: Sequence[Point], top: float) -> list[_Label]:
    """A label per series at its last day, moved apart so that none covers another."""
    last = {point.series: point for point in sorted(points, key=lambda point: point.day)}
    decimals = 1 if top > 0.05 else 2
    ends = sorted(last.values(), key=lambda point: (point.value or 0, point.series))
    day, gap = max(point.day for point in points), top * 16 / 340
    labels = [
        _Label(day, end.series, end.value or 0, f"{end.series} {100 * (end.value or 0):.{decimals}f} %")
        for end in ends
    ]
    for place in range(1, len(labels)):
        lowest = labels[place - 1].height + gap
        labels[place] = replace(labels[place], height=max(labels[place].height, lowest))
    highest = top
    for place in reversed(range(len(labels))):
        labels[place] = replace(labels[place], height=min(labels[place].height, highest))
        highest = labels[place].height - gap
    return labels
