"""The SQL models of the warehouse: what they are, what their columns mean, and how they are built.

Each model is one file in `analysis/sql`: a comment that says which question it answers and describes
every column (`-- column: description`), then one query in DuckDB's dialect over the stored tables and
over models before it.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import duckdb

from analysis.batches import fill_in_batches
from analysis.made_tables import at_once
from analysis.model_table import MODELS, PREPARED, Kind, Model
from analysis.probe_tables import create_probe_tables


class ModelError(RuntimeError):
    """The warehouse lacks something that the models need; the message names it and the fix."""


class Column(NamedTuple):
    """A column of a model and what it holds."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Description:
    """What a model answers, and its columns in their order."""

    question: str
    columns: tuple[Column, ...]


PANEL_READS = "panel_by_dialect"
PANEL_OF = f"""
CREATE OR REPLACE MACRO panel_of(wanted) AS TABLE
SELECT * EXCLUDE (dialect) FROM {PANEL_READS} WHERE dialect = wanted
"""
# In the branch of a CASE, so that the lists are only merged where the pages are not the same.
SKETCH_DISTANCE = """
CREATE OR REPLACE MACRO sketch_distance(one, two) AS CASE
    WHEN len(one) + len(two) = 0 THEN NULL
    WHEN one = two THEN 0.0
    ELSE 1 - len(list_intersect(
        list_intersect(list_sort(list_distinct(list_concat(one, two)))[:64], one), two
    )) / least(64, len(one) + len(two) - len(list_intersect(one, two)))
END
"""
_COLUMN_LINE = re.compile(r"-- ([a-z][a-z0-9_]*): (.+)")


class AnswerKind(NamedTuple):
    """A kind of answer that occurs among the captures and needs an access state.

    `body_kind` is the empty text unless the answer is a 2xx whose body is known.
    """

    fetch_status: int
    body_kind: str
    has_refusal_marker: bool


class LiveKind(NamedTuple):
    """A kind of live answer that occurs among the observations and needs an outcome.

    Texts are empty and `status` is 0 where there is nothing; the fields are those of
    `consent.outcomes.LiveAnswer`.
    """

    failure: str
    status: int
    marker: str
    is_priced: bool
    asks_license: bool
    asks_login: bool
    has_body: bool


def build(
    con: duckdb.DuckDBPyConnection,
    materialise: Collection[str] = (),
    tell: Callable[[str], object] = lambda _name: None,
    until: str | None = None,
) -> None:
    """Create every model, replacing what an earlier build left, with its descriptions as comments.

    `materialise` names views to be stored as tables instead, `tell` is given each model's name when it is
    there, and those after `until` are left as they are (None: there are none). The stored tables must be
    there (those of the live probe are made, empty, where they are not), `access_states` must hold every
    combination of `access_combinations` and `outcome_kinds` every one of `outcome_combinations`; else
    ModelError.
    """
    for name in materialise:
        find_model(name)
    create_probe_tables(con)
    _check_states(con, "access_states", AnswerKind._fields, access_combinations(con))
    _check_states(con, "outcome_kinds", LiveKind._fields, outcome_combinations(con))
    con.execute(SKETCH_DISTANCE)
    for model in MODELS[: MODELS.index(find_model(until)) + 1] if until else MODELS:
        if model.name in PREPARED:
            PREPARED[model.name](con)
        _create(con, model, Kind.TABLE if model.name in materialise else model.kind)
        if model.name == PANEL_READS:
            con.execute(PANEL_OF)
        tell(model.name)


def access_combinations(con: duckdb.DuckDBPyConnection) -> list[AnswerKind]:
    """The kinds of answer that occur, sorted; empty when nothing was captured. Reads captures and bodies."""
    return [AnswerKind(*row) for row in con.execute(read_sql("access_combinations")).fetchall()]


def outcome_combinations(con: duckdb.DuckDBPyConnection) -> list[LiveKind]:
    """The kinds of live answer that occur, sorted; empty when nothing was probed. Reads observations."""
    create_probe_tables(con)
    query = f"SELECT DISTINCT {', '.join(LiveKind._fields)} FROM ({query_of('probe_answers')}) ORDER BY ALL"
    return [LiveKind(*row) for row in con.execute(query).fetchall()]


def find_model(name: str) -> Model:
    """The model of that name; ValueError names the choices."""
    for model in MODELS:
        if model.name == name:
            return model
    choices = ", ".join(model.name for model in MODELS)
    raise ValueError(f"no model {name!r}; choose one of: {choices}")


@cache
def read_sql(name: str) -> str:
    """The text of a model's file, comment and query."""
    return files("analysis").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")


def query_of(name: str) -> str:
    """The query of a model's file, without its comment."""
    sql = read_sql(name)
    return "\n".join(sql.splitlines()[len(_header_lines(sql)) :])


def describe(name: str) -> Description:
    """What a model answers and what its columns hold, from the comment of its file."""
    return parse_header(read_sql(name))


def parse_header(sql: str) -> Description:
    """Read the comment that a model begins with: question first, then the columns.

    >>> parse_header("-- Who?\\n--\\n-- host: The host\\n--   asked\\nSELECT 1 AS host").columns
    (Column(name='host', description='The host asked'),)
    """
    question: list[str] = []
    columns: list[Column] = []
    for line in _header_lines(sql):
        if match := _COLUMN_LINE.fullmatch(line):
            columns.append(Column(match[1], match[2]))
        elif columns:
            columns[-1] = _continue(columns[-1], line)
        else:
            question.append(line.removeprefix("--").strip())
    return Description(" ".join(question).strip(), tuple(columns))


def _header_lines(sql: str) -> list[str]:
    lines = sql.splitlines()
    length = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    return lines[:length]


def _continue(column: Column, line: str) -> Column:
    more = line.removeprefix("--").strip()
    return Column(column.name, f"{column.description} {more}")


def _check_states(
    con: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], kinds: Sequence[tuple[object, ...]]
) -> None:
    known = set(con.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall())
    missing = [kind for kind in kinds if kind not in known]
    if missing:
        question = table.replace("_states", "_combinations").replace("_kinds", "_combinations")
        raise ModelError(
            f"{table} lacks {len(missing)} kind(s) of answer, the first is {missing[0]}: "
            f"fill it from analysis.models.{question} before building the models"
        )


def _create(con: duckdb.DuckDBPyConnection, model: Model, kind: Kind) -> None:
    name, query = model.name, query_of(model.name)
    _drop(con, name)
    con.execute(f"CREATE {kind} {name} AS {query} {'WITH NO DATA' if model.in_batches else ''}")
    if model.in_batches:
        fill_in_batches(con, name, query)
    description = describe(name)
    with at_once(con):
        con.execute(f"COMMENT ON {kind} {name} IS {_quoted(description.question)}")
        for column in description.columns:
            con.execute(f"COMMENT ON COLUMN {name}.{column.name} IS {_quoted(column.description)}")


def _drop(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Remove an earlier build's model, whichever kind it was; nothing happens when there is none."""
    found = con.execute(
        "SELECT table_type FROM information_schema.tables"
        " WHERE table_name = ? AND table_schema = current_schema() AND table_catalog = current_catalog()",
        [name],
    ).fetchone()
    if found:
        con.execute(f"DROP {'VIEW' if found[0] == 'VIEW' else 'TABLE'} {name}")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
