"""The figures one by one: what is drawn, what is not, and that labels can be read."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise

import pytest

from analysis import models
from analysis.figure_style import PALETTE, inline
from analysis.figures import (
    Bar,
    PanelPoint,
    Point,
    draw_bars,
    draw_counts,
    draw_lines,
    draw_panels,
    draw_ranges,
    draw_stack,
)
from analysis.report_changes import BECAME, KINDS, find_became
from analysis.report_evidence import ANSWERED
from analysis.report_page import count, extent, listing, points, share, span
from consent.vocabulary import AccessState

DAYS = [date(2016, 9, 1) + timedelta(days=91 * n) for n in range(36)]


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def label_heights(svg: str) -> list[float]:
    """Heights of the labels at the right end, which are the texts that end in a per cent sign."""
    pattern = r'text-anchor="start" transform="translate\([\d.]+,([\d.-]+)\)"[^>]*>[^<]* %</text>'
    found = re.findall(pattern, svg)
    return sorted(float(height) for height in found)


EMPTY: dict[str, Callable[[], str]] = {
    "lines": lambda: draw_lines([], ["a"], "y"),
    "lines without a value": lambda: draw_lines([Point(DAYS[0], "a", None)], ["a"], "y"),
    "panels": lambda: draw_panels([], ["a"], ["s"], "y"),
    "stack": lambda: draw_stack([], ["a"], PALETTE, "y", "~%"),
    "bars": lambda: draw_bars([], ["a"], PALETTE, "x"),
    "counts": lambda: draw_counts([], "x"),
    "ranges": lambda: draw_ranges([], ["a"], "x"),
}


@pytest.mark.parametrize("kind", EMPTY)
def test_nothing_to_draw_gives_the_empty_text(kind: str) -> None:
    assert EMPTY[kind]() == ""


@pytest.mark.parametrize("values", [[0.0] * 8, [0.2] * 8, [n / 1000 for n in range(8)], [0.0, 0.9] * 4])
def test_labels_at_the_end_of_lines_never_cover_each_other(values: list[float]) -> None:
    series = [f"agent{n}" for n in range(8)]
    drawn = [Point(day, name, v) for day in DAYS[:3] for name, v in zip(series, values, strict=True)]
    heights = label_heights(draw_lines(drawn, series, "share"))
    assert len(heights) == 8
    assert all(below - above >= 12 for above, below in pairwise(heights))
    assert heights[0] >= -8
    assert heights[-1] <= 348


def test_labels_say_the_series_and_its_last_value() -> None:
    drawn = [Point(DAYS[0], "GPTBot", 0.5), Point(DAYS[1], "GPTBot", 0.1234), Point(DAYS[0], "CCBot", 0.4)]
    assert {"GPTBot 12.3 %", "CCBot 40.0 %"} <= set(texts(draw_lines(drawn, ["GPTBot", "CCBot"], "share")))


@pytest.mark.parametrize(("n_days", "expected"), [(2, r"(Sep|Oct|Nov|Dec|Jan) 20\d\d"), (36, r"20\d\d")])
def test_the_time_axis_shows_months_of_a_short_span_and_years_of_a_long_one(
    n_days: int, expected: str
) -> None:
    svg = draw_lines([Point(day, "a", 0.1) for day in DAYS[:n_days]], ["a"], "share")
    times = [text for text in texts(svg) if re.search(r"20\d\d$", text)]
    assert len(times) >= 1
    assert len(set(times)) == len(times)
    assert all(re.fullmatch(expected, text) for text in times)


def test_one_day_is_drawn_as_dots_and_as_a_bar() -> None:
    assert "a 10.0 %" in texts(draw_lines([Point(DAYS[0], "a", 0.1)], ["a"], "share"))
    stack = draw_stack(
        [Point(DAYS[0], "a", 0.4), Point(DAYS[0], "b", 0.6)], ["a", "b"], PALETTE, "share", "~%"
    )
    assert "2016-09-01" in texts(stack)


def test_shares_that_exceed_a_whole_by_rounding_do_not_stretch_the_axis() -> None:
    drawn = [Point(day, name, 0.5000001) for day in DAYS[:4] for name in "ab"]
    assert "100%" in texts(draw_stack(drawn, ["a", "b"], PALETTE, "share", "~%"))
    assert "120%" not in texts(draw_stack(drawn, ["a", "b"], PALETTE, "share", "~%"))


def test_panels_are_named_and_in_order() -> None:
    drawn = [PanelPoint(day, panel, "s", 0.1) for day in DAYS[:3] for panel in ("zeta", "alpha")]
    named = [text for text in texts(draw_panels(drawn, ["zeta", "alpha"], ["s"], "y")) if text.isalpha()]
    assert named.index("zeta") < named.index("alpha")


def test_every_series_of_many_dialects_has_a_look_of_its_own() -> None:
    names = [f"dialect{n}" for n in range(12)]
    svg = draw_ranges([Bar("GPTBot", name, 0.5) for name in names], names, "share")
    looks = re.findall(r'aria-roledescription="point"[^>]*d="([^"]+)"[^>]*stroke="([^"]+)"', svg)
    assert len(set(looks)) == len(looks) == 12


def test_inlined_figures_keep_their_ids_apart_and_escape_their_text() -> None:
    svg = (
        '<svg class="marks"><g role="x" aria-label="y" clip-path="url(#clip0)"/><clipPath id="clip0"/></svg>'
    )
    assert inline(svg, "fig", 'a "b" <c>') == (
        '<svg role="img" aria-label="a &quot;b&quot; &lt;c&gt;" class="marks">'
        '<g clip-path="url(#fig-clip0)"/><clipPath id="fig-clip0"/></svg>'
    )
    assert inline("", "fig", "nothing") == ""


def test_every_access_state_and_every_kind_of_change_has_its_words() -> None:
    assert {answered.state for answered in ANSWERED} == set(AccessState) - {AccessState.NOT_CAPTURED}
    kinds = set(re.findall(r"THEN '([a-z_]+)'|'(new_block)', '(tightened)'|'(removal)', '(loosened)'",
                           models.read_sql("transitions")))  # fmt: skip
    assert {kind for group in kinds for kind in group if kind} <= set(KINDS)


@pytest.mark.parametrize(
    ("level", "group_match", "label"),
    [
        ("none", "wildcard", "nothing restricted"),
        ("some", "specific", "restricted in part"),
        ("all", "specific", "in full, by name"),
        ("all", "wildcard", "in full, by wildcard"),
        ("absent", "", "no file"),
        ("refused", "", "refused or unreadable"),
        ("not_read", "", "refused or unreadable"),
    ],
)
def test_each_level_becomes_one_part_of_a_bar(level: str, group_match: str, label: str) -> None:
    assert find_became(level, group_match).label == label
    assert find_became(level, group_match) in BECAME


def test_cells_show_rounded_numbers_and_keep_the_csvs() -> None:
    assert (share(0.12345678).text, share(0.12345678).value) == ("12.35 %", "0.123457")
    assert (count(1234567).text, count(1234567).value) == ("1,234,567", "1234567")
    assert [points(value).text for value in (0.5, -0.251, 0.0, -0.001, None)] == [
        "+0.50",
        "-0.25",
        "0.00",
        "0.00",
        "–",
    ]
    assert (share(None).text, share(None).value, count(None).text) == ("–", "", "–")


def test_phrases_for_one_several_and_none() -> None:
    assert [listing(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert (span([]), span(["x"]), span(["x", "y", "z"])) == ("no snapshot", "x to x", "x to z")
    assert (extent([]), extent([7, 7]), extent([1500, 3])) == ("0", "7", "3 to 1,500")
