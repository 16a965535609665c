"""The recipes of docs/cookbook.md: read them, ask the warehouse, and write its answers in place of the old.

    python tests/write_cookbook.py

A recipe is a heading `## N. Question`, words, a block of SQL and its answer as a table. A block that is
labelled with the name of a file is put beside the warehouse first, in the folder where the SQL is run.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import duckdb

ROOT = Path(__file__).parents[1]
COOKBOOK = ROOT / "docs" / "cookbook.md"
HEADING = re.compile(r"^## (\d+)\. (.+)$")

Table = list[list[str]]  # a header and rows, as text


@dataclass(frozen=True, slots=True)
class Recipe:
    """One question of the cookbook.

    `files`: the contents of files by name, empty when the SQL reads none; `answer`: header and rows as they
    stand there, empty when there are none; `answer_lines`: their place, from and to (not included), counted
    from 0 in the lines of the text.
    """

    number: int
    question: str
    words: str
    sql: str
    files: dict[str, str]
    answer: Table
    answer_lines: tuple[int, int]


def read_recipes(text: str) -> list[Recipe]:
    """The recipes of a cookbook in their order; ValueError for one without SQL."""
    lines = text.splitlines()
    starts = [n for n, line in enumerate(lines) if HEADING.match(line)]
    ends = [n for n, line in enumerate(lines) if line.startswith("## ")] + [len(lines)]
    return [_read_recipe(lines, start, min(n for n in ends if n > start)) for start in starts]


def _read_recipe(lines: Sequence[str], start: int, end: int) -> Recipe:
    heading = HEADING.match(lines[start])
    assert heading is not None
    blocks = list(_iter_blocks(lines, start, end))
    queries = [block for block in blocks if block[0] == "sql"]
    if len(queries) != 1:
        raise ValueError(f"{lines[start]}: {len(queries)} blocks of SQL. Fix: give it exactly one.")
    _, first, last = queries[0]
    words = [line for line in lines[start + 1 : blocks[0][1] - 1] if line]
    place = _find_answer(lines, last + 1, end)
    return Recipe(
        int(heading[1]),
        heading[2],
        " ".join(words),
        "\n".join(lines[first:last]),
        {label[4:]: "\n".join(lines[a:b]) + "\n" for label, a, b in blocks if label.startswith("csv ")},
        [_split(line) for n, line in enumerate(lines[slice(*place)]) if n != 1],
        place,
    )


def _iter_blocks(lines: Sequence[str], start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """Label, first line and the line after the last of every fenced block."""
    fences = [n for n in range(start, end) if lines[n].startswith("```")]
    for opening, closing in zip(fences[::2], fences[1::2], strict=True):
        yield lines[opening][3:], opening + 1, closing


def _find_answer(lines: Sequence[str], start: int, end: int) -> tuple[int, int]:
    """The lines of the first table; an empty stretch just below the SQL when there is none."""
    for n in range(start, end):
        if lines[n].startswith("|"):
            return n, n + len(list(takewhile(lambda line: line.startswith("|"), lines[n:end])))
    return start + 1, start + 1


def _split(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def ask(con: duckdb.DuckDBPyConnection, recipe: Recipe) -> Table:
    """Header and rows of a recipe's answer; its files are written to the current folder."""
    for name, content in recipe.files.items():
        Path(name).write_text(content, encoding="utf-8")
    answer = con.execute(recipe.sql)
    header = [str(column[0]) for column in answer.description or ()]
    return [header, *(["" if cell is None else str(cell) for cell in row] for row in answer.fetchall())]


def format_answer(table: Table) -> list[str]:
    """The lines of a table in Markdown."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in table]
    rows = [f"| {' | '.join(row)} |" for row in cells]
    return [rows[0], "|" + "---|" * len(cells[0]), *rows[1:]]


def rewrite(text: str, answers: Sequence[Table]) -> str:
    """The text with these answers in place of those of its recipes, one each."""
    lines = text.splitlines()
    # From the end, so that the places before stay where they are.
    for recipe, answer in reversed(list(zip(read_recipes(text), answers, strict=True))):
        first, last = recipe.answer_lines
        lines[first:last] = format_answer(answer) + [""] * (first == last)
    return "\n".join(lines) + "\n"


def run_demo(folder: Path) -> None:
    """Make the demo's warehouse, dataset and report."""
    command = [sys.executable, "-m", "pipeline.cli", "demo", "--output", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]


@contextmanager
def open_demo(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, with the output folder as the current one, as when `crawlcensus sql` is run in it."""
    with chdir(folder), duckdb.connect("census.duckdb", read_only=True) as con:
        con.execute("SET TimeZone = 'UTC'")
        yield con


def main() -> None:
    """Run the demo and put its answers into the cookbook."""
    text = COOKBOOK.read_text("utf-8")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "demo"
        run_demo(folder)
        with open_demo(folder) as con:
            answers = [ask(con, recipe) for recipe in read_recipes(text)]
    COOKBOOK.write_text(rewrite(text, answers), encoding="utf-8")


if __name__ == "__main__":
    main()
