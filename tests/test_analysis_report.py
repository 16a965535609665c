"""The report: a front page and a page per finding that open offline and are made of one query each."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag

import duckdb
import pytest

from analysis import models
from analysis.figure_style import render_svg
from analysis.findings.finding import describe
from analysis.findings.table import FINDINGS
from analysis.report import ReportError, write_report

SNAPSHOTS = ("CC-MAIN-2020-39", "CC-MAIN-2022-12", "CC-MAIN-2023-39", "CC-MAIN-2024-52")
CENTURY = tuple(f"CC-MAIN-{2016 + n // 10}-{5 * (n % 10) + 3:02d}" for n in range(100))
MADE_UP = Path(__file__).with_name("made_up_census.py")
READER = runpy.run_path(str(Path(__file__).with_name("report_reader.py")))
read_page, read_csv = READER["read_page"], READER["read_csv"]
# No site was probed, no page drawn; four snapshots make no monthly series, and all hosts are of one domain.
UNANSWERED = {"verdicts", "probe-rates", "breaks", "forecasts", "forecast-scores", "influences", "accessible"}
COUNTS = {"head-start", "transitions", "change-kinds", "losses", "influences"}
ENDS = "Share of hosts captured that restrict the agent in full"

Census = Callable[[tuple[str, ...], int], duckdb.DuckDBPyConnection]


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
def folder(census: Census, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on 200 made-up hosts in four snapshots."""
    made = tmp_path_factory.mktemp("report")
    write_report(census(SNAPSHOTS, 200), made / "report.html", "A study of <hosts>")
    return made


@pytest.fixture(scope="module")
def front(folder: Path) -> Any:
    return read_page(folder / "report.html")


@pytest.fixture(scope="module")
def pages(folder: Path) -> dict[str, Any]:
    return {finding.id: read_page(folder / "report" / f"{finding.id}.html") for finding in FINDINGS}


def answered(pages: dict[str, Any]) -> dict[str, Any]:
    return {name: page for name, page in pages.items() if page.images}


# ---- a page per finding


def test_there_is_a_page_and_a_csv_per_finding_and_a_link_to_each(folder: Path, front: Any) -> None:
    names = {path.name for path in (folder / "report").iterdir()}
    for finding in FINDINGS:
        assert {f"{finding.id}.html", f"{finding.id}.csv"} <= names
        assert f"report/{finding.id}.html" in front.links
        assert finding.question in front.words
    assert "vega.js" in names


def test_every_link_leads_to_a_file_of_the_report(folder: Path, front: Any, pages: dict[str, Any]) -> None:
    for base, page in [(folder, front), *((folder / "report", page) for page in pages.values())]:
        for link in page.links:
            path, fragment = urldefrag(link)
            assert (base / path).exists()
            assert path or fragment in page.ids


def test_nothing_is_loaded_but_the_script_beside_the_page(
    folder: Path, front: Any, pages: dict[str, Any]
) -> None:
    assert front.loaded == []
    assert {name for page in pages.values() for name in page.loaded} == {"vega.js"}
    for path in sorted(folder.rglob("*.html")):
        html = re.sub(r'xmlns(:xlink)?="http://www.w3.org/[^"]*"', "", path.read_text("utf-8"))
        assert not re.search(r"@import|url\((?!#)|<link|<iframe|<image|@font-face", html)
        assert set(re.findall(r'https?://[^"<> ]*', html)) <= {
            "https://vega.github.io/schema/vega-lite/v6.4.1.json"
        }


def test_every_page_is_whole_html_with_ids_of_its_own(front: Any, pages: dict[str, Any]) -> None:
    for page in (front, *pages.values()):
        assert page.open == []
        assert len(page.ids) == len(set(page.ids))


def test_the_query_on_the_page_gives_the_rows_on_the_page(
    census: Census, folder: Path, pages: dict[str, Any]
) -> None:
    con = census(SNAPSHOTS, 200)
    for finding in FINDINGS:
        assert " ".join(finding.query.split()) in pages[finding.id].words
        answer = con.execute(finding.query)
        columns = [column[0] for column in answer.description or ()]
        rows = answer.fetchall()
        path = folder / "report" / f"{finding.id}.csv"
        header = path.read_text("utf-8").splitlines()[0]
        assert header.split(",") == columns
        written = read_csv(path)
        assert len(written) == len(rows)
        for line, row in zip(written, rows, strict=True):
            assert [_as_number(cell) for cell in line.values()] == pytest.approx(
                [_as_number(_as_text(value)) for value in row], abs=1e-6
            )


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _as_number(text: str) -> object:
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?(e-\d+)?", text) else text


def test_the_table_on_the_page_is_the_csv(folder: Path, pages: dict[str, Any]) -> None:
    for name, page in answered(pages).items():
        written = [list(row.values()) for row in read_csv(folder / "report" / f"{name}.csv")]
        (caption,) = page.tables
        shown = page.tables[caption][1:]
        assert [[cell.replace("–", "") for cell in row] for row in shown] == written
        assert caption == f"All {len(written):,} rows of the answer"


def test_every_column_of_a_finding_is_described_and_every_source_is_known(folder: Path) -> None:
    for finding in FINDINGS:
        header = (folder / "report" / f"{finding.id}.csv").read_text("utf-8").splitlines()[0].split(",")
        assert [column.name for column in describe(finding.id).columns] == header
        assert all(len(column.description) > 2 for column in describe(finding.id).columns)
        assert finding.question.endswith("?")
        assert finding.sources
        assert finding.caveats
    assert len({finding.id for finding in FINDINGS}) == len(FINDINGS)


# ---- figures


def test_every_figure_says_what_it_is_n_unit_and_source_in_itself(
    folder: Path, pages: dict[str, Any]
) -> None:
    found = answered(pages)
    assert set(found) == {finding.id for finding in FINDINGS} - UNANSWERED
    for name, page in found.items():
        drawn = (folder / "report" / f"{name}.svg").read_text("utf-8")
        svg = " ".join(re.sub(r"<[^>]+>", " ", drawn).split())
        assert re.search(r"n = [\d,]+", svg)
        assert "Unit: " in svg
        assert re.search(rf"Source: [a-z_, ]+; query {name}\.", svg), svg
        assert len(page.images) == 1
        assert len(page.images[0]) > 40
        assert page.words.count("n = ") >= 1


def test_paper_and_screen_show_the_same_specification(folder: Path, pages: dict[str, Any]) -> None:
    for name, page in answered(pages).items():
        spec = json.loads((folder / "report" / f"{name}.vl.json").read_text("utf-8"))
        assert page.spec == spec
        assert spec["description"] == page.images[0]
        assert (folder / "report" / f"{name}.svg").read_text("utf-8") == render_svg(spec)
        assert '"url"' not in json.dumps(spec)


def test_figures_can_be_asked_picked_and_zoomed(pages: dict[str, Any]) -> None:
    for name, page in answered(pages).items():
        text = json.dumps(page.spec)
        assert '"tooltip"' in text
        if name not in COUNTS:
            assert '"picked"' in text
    assert '"bind": "scales"' in json.dumps(pages["named"].spec)


def test_without_javascript_the_page_has_its_figure_sentences_table_and_query(pages: dict[str, Any]) -> None:
    for page in answered(pages).values():
        assert {"answer", "rows", "query", "caveats"} <= set(page.ids)
        assert page.images


# ---- the front page


def test_headline_counts_are_the_databases(census: Census, front: Any) -> None:
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
        assert front.facts[fact] == f"{row[0]:,}"


def test_headline_shares_are_those_of_the_panel(census: Census, front: Any) -> None:
    con = census(SNAPSHOTS, 200)
    table = front.tables[ENDS]
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


def test_agents_are_those_with_the_largest_named_share_at_the_end(front: Any) -> None:
    rows = front.tables[ENDS][1:]
    finals = [float(row[3]) for row in rows]
    assert rows[0][0] == "GPTBot"
    assert finals == sorted(finals, reverse=True)
    assert len(rows) == 8


def test_the_front_page_answers_what_each_page_answers(front: Any, pages: dict[str, Any]) -> None:
    for page in pages.values():
        answer = page.facts["answer"].removeprefix("Nothing to show. ")
        assert len(answer) > 20
        assert answer in front.words


def test_text_from_the_data_cannot_become_markup(folder: Path) -> None:
    html = (folder / "report.html").read_text("utf-8")
    assert "A study of &lt;hosts&gt;" in html
    assert "<hosts>" not in html


# ---- the same for every run


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_models_give_the_same_bytes_and_replace_the_last_report(
    census: Census, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "report").mkdir()
    for name in ("vega.js", "of-an-older-version.html"):
        (tmp_path / "report" / name).write_text("old")
    write_report(census(SNAPSHOTS, 200), tmp_path / "report.html", "A study of <hosts>")
    assert files_of(tmp_path) == files_of(folder)


def test_a_folder_of_somebody_else_is_not_replaced(census: Census, tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "thesis.tex").write_text("mine")
    with pytest.raises(ReportError, match="holds files, but no report: move them"):
        write_report(census(SNAPSHOTS, 200), tmp_path / "report.html", findings=FINDINGS[:1])
    assert {path.name for path in tmp_path.rglob("*")} == {"report", "thesis.tex"}


def test_another_process_gives_the_same_figures() -> None:
    program = (
        "import datetime, hashlib, json; from analysis.figures import Lines, Measure, draw_lines;"
        "from analysis.figure_style import make_spec, render_svg; from analysis.findings.rows import Rows;"
        "rows = Rows.of(('starts_on', 's', 'v'), [(datetime.date(2020, 1, n), s, n / 10)"
        " for n in (1, 2) for s in 'ab']);"
        "spec = make_spec(draw_lines(rows, Lines(Measure('v', 'y'), 's')), 't', [], 'a');"
        "print(hashlib.sha256((json.dumps(spec) + render_svg(spec)).encode()).hexdigest())"
    )
    answers = [
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env
        ).stdout
        for env in ({**os.environ, "PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"}, {**os.environ, "TZ": "UTC"})
    ]
    assert answers[0] == answers[1] != ""


def test_importing_the_rooms_that_a_command_line_needs_draws_in_no_altair() -> None:
    program = "import sys, analysis.models, analysis.publish; print('altair' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


# ---- with little to show


def test_one_snapshot_says_that_a_comparison_takes_two(census: Census, tmp_path: Path) -> None:
    write_report(census(SNAPSHOTS[:1], 30), tmp_path / "report.html")
    front = read_page(tmp_path / "report.html")
    assert "takes at least two snapshots" in front.words
    assert front.tables[ENDS][0] == ["agent", "2020-39: by name", "2020-39: by wildcard"]
    page = read_page(tmp_path / "report" / "endpoints.html")
    assert page.images == []
    assert "Nothing to show. No host was captured in a first and in a later snapshot" in page.words
    assert page.loaded == []


@pytest.mark.parametrize(("snapshots", "n_hosts"), [((), 0), (SNAPSHOTS, 0), ((), 5)])
def test_without_captures_every_page_says_why_it_is_empty(
    census: Census, tmp_path: Path, snapshots: tuple[str, ...], n_hosts: int
) -> None:
    write_report(census(snapshots, n_hosts), tmp_path / "report.html")
    front = read_page(tmp_path / "report.html")
    assert "No host was captured, so there is nothing to draw." in front.words
    assert front.facts["n_captures"] == "0"
    for finding in FINDINGS:
        page = read_page(tmp_path / "report" / f"{finding.id}.html")
        assert page.images or f"Nothing to show. {finding.needs}" in page.words


def test_a_century_of_snapshots_keeps_a_label_a_year(tmp_path: Path) -> None:
    few = [finding for finding in FINDINGS if finding.id in ("named", "coverage")]
    with duckdb.connect() as con:
        runpy.run_path(str(MADE_UP))["fill_census"](con, CENTURY, 25)
        models.build(con, until="coverage")
        write_report(con, tmp_path / "report.html", findings=few)
    svg = (tmp_path / "report" / "named.svg").read_text("utf-8")
    years = re.findall(r"<text[^>]*>(20\d\d)</text>", svg)
    assert years == sorted(set(years))
    assert 5 <= len(years) <= 11
    assert len(read_csv(tmp_path / "report" / "coverage.csv")) == 100


@pytest.mark.parametrize("has_script", [True, False])
def test_a_browser_draws_the_page_and_the_script_takes_over_where_it_is(
    folder: Path, tmp_path: Path, require_all: bool, has_script: bool
) -> None:
    if not (shutil.which("chromium") or require_all):
        pytest.skip("chromium is not installed")
    for name in ("named.html", *(["vega.js"] if has_script else [])):
        shutil.copy(folder / "report" / name, tmp_path)
    done = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}",
         "--virtual-time-budget=5000", "--dump-dom", (tmp_path / "named.html").as_uri()],
        check=True, capture_output=True, timeout=120, text=True,
    )  # fmt: skip
    assert ('class="is-interactive"' in done.stdout) is has_script
    assert done.stdout.count('class="marks"') == (2 if has_script else 1)
