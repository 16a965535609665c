"""A finding: a question, the query that is the only source of its page, and what its rows say."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import altair as alt

from analysis.findings.rows import Rows
from analysis.model_table import MODELS
from analysis.models import Description, parse_header

Chart = alt.TopLevelMixin

# Stored tables that a query may read beside the models.
STORED = (
    "agents",
    "criteria",
    "dialects",
    "losses",
    "observations",
    "sites",
    "site_weights",
    "snapshots",
    "corpora",
)


@dataclass(frozen=True, slots=True)
class Told:
    """What the rows of a finding say: in one sentence, in more of them, and drawn.

    `title` names what is drawn, `n` says how much it rests on, `unit` what one is, `alt` is the figure in
    words. Every number is of the rows.
    """

    answer: str
    title: str
    n: str
    unit: str
    alt: str
    chart: Chart
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A page of the report. `needs` says why there is nothing to show, and what would fill the page."""

    id: str
    family: str
    needs: str
    tell: Callable[[Rows], Told]
    caveats: tuple[str, ...] = ()

    @property
    def question(self) -> str:
        """The title of the page."""
        return describe(self.id).question

    @property
    def query(self) -> str:
        """The query as the page shows it and as it is run."""
        sql = read_finding(self.id)
        return "\n".join(line for line in sql.splitlines() if not line.startswith("--")).strip() + "\n"

    @property
    def sources(self) -> tuple[str, ...]:
        """The models and stored tables that the query reads, by name."""
        known = {model.name for model in MODELS} | set(STORED)
        return tuple(sorted(known & set(re.findall(r"(?:FROM|JOIN)\s+([a-z_]+)", self.query))))


@cache
def read_finding(finding_id: str) -> str:
    """The text of a finding's file: a comment with the question and the columns, then the query."""
    return files("analysis").joinpath("findings", "sql", f"{finding_id}.sql").read_text(encoding="utf-8")


def describe(finding_id: str) -> Description:
    """The question of a finding and what the columns of its query hold."""
    return parse_header(read_finding(finding_id))
