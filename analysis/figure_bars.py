"""The figures of the report by category: parts, counts, and marks with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    tip,
)
from analysis.figures import Measure
from analysis.findings.rows import Rows

SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-left")


@dataclass(frozen=True, slots=True)
class Dots:
    """What a chart of marks takes beside the rows: a line per `bar`, one mark per `series` below the other.

    `low` and `high` are the columns of an interval and empty where there is none; `is_near` lets the axis
    begin near the values, which then the caption must say.
    """

    measure: Measure
    bar: str
    series: str
    low: str = ""
    high: str = ""
    is_near: bool = False


def draw_parts(
    rows: Rows,
    bar: str,
    part: str,
    order: Sequence[str],
    colors: Sequence[str],
    measure: Measure,
    is_whole: bool = True,
) -> Chart:
    """Horizontal bars of parts, which make one unless `is_whole` is false, in the order given."""
    selection = picked(part, is_in_legend=True)
    ranked = Rows.of((*rows.columns, "rank"), [(*row, list(order).index(getattr(row, part))) for row in rows])
    chart: alt.Chart = (
        chart_of(ranked)
        .mark_bar()
        .encode(
            y=alt.Y(f"{bar}:N", sort=rows.values(bar), title=None, axis=alt.Axis(labelLimit=260)),
            x=alt.X(
                f"{measure.column}:Q",
                title=measure.title,
                stack="zero",
                scale=alt.Scale(domain=[0, 1], clamp=True) if is_whole else alt.Undefined,
                axis=alt.Axis(format=measure.format),
            ),
            color=color_scale(part, order, colors),
            order=alt.Order("rank:Q"),
            opacity=opacity_of(selection),
            tooltip=[
                tip(bar, bar),
                tip(part, part),
                tip(measure.column, measure.title, measure.tip_format),
                *([tip("n_hosts", "hosts", ",d")] if "n_hosts" in rows.columns else []),
            ],
        )
        .add_params(selection)
        .properties(width=WIDTH - 40, height=alt.Step(28))
    )
    return chart


def draw_counts(rows: Rows, bar: str, measure: Measure, color: str = PALETTE[0]) -> Chart:
    """Horizontal bars with their number written at the end, in the order given."""
    is_share = measure.format.endswith("%")
    ticks = alt.Undefined if is_share else 1
    has_negative = min(rows.values(measure.column), default=0) < 0
    base = chart_of(rows).encode(
        y=alt.Y(f"{bar}:N", sort=rows.values(bar), title=None, axis=alt.Axis(labelLimit=320)),
        x=alt.X(
            f"{measure.column}:Q",
            title=measure.title,
            # Numbers to the left of a bar need room before the names.
            scale=alt.Scale(padding=50) if has_negative else alt.Undefined,
            axis=alt.Axis(format=measure.format, tickMinStep=ticks, tickCount=8),
        ),
        tooltip=[tip(bar, bar), tip(measure.column, measure.title, measure.tip_format)],
    )
    words = alt.Text(f"{measure.column}:Q", format=measure.tip_format)
    texts = [
        base.transform_filter(f"datum['{measure.column}'] >= 0")
        .mark_text(align="left", dx=5, fontSize=12, color=INK)
        .encode(text=words)
    ]
    if has_negative:
        below = base.transform_filter(f"datum['{measure.column}'] < 0")
        texts.append(below.mark_text(align="right", dx=-5, fontSize=12, color=INK).encode(text=words))
    return alt.layer(base.mark_bar(color=color), *texts).properties(width=WIDTH - 120, height=alt.Step(24))


def draw_dots(rows: Rows, how: Dots) -> Chart:
    """Marks along one axis, with error bars where there is an interval, equal values kept apart."""
    order = [str(value) for value in rows.values(how.series)]
    selection = picked(how.series, is_in_legend=True)
    # Seven shapes over eight colours: no two of 56 series look alike.
    shapes = alt.Scale(domain=order, range=[SHAPES[place % len(SHAPES)] for place in range(len(order))])
    base = chart_of(rows).encode(
        y=alt.Y(
            f"{how.bar}:N",
            sort=rows.values(how.bar),
            title=None,
            axis=alt.Axis(grid=True, bandPosition=0, labelLimit=320),
        ),
        x=alt.X(
            f"{how.measure.column}:Q",
            title=how.measure.title,
            scale=alt.Scale(domain=_domain(rows, how), nice=not how.is_near, zero=False),
            axis=alt.Axis(format=how.measure.format, tickCount=6, grid=True),
        ),
        yOffset=alt.YOffset(f"{how.series}:N", sort=order, scale=alt.Scale(paddingOuter=1)),
        color=color_scale(how.series, order, has_legend=len(order) > 1),
        opacity=opacity_of(selection),
    )
    legend = alt.Undefined if len(order) > 1 else None
    dots = base.mark_point(size=70, strokeWidth=2).encode(
        shape=alt.Shape(f"{how.series}:N", scale=shapes, title=None, sort=order, legend=legend),
        tooltip=[
            tip(how.bar, how.bar.replace("_", " ")),
            tip(how.series, how.series.replace("_", " ")),
            tip(how.measure.column, how.measure.title, how.measure.tip_format),
            *[tip(end, word, how.measure.tip_format)
              for end, word in ((how.low, "low"), (how.high, "high")) if end],
        ],
    ).add_params(selection)  # fmt: skip
    step = alt.Step(11)
    bars = [base.mark_rule(strokeWidth=1.5).encode(x=f"{how.low}:Q", x2=f"{how.high}:Q")] if how.low else []
    return alt.layer(*bars, dots).properties(width=WIDTH - 60, height=step)


def _domain(rows: Rows, how: Dots) -> list[float]:
    columns = [column for column in (how.measure.column, how.low, how.high) if column]
    values = [value for column in columns for value in rows.values(column)]
    low, high = min(values), max(values)
    if not how.is_near:
        return [min(0.0, low), max(high, 0.01)]
    # A margin of a point to either side keeps a hair's breadth from looking like a gulf.
    return [max(0.0, low - 0.01), min(1.0, high + 0.01)]
