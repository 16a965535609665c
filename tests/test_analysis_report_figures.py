"""The figures one by one, and the words and cells of the report: what is drawn, and that it can be read."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

from analysis.figure_bars import Dots, draw_counts, draw_dots, draw_parts
from analysis.figure_curves import draw_steps
from analysis.figure_style import PALETTE, Chart, inline, make_spec, render_svg
from analysis.figures import Lines, Measure, draw_lines, draw_panels, draw_stack
from analysis.findings.evidence import ANSWERED
from analysis.findings.rows import Rows, plain
from analysis.findings.words import cell_of, count_of, extent, interval, listing, points, span
from consent.vocabulary import AccessState

DAYS = [date(2016, 9, 1) + timedelta(days=91 * n) for n in range(36)]
SHARE = Measure("value", "share")
LINES = Lines(SHARE, "series")


def values(*rows: Sequence[Any]) -> Rows:
    return Rows.of(("starts_on", "series", "value"), rows)


def draw(chart: Chart) -> str:
    return render_svg(make_spec(chart, "A title", ("n = 1.",), "In words"))


def texts(svg: str) -> list[str]:
    return re.findall(r"<(?:text|tspan)[^>]*>([^<]*)</", svg)


def label_heights(svg: str) -> list[float]:
    """Heights of the labels at the right end, which are the texts that end in a per cent sign."""
    pattern = r'text-anchor="start" transform="translate\([\d.]+,([\d.-]+)\)"[^>]*>[^<]* %</text>'
    found = re.findall(pattern, svg)
    return sorted(float(height) for height in found)


def test_a_figure_bears_its_title_its_notes_and_its_words() -> None:
    spec = make_spec(
        draw_lines(values((DAYS[0], "a", 0.1)), LINES), "A title", ("n = 1.", "Source: x."), "Seen"
    )
    assert spec["title"] == {"text": ["A title"], "subtitle": ["n = 1.", "Source: x."]}
    assert spec["description"] == "Seen"
    assert {"A title", "n = 1.", "Source: x."} <= set(texts(render_svg(spec)))


def test_equal_charts_give_equal_specifications_whatever_was_drawn_before() -> None:
    made = [make_spec(draw_lines(values((DAYS[0], "a", 0.1)), LINES), "t", (), "a") for _ in range(2)]
    assert made[0] == made[1]
    assert render_svg(made[0]) == render_svg(made[1])


@pytest.mark.parametrize("heights", [[0.0] * 8, [0.2] * 8, [n / 1000 for n in range(8)], [0.0, 0.9] * 4])
def test_labels_at_the_end_of_lines_never_cover_each_other(heights: list[float]) -> None:
    drawn = values(*((day, f"agent{n}", v) for day in DAYS[:3] for n, v in enumerate(heights)))
    found = label_heights(draw(draw_lines(drawn, LINES)))
    assert len(found) == 8
    assert all(below - above >= 12 for above, below in pairwise(found))
    assert found[0] >= -8
    assert found[-1] <= 348


def test_labels_say_the_series_and_its_last_value() -> None:
    drawn = values((DAYS[0], "GPTBot", 0.5), (DAYS[1], "GPTBot", 0.1234), (DAYS[0], "CCBot", 0.4))
    assert {"GPTBot 12.3 %", "CCBot 40.0 %"} <= set(texts(draw(draw_lines(drawn, LINES))))


def test_a_band_is_drawn_from_low_to_high() -> None:
    drawn = Rows.of(
        ("starts_on", "series", "value", "low", "high"), [(d, "a", 0.2, 0.1, 0.4) for d in DAYS[:3]]
    )
    how = Lines(SHARE, "series", low="low", high="high")
    assert 'aria-roledescription="area mark"' in draw(draw_lines(drawn, how))
    assert 'aria-roledescription="area mark"' not in draw(draw_lines(drawn, LINES))


@pytest.mark.parametrize(("n_days", "expected"), [(2, r"(Sep|Oct|Nov|Dec|Jan) 20\d\d"), (36, r"20\d\d")])
def test_the_time_axis_shows_months_of_a_short_span_and_years_of_a_long_one(
    n_days: int, expected: str
) -> None:
    svg = draw(draw_lines(values(*((day, "a", 0.1) for day in DAYS[:n_days])), LINES))
    times = [text for text in texts(svg) if re.search(r"20\d\d$", text)]
    assert len(times) >= 1
    assert len(set(times)) == len(times)
    assert all(re.fullmatch(expected, text) for text in times)


def test_one_day_is_drawn_as_dots_and_as_a_bar() -> None:
    assert "a 10.0 %" in texts(draw(draw_lines(values((DAYS[0], "a", 0.1)), LINES)))
    parts = values((DAYS[0], "a", 0.4), (DAYS[0], "b", 0.6))
    assert "2016-09-01" in texts(draw(draw_stack(parts, "series", ["a", "b"], PALETTE, SHARE)))


def test_shares_that_exceed_a_whole_by_rounding_do_not_stretch_the_axis() -> None:
    drawn = values(*((day, name, 0.500001) for day in DAYS[:4] for name in "ab"))
    found = texts(draw(draw_stack(drawn, "series", ["a", "b"], PALETTE, SHARE)))
    assert "100%" in found
    assert "120%" not in found


def test_a_part_that_a_day_lacks_is_drawn_as_nothing() -> None:
    drawn = values(*((day, "a", 1.0) for day in DAYS[:4]), (DAYS[0], "b", 0.0))
    svg = draw(draw_stack(drawn, "series", ["a", "b"], PALETTE, SHARE))
    assert svg.count('aria-roledescription="area mark"') == 2


def test_panels_are_named_and_in_order() -> None:
    drawn = Rows.of(
        ("snapshot", "starts_on", "panel", "series", "value"),
        [("s", day, panel, "s", 0.1) for panel in ("zeta", "alpha") for day in DAYS[:3]],
    )
    named = [text for text in texts(draw(draw_panels(drawn, "panel", "series", SHARE))) if text.isalpha()]
    assert named.index("zeta") < named.index("alpha")


def test_bars_are_in_the_order_given_with_their_numbers() -> None:
    rows = Rows.of(("bar", "value"), [("zeta", 1234), ("alpha", 5)])
    found = texts(draw(draw_counts(rows, "bar", Measure("value", "hosts", ",d", ",d"))))
    assert found.index("zeta") < found.index("alpha")
    assert {"1,234", "5"} <= set(found)


def test_parts_of_a_bar_stand_in_the_order_given() -> None:
    rows = Rows.of(("bar", "part", "value"), [("x", "second", 0.25), ("x", "first", 0.75)])
    svg = draw(draw_parts(rows, "bar", "part", ["first", "second"], PALETTE, SHARE))
    ends = re.findall(
        r'aria-label="[^"]*part: (\w+)[^"]*"[^>]*aria-roledescription="bar"[^>]*d="M([\d.]+),', svg
    )
    assert sorted(ends, key=lambda end: float(end[1])) == [("first", "0"), ("second", "450")]


def test_every_series_of_many_dialects_has_a_look_of_its_own() -> None:
    rows = Rows.of(("bar", "series", "value"), [("GPTBot", f"dialect{n}", 0.5) for n in range(12)])
    svg = draw(draw_dots(rows, Dots(SHARE, "bar", "series")))
    looks = re.findall(r'aria-roledescription="point"[^>]*d="([^"]+)"[^>]*stroke="([^"]+)"', svg)
    assert len(set(looks)) == len(looks) == 12


def test_marks_have_error_bars_where_there_is_an_interval() -> None:
    rows = Rows.of(("bar", "series", "value", "low", "high"), [("a", "s", 0.5, 0.25, 0.75)])
    svg = draw(draw_dots(rows, Dots(SHARE, "bar", "series", "low", "high")))
    assert svg.count('aria-roledescription="rule mark"') == 1


def test_inlined_figures_keep_their_ids_apart_and_escape_their_text() -> None:
    svg = (
        '<svg class="marks"><g role="x" aria-label="y" clip-path="url(#clip0)"/><clipPath id="clip0"/></svg>'
    )
    assert inline(svg, "fig", 'a "b" <c>') == (
        '<svg role="img" aria-label="a &quot;b&quot; &lt;c&gt;" class="marks">'
        '<g clip-path="url(#fig-clip0)"/><clipPath id="fig-clip0"/></svg>'
    )


def test_every_access_state_has_its_words_and_a_colour() -> None:
    assert set(ANSWERED) == set(AccessState) - {AccessState.NOT_CAPTURED}


def test_cells_show_rounded_numbers_and_keep_the_csvs() -> None:
    names = ("share_named", "n_hosts", "difference_points", "year", "weight", "is_last", "days")
    shown = (0.12345678, 1234567, -0.25123, 2024, 98765.4, True, 4.5)
    cells = [cell_of(name, value) for name, value in zip(names, shown, strict=True)]
    assert [(cell.text, cell.value) for cell in cells] == [
        ("12.35 %", "0.123457"),
        ("1,234,567", "1234567"),
        ("-0.25", "-0.251230"),
        ("2024", "2024"),
        ("98,765", "98765.400000"),
        ("yes", "true"),
        ("4.5", "4.500000"),
    ]
    assert (cell_of("share", None).text, cell_of("share", None).value) == ("–", "")
    assert [points(value) for value in (0.5, -0.251, 0.0, -0.001)] == ["+0.50", "-0.25", "0.00", "0.00"]


def test_phrases_for_one_several_and_none() -> None:
    assert [listing(["a", "b", "c"][:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert (span([]), span(["x"]), span(["x", "y", "z"])) == ("no snapshot", "x", "x to z")
    assert (extent([]), extent([7, 7]), extent([1500, 3])) == ("0", "7", "3 to 1,500")
    assert (count_of(1, "host"), count_of(2000, "host")) == ("1 host", "2,000 hosts")
    assert (interval(0.1, 0.2), interval(None, 0.2)) == ("10.00 % to 20.00 %", "no interval")


def test_rows_are_rounded_once_and_written_as_they_are() -> None:
    rows = Rows.of(
        ("day", "name", "share", "n"), [(DAYS[0], 'a, "b"', 1 / 3, 7), (DAYS[1], None, -1e-9, None)]
    )
    assert rows.rows[0].share == 0.333333
    assert rows.as_csv() == 'day,name,share,n\n2016-09-01,"a, ""b""",0.333333,7\n2016-12-01,,0.000000,\n'
    assert rows.as_records()[0] == {"day": "2016-09-01", "name": 'a, "b"', "share": 0.333333, "n": 7}
    assert (plain(False), plain(2)) == ("false", "2")
    assert rows.last("day").values("name") == []
    assert rows.first("day").values("n") == [7]


@pytest.mark.parametrize(("low", "starts"), [(0.9, "88%"), (0.3, "0%")])
def test_curves_near_one_have_an_axis_that_begins_near_them(low: float, starts: str) -> None:
    columns = ("years", "snapshot", "agent", "share", "low", "high")
    rows = Rows.of(columns, [(n, "s", "a", 0.95, low, 0.99) for n in range(3)])
    svg = draw(draw_steps(rows, Measure("years", "years"), Measure("share", "open"), "agent", "low", "high"))
    shares = [text for text in texts(svg) if text.endswith("%")]
    assert shares[0] == starts
    assert shares[-1] == "100%"
