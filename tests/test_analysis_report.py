"""The report: one page, no request, numbers equal to the database's and to the published CSVs'."""

import csv
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from analysis import models
from analysis.publish import publish
from analysis.report import render_report, write_report

SNAPSHOTS = ("CC-MAIN-2020-39", "CC-MAIN-2022-12", "CC-MAIN-2023-39", "CC-MAIN-2024-52")
CENTURY = tuple(f"CC-MAIN-{2016 + n // 10}-{5 * (n % 10) + 3:02d}" for n in range(100))
MADE_UP = Path(__file__).with_name("made_up_census.py")
FIGURES = {"named", "named-and-wildcard", "endpoints", "transitions", "answers", "parsers", "coverage"}

Census = Callable[[tuple[str, ...], int], duckdb.DuckDBPyConnection]


class Page(HTMLParser):
    """What a reader or a browser takes from the page: tables, texts by fact, figures, and what is loaded."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.facts: dict[str, str] = {}
        self.images: list[str] = []
        self.figures: dict[str, bool] = {}
        self.loaded: list[str] = []
        self.ids: list[str] = []
        self.anchors: list[str] = []
        self._caption = self._figure = self._fact = ""
        self._in: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.ids.append(given["id"])
        if tag in ("td", "th", "caption", "dd"):
            self._in.append(tag)
        self._start_of_loading(tag, given)
        if tag == "figure":
            self._figure = given["id"].removeprefix("figure-")
            self.figures[self._figure] = False
        if tag == "svg":
            self.figures[self._figure] = True
            self.images.append(given.get("aria-label", "") if given.get("role") == "img" else "")
        if tag == "caption":
            self._caption = ""
        if tag == "tr" and self._caption:
            self.tables[self._caption].append([])
        if tag == "data":
            self.tables[self._caption][-1].append(given["value"])
            self._in.append("data")
        self._fact = given.get("data-fact", "")

    def _start_of_loading(self, tag: str, given: dict[str, str]) -> None:
        if tag == "a":
            self.anchors.append(given["href"])
        elif tag not in ("use", "svg"):
            self.loaded += [
                given[name] for name in ("src", "href", "xlink:href", "srcset", "data") if name in given
            ]

    def handle_endtag(self, tag: str) -> None:
        if self._in and self._in[-1] == tag:
            self._in.pop()
        self._fact = ""

    def handle_data(self, data: str) -> None:
        if self._fact:
            self.facts[self._fact] = data
        if self._in[-1:] == ["caption"]:
            self._caption = data
            self.tables[data] = []
        elif self._in[-1:] in (["td"], ["th"]) and self._caption:
            self.tables[self._caption][-1].append(data)


@pytest.fixture(scope="module")
def census() -> Iterator[Census]:
    """Censuses of made-up hosts with every model built, each made once: `census(snapshots, n_hosts)`."""
    fill_census = runpy.run_path(str(MADE_UP))["fill_census"]
    made: dict[tuple[int, int], duckdb.DuckDBPyConnection] = {}

    def make(snapshots: tuple[str, ...], n_hosts: int) -> duckdb.DuckDBPyConnection:
        key = (len(snapshots), n_hosts)
        if key not in made:
            made[key] = duckdb.connect()
            fill_census(made[key], snapshots, n_hosts)
            models.build(made[key])
        return made[key]

    yield make
    for con in made.values():
        con.close()


@pytest.fixture(scope="module")
def html(census: Census) -> str:
    return render_report(census(SNAPSHOTS, 200), "A study of <hosts>")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


@pytest.fixture(scope="module")
def dataset(census: Census, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published") / "dataset"
    publish(census(SNAPSHOTS, 200), folder)
    return folder


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def whole(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [row for row in rows if row["stratum"] == "(all)" and row.get("corpus", "hosts") == "hosts"]


def test_the_page_loads_nothing(html: str, page: Page) -> None:
    assert page.loaded == []
    assert not re.search(r"@import|url\((?!#)|<script|<link|<iframe|<image|@font-face", html)
    without_names = re.sub(r'xmlns(:xlink)?="http://www.w3.org/[^"]*"', "", html)
    assert "http" not in without_names
    assert all(anchor.removeprefix("#") in page.ids for anchor in page.anchors)


def test_every_figure_is_an_svg_with_alt_text_caption_n_unit_and_source(html: str, page: Page) -> None:
    assert page.figures == dict.fromkeys(FIGURES, True)
    assert len(page.images) == len(FIGURES)
    assert all(len(alt) > 40 for alt in page.images)
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", html, re.S)
    for caption in captions:
        assert re.search(r"n = [\d,]+", caption)
        assert "Unit: host" in caption
        assert "Source: " in caption
    assert len(captions) == len(FIGURES)


def test_the_source_of_every_figure_is_a_published_table(html: str, dataset: Path) -> None:
    for source in re.findall(r"Source: ([a-z_]+)", html):
        assert (dataset / f"{source}.csv").is_file()


def test_ids_are_unique_though_the_figures_share_the_page(html: str, page: Page) -> None:
    assert len(page.ids) == len(set(page.ids))
    assert set(re.findall(r"url\(#([^)]+)\)", html)) <= set(page.ids)


def test_headline_counts_are_the_databases(census: Census, page: Page) -> None:
    con = census(SNAPSHOTS, 200)
    queries = {
        "n_hosts": "SELECT count(*) FROM sites",
        "n_hosts_captured": "SELECT count(DISTINCT host) FROM host_snapshots WHERE is_observed",
        "n_snapshots": "SELECT count(*) FROM snapshots",
        "n_captures": "SELECT count(*) FROM captures",
        "n_bodies": "SELECT count(*) FROM bodies",
        "n_agents": "SELECT count(*) FROM agents WHERE is_tracked",
    }
    for fact, query in queries.items():
        row = con.execute(query).fetchone()
        assert row is not None
        assert page.facts[fact] == f"{row[0]:,}"


def test_headline_shares_are_those_of_the_panel(census: Census, page: Page) -> None:
    con = census(SNAPSHOTS, 200)
    table = page.tables["Share of hosts captured that restrict the agent in full"]
    assert table[0] == [
        "agent",
        "2020-39: by name",
        "2020-39: by wildcard",
        "2024-52: by name",
        "2024-52: by wildcard",
    ]
    for agent, *shares in table[1:]:
        expected = con.execute(
            "SELECT count(*) FILTER (level = 'all' AND group_match = 'specific') / count(*),"
            " count(*) FILTER (level = 'all' AND group_match = 'wildcard') / count(*)"
            " FROM panel WHERE NOT is_carried AND level <> 'not_captured' AND agent = ?"
            " AND snapshot IN ('CC-MAIN-2020-39', 'CC-MAIN-2024-52') GROUP BY snapshot ORDER BY snapshot",
            [agent],
        ).fetchall()
        assert shares == [f"{value:.6f}" for row in expected for value in row]


def test_agents_are_those_with_the_largest_named_share_at_the_end(page: Page) -> None:
    rows = page.tables["Share of hosts captured that restrict the agent in full"][1:]
    finals = [float(row[3]) for row in rows]
    assert rows[0][0] == "GPTBot"
    assert finals == sorted(finals, reverse=True)
    assert len(rows) == 8


def test_shares_over_time_are_the_csvs(page: Page, dataset: Path) -> None:
    levels = {
        (row["snapshot"], row["agent"], row["level"], row["group_match"]): row["share_of_observed"]
        for row in whole(read_csv(dataset / "declared_levels.csv"))
    }
    rows = page.tables["Shares by snapshot and agent"][1:]
    tracked = {row["agent"] for row in read_csv(dataset / "agents.csv") if row["is_tracked"] == "true"}
    assert len(tracked) > 8
    assert [(row[0], row[1]) for row in rows] == list(dict.fromkeys((row[0], row[1]) for row in rows))
    assert {row[1] for row in rows} == tracked
    assert len(rows) == 4 * len(tracked)
    for snapshot, agent, _, named, wildcard, in_part in rows:
        assert named == levels.get((snapshot, agent, "all", "specific"), "0.000000")
        assert wildcard == levels.get((snapshot, agent, "all", "wildcard"), "0.000000")
        assert in_part == levels.get((snapshot, agent, "some", "specific"), "0.000000")
    headings, *lines = page.tables["Share restricting by name and in full"]
    shown = {
        (line[0], agent): value for line in lines for agent, value in zip(headings[2:], line[2:], strict=True)
    }
    assert len(headings) == 2 + 8
    assert shown == {(row[0], row[1]): row[3] for row in rows if row[1] in headings}


def test_the_endpoint_comparison_counts_the_csvs_hosts(page: Page, dataset: Path) -> None:
    table = page.tables["Hosts open in CC-MAIN-2020-39, by their level in CC-MAIN-2024-52"]
    rows = [
        row for row in whole(read_csv(dataset / "endpoint_comparison.csv")) if row["is_endpoints"] == "true"
    ]
    for line in table[1:]:
        cells = dict(zip(table[0], line, strict=True))
        opened = [r for r in rows if r["agent"] == line[0] and r["level_from"] in ("none", "some", "absent")]
        named = [r for r in opened if (r["level_to"], r["group_match_to"]) == ("all", "specific")]
        assert int(cells["open then"]) == sum(int(r["n_hosts_observed"]) for r in opened) > 0
        assert int(cells["in full, by name"]) == sum(int(r["n_hosts_observed"]) for r in named)
        assert sum(int(cell) for cell in line[2:]) == int(cells["open then"])


def test_transitions_answers_bounds_coverage_and_losses_are_the_csvs(page: Page, dataset: Path) -> None:
    changes = read_csv(dataset / "transitions.csv")
    kinds = page.tables["All changes by kind, over all tracked agents, named or not"][1:]
    assert sum(int(line[2]) for line in kinds) == sum(int(row["n_agents"]) for row in changes)
    top = page.tables["Most frequent changes of agents named"][1]
    assert top[1] == "newly restricted in full"
    of_top = [row for row in changes if row["agent"] == top[0] and row["kind"] == "new_block"]
    named = [row for row in of_top if "specific" in (row["group_match_from"], row["group_match_to"])]
    assert int(top[2]) == len({row["host"] for row in named})
    answers = {
        (r["snapshot"], r["access_state"]): r["share_of_observed"]
        for r in read_csv(dataset / "refusals_over_time.csv")
        if r["stratum"] == "(all)"
    }
    for line in page.tables["Share by how robots.txt was answered"][1:]:
        assert line[2] == answers[line[0], "rules"]
        assert line[-1] == answers.get((line[0], "refused"), "0.000000")
    bounds = {
        (r["agent"], r["dialect"]): r["share_all"]
        for r in whole(read_csv(dataset / "parser_bounds.csv"))
        if r["snapshot"] == SNAPSHOTS[-1]
    }
    headings, *lines = page.tables["Share restricting in full, by dialect"]
    for line in lines:
        assert line[1:] == [bounds[agent, line[0]] for agent in headings[1:]]
    for line, row in zip(
        page.tables["Coverage by snapshot"][1:], read_csv(dataset / "coverage.csv"), strict=True
    ):
        assert line[:2] + line[4:5] == [row["snapshot"], row["n_files_planned"], row["n_hosts_observed"]]
    losses = read_csv(dataset / "losses.csv")
    assert page.tables["What was lost or passed over, by reason"][1:] == [
        ["capture", "damaged_member", "4", str(sum(int(row["n_records"]) for row in losses)), "16384"]
    ]


def test_text_from_the_data_cannot_become_markup(html: str) -> None:
    assert "A study of &lt;hosts&gt;" in html
    assert "<hosts>" not in html


def test_the_same_models_give_the_same_bytes(census: Census, tmp_path: Path) -> None:
    con = census(SNAPSHOTS, 200)
    write_report(con, tmp_path / "a" / "report.html")
    write_report(con, tmp_path / "report.html")
    assert (tmp_path / "a" / "report.html").read_bytes() == (tmp_path / "report.html").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "report.html"]


def test_another_process_gives_the_same_figures() -> None:
    program = (
        "import datetime, hashlib; from analysis.figures import Point, draw_lines;"
        "print(hashlib.sha256(draw_lines([Point(datetime.date(2020, 1, n), s, n / 10) for n in (1, 2)"
        " for s in 'ab'], 'ab', 'y').encode()).hexdigest())"
    )
    answers = [
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env
        ).stdout
        for env in ({**os.environ, "PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"}, {**os.environ, "TZ": "UTC"})
    ]
    assert answers[0] == answers[1] != ""


def test_one_snapshot_says_that_a_comparison_takes_two(census: Census) -> None:
    html = render_report(census(SNAPSHOTS[:1], 30))
    page = Page(html)
    assert {name for name, is_drawn in page.figures.items() if not is_drawn} == {"endpoints", "transitions"}
    assert "takes at least two snapshots" in html
    assert page.tables["Share of hosts captured that restrict the agent in full"][0] == [
        "agent", "2020-39: by name", "2020-39: by wildcard",
    ]  # fmt: skip


@pytest.mark.parametrize(("snapshots", "n_hosts"), [((), 0), (SNAPSHOTS, 0), ((), 5)])
def test_without_captures_the_page_says_so(census: Census, snapshots: tuple[str, ...], n_hosts: int) -> None:
    html = render_report(census(snapshots, n_hosts))
    assert "No host was captured, so there is nothing to draw." in html
    assert Page(html).facts["n_captures"] == "0"


def test_a_century_of_snapshots_keeps_a_label_a_year(census: Census) -> None:
    html = render_report(census(CENTURY, 25))
    named = html[html.index('id="figure-named"') : html.index('id="figure-named-and-wildcard"')]
    years = re.findall(r"<text[^>]*>(20\d\d)</text>", named)
    assert years == sorted(set(years))
    assert 5 <= len(years) <= 11
    assert len(Page(html).tables["Coverage by snapshot"]) == 101


def test_importing_the_rooms_that_a_command_line_needs_draws_in_no_altair() -> None:
    program = "import sys, analysis.models, analysis.publish; print('altair' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_a_browser_draws_the_page(html: str, tmp_path: Path, require_all: bool) -> None:
    if not (shutil.which("chromium") or require_all):
        pytest.skip("chromium is not installed")
    (tmp_path / "report.html").write_text(html, encoding="utf-8")
    subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}",
         f"--screenshot={tmp_path / 'page.png'}", "--window-size=1280,2000",
         (tmp_path / "report.html").as_uri()],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    assert (tmp_path / "page.png").stat().st_size > 50_000


def test_the_head_start_is_the_csvs(page: Page, dataset: Path) -> None:
    lines = page.tables["Open when first listed, closed since"][1:]
    rows = {row["agent"]: row for row in whole(read_csv(dataset / "head_start.csv"))}
    assert len(lines) == len(rows) > 3
    for line in lines:
        row = rows[line[0]]
        numbers = ("n_hosts_open", "n_hosts_closed_since", "n_hosts_closed_by_name", "share_closed_since")
        assert line[1:] == [row["first_listed_on"], row["snapshot_listed"], *(row[name] for name in numbers)]
