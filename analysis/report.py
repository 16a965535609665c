"""The report: a front page and a page per finding, made from the models of a warehouse, that open offline.

It draws with Altair, which is slow to import: callers import this module when they need it.
"""

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

import duckdb
import vl_convert

from analysis.drafts import replace_whole
from analysis.findings.finding import Finding
from analysis.findings.rows import Rows
from analysis.findings.table import FINDINGS
from analysis.findings.words import Table, table_of
from analysis.report_facts import read_breaks, read_measured
from analysis.report_pages import TEMPLATES, Page, environment, make_page, write_page

TITLE = "What robots.txt declares"
LEAD = "named"
SCRIPT = "vega.js"


class ReportError(ValueError):
    """A folder that the report must not replace; names it and the fix."""


def write_report(
    con: duckdb.DuckDBPyConnection, path: Path, title: str = TITLE, findings: Sequence[Finding] = FINDINGS
) -> None:
    """Write the report over the connection's models: `path`, and beside it the folder of the findings.

    An earlier report is replaced, the folder first. The same models give the same bytes. Missing parent
    folders are made. Raises ReportError when the folder holds something else.
    """
    pages = [make_page(con, finding) for finding in findings]
    draft = path.with_name(f".{path.name}.draft")
    path.parent.mkdir(parents=True, exist_ok=True)
    _check_folder(path.with_suffix(""))
    with replace_whole(path.with_suffix("")) as folder:
        for place, page in enumerate(pages):
            before = pages[place - 1] if place else None
            write_page(page, folder, before, pages[place + 1] if place + 1 < len(pages) else None)
        (folder / SCRIPT).write_bytes(interactive_script().encode("utf-8"))
    draft.write_bytes(render_front(con, pages, title).encode("utf-8"))
    draft.replace(path)


def render_front(con: duckdb.DuckDBPyConnection, pages: Sequence[Page], title: str = TITLE) -> str:
    """The front page: the headline, and every finding with its answer."""
    answered = [page for page in pages if page.told]
    lead = next((page for page in answered if page.finding.id == LEAD), None)
    families = groupby(answered, key=lambda page: page.finding.family)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            title=title,
            measured=read_measured(con),
            lead=lead,
            ends=ends_table(lead.rows) if lead else None,
            families=[(family, list(members)) for family, members in families],
            unanswered=[page for page in pages if not page.told],
            breaks=read_breaks(con),
        )
    )


def ends_table(rows: Rows) -> Table:
    """Who restricts each agent in full, in the first and the last snapshot with captures."""
    ends = list(dict.fromkeys([rows.first().rows[0].snapshot, rows.last().rows[0].snapshot]))
    shares = {(row.snapshot, row.agent): (row.share_named, row.share_wildcard) for row in rows}
    # The word share makes the cells per cent; it is no part of the heading.
    columns = ["agent", *(f"share_{part}_{place}" for place in range(len(ends)) for part in ("named", "any"))]
    body = [
        (agent, *(share for end in ends for share in shares[end, agent])) for agent in rows.values("agent")
    ]
    table = table_of(Rows.of(columns, body), "Share of hosts captured that restrict the agent in full")
    headings = [
        f"{end.removeprefix('CC-MAIN-')}: {part}" for end in ends for part in ("by name", "by wildcard")
    ]
    return Table(table.caption, ("agent", *headings), table.rows)


@cache
def interactive_script() -> str:
    """Vega-Embed with all that it needs, and what lets it take the place of a page's static figure."""
    snippet = (TEMPLATES / "figure.js").read_text(encoding="utf-8")
    return f"(function () {{\n{vl_convert.javascript_bundle(snippet)}\n}})();\n"


def _check_folder(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / SCRIPT).is_file():
        raise ReportError(f"{folder} holds files, but no report: move them, or name another output folder")
