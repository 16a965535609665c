"""How every figure looks: palette, axes, and the way from an Altair chart to its specification and SVG."""

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from html import escape
from typing import Any, Literal, TypeAlias

import altair as alt
import vl_convert

from analysis.findings.rows import Rows

WIDTH = 640
# Okabe and Ito's palette, whose members stay apart for colour-blind readers; yellow is left out as too pale.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F5F1E")
INK, SOFT, GRID = "#222222", "#555555", "#E3E3E3"
MANY_SNAPSHOTS = 24
FAINT = 0.12
# Fonts of one width, one of which most systems have: what was measured here fits there.
FONT = "Arial, Helvetica, Liberation Sans, sans-serif"

Chart: TypeAlias = alt.TopLevelMixin
Shape: TypeAlias = Literal["linear", "step-after"]
# A Vega-Lite specification as JSON has it, data included.
Spec: TypeAlias = dict[str, Any]


def make_spec(chart: Chart, title: str, notes: Sequence[str], alt_text: str) -> Spec:
    """The chart as one specification that is read alone: title above, notes below it, words for who hears it.

    Equal charts give equal specifications, whatever was drawn before in the same process.
    """
    spec = chart.configure(font=FONT, background="white").to_dict()
    spec["config"] |= _CONFIG
    spec["title"] = {
        "text": textwrap.wrap(title, 70, break_on_hyphens=False),
        "subtitle": [line for note in notes for line in textwrap.wrap(note, 100, break_on_hyphens=False)],
    }
    spec["description"] = alt_text
    return _rename_views(spec)


def _rename_views(spec: Spec) -> Spec:
    """Number the views of one specification from 1: Altair counts on from chart to chart."""
    renamed: Spec = json.loads(_renumber(json.dumps(spec), r"\bview_(?=\d)"))
    return renamed


def render_svg(spec: Spec) -> str:
    """The specification as the text of a stand-alone SVG; equal specifications give equal text."""
    svg = str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))
    # Vega counts its clips on from figure to figure.
    return _renumber(svg, r"\bclip(?=\d)")


def _renumber(text: str, prefix: str) -> str:
    """The numbers behind a prefix, anew from 1 in the order of their first appearance."""
    places: dict[str, int] = {}
    return re.sub(
        rf"({prefix})(\d+)", lambda found: f"{found[1]}{places.setdefault(found[2], len(places) + 1)}", text
    )


def inline(svg: str, figure_id: str, alt_text: str) -> str:
    """The SVG as one accessible image of an HTML page, its ids prefixed so that several can share a page."""
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{figure_id}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{figure_id}-\1)", svg)
    svg = re.sub(r' (?:role|aria-[a-z]+)="[^"]*"', "", svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(alt_text)}" ', 1)


_CONFIG: Mapping[str, object] = {
    "font": FONT,
    # Where none of the fonts is there, a wider one still has room.
    "padding": {"left": 14, "top": 6, "right": 28, "bottom": 6},
    "view": {"stroke": None},
    "title": {
        "anchor": "start",
        "frame": "bounds",
        "fontSize": 15,
        "color": INK,
        "subtitleFontSize": 12,
        "subtitleColor": SOFT,
        "subtitlePadding": 5,
        "offset": 14,
    },
    "axis": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelColor": INK,
        "titleColor": INK,
        "gridColor": GRID,
        "domainColor": "#888888",
        "tickColor": "#888888",
    },
    "axisX": {"grid": False},
    "legend": {
        "orient": "top",
        "labelFontSize": 12,
        "labelColor": INK,
        "symbolSize": 110,
        "labelLimit": 320,
        "columnPadding": 18,
        "columns": 3,
    },
}


def chart_of(rows: Rows) -> alt.Chart:
    """A chart without marks over rows."""
    return alt.Chart(alt.InlineData(values=rows.as_records()))


def color_scale(
    field: str, order: Sequence[str], colors: Sequence[str] = PALETTE, has_legend: bool = True
) -> alt.Color:
    """A colour per value of a field, both in the order given."""
    legend = alt.Legend(title=None, symbolOpacity=1) if has_legend else None
    used = [colors[place % len(colors)] for place in range(len(order))]
    scale = alt.Scale(domain=list(order), range=used)
    return alt.Color(f"{field}:N", legend=legend, scale=scale, title=None, sort=list(order))


def time_axis(field: str, days: Sequence[date], width: int = WIDTH, padding: int = 0) -> alt.X:
    """The horizontal axis over a column of days, with as many labels as fit the width in pixels."""
    # A day-month label would repeat itself over years, a year label over months.
    span = max(days) - min(days)
    is_years = span > timedelta(days=900)
    ticks = max(2, min(span.days // 365 if is_years else span.days // 30, width // 70))
    axis = alt.Axis(
        format="%Y" if is_years else "%b %Y",
        tickCount=ticks,
        labelOverlap="greedy",
        labelSeparation=8,
        labelFlush=False,
    )
    return alt.X(f"{field}:T", title=None, scale=alt.Scale(type="utc", padding=padding), axis=axis)


def point_size(days: Sequence[date]) -> int:
    """Area of the dot at each value, in square pixels; 0 where so many would blur the line."""
    return 0 if len(set(days)) > MANY_SNAPSHOTS else 28


def picked(field: str, is_in_legend: bool) -> alt.Parameter:
    """What a reader picks by a click on a value of a field, in the legend or on its marks."""
    if is_in_legend:
        return alt.selection_point(name="picked", fields=[field], bind="legend")
    return alt.selection_point(name="picked", fields=[field], on="click", clear="dblclick")


def zoomed() -> alt.Parameter:
    """The stretch of time that a reader drags or scrolls to."""
    return alt.selection_interval(name="zoomed", bind="scales", encodings=["x"])


def opacity_of(selection: alt.Parameter, full: float = 1) -> Any:
    """Full for what is picked, and for all while nothing is."""
    return alt.condition(selection, alt.value(full), alt.value(FAINT))


def tip(field: str, title: str, number_format: str = "") -> alt.Tooltip:
    """One line of the box that appears over a mark."""
    kind = "Q" if number_format else "N"
    return alt.Tooltip(f"{field}:{kind}", title=title, format=number_format or alt.Undefined)
