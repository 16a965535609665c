"""A finding as a page: its query is asked once, and rows, figure, sentences and table come of that answer."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import jinja2

from analysis.figure_style import Spec, inline, make_spec, render_svg
from analysis.findings.finding import Finding, Told, describe
from analysis.findings.rows import Rows, read_rows
from analysis.findings.words import Table, table_of
from analysis.models import Column

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class Page:
    """A finding with what its query answered; without rows there is nothing told and nothing drawn."""

    finding: Finding
    rows: Rows
    told: Told | None
    spec: Spec | None
    svg: str

    @property
    def answer(self) -> str:
        """The answer in one sentence, or why there is none."""
        return self.told.answer if self.told else self.finding.needs

    @property
    def image(self) -> str:
        """The figure as a part of an HTML page."""
        return inline(self.svg, self.finding.id, self.told.alt) if self.told else ""

    @property
    def columns(self) -> tuple[Column, ...]:
        """What each column of the answer holds."""
        return describe(self.finding.id).columns

    @property
    def table(self) -> Table:
        """All rows of the answer."""
        notes = {column.name: column.description for column in self.columns}
        caption = f"All {len(self.rows):,} rows of the answer"
        return table_of(self.rows, caption, [notes.get(name, "") for name in self.rows.columns])


def make_page(con: duckdb.DuckDBPyConnection, finding: Finding) -> Page:
    """Ask the finding's query and draw its answer."""
    rows = read_rows(con, finding.query)
    if not rows:
        return Page(finding, rows, None, None, "")
    told = finding.tell(rows)
    notes = (
        f"n = {told.n}. Unit: {told.unit}.",
        f"Source: {', '.join(finding.sources)}; query {finding.id}.",
    )
    spec = make_spec(told.chart, told.title, notes, told.alt)
    return Page(finding, rows, told, spec, render_svg(spec))


def write_page(page: Page, folder: Path, before: Page | None, after: Page | None) -> None:
    """Write the page and what stands beside it: rows as CSV, and the figure as specification and SVG."""
    name = page.finding.id
    html = environment().get_template("finding.html.j2").render(page=page, before=before, after=after)
    _write(folder / f"{name}.html", html)
    _write(folder / f"{name}.csv", page.rows.as_csv())
    if page.spec:
        _write(folder / f"{name}.vl.json", f"{json.dumps(page.spec, indent=1)}\n")
        _write(folder / f"{name}.svg", page.svg)


@cache
def environment() -> jinja2.Environment:
    """How the templates are read: one environment a process, so that each template is compiled once."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    made.filters["embedded"] = embedded
    made.filters["unbroken"] = unbroken
    return made


def embedded(spec: Spec) -> str:
    """The specification as the text of a script element: no `<` of the data can end the element."""
    return json.dumps(spec).replace("<", "\\u003c")


def unbroken(text: str) -> str:
    """A sentence whose numbers keep their per cent signs at the end of a line."""
    return text.replace(" %", "\u00a0%")


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))
