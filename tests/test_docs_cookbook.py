"""The cookbook answers twenty questions, and its answers are those of the demo.

After a change of numbers: `python tests/write_cookbook.py`, and read what it wrote.
"""

import csv
import gzip
import io
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "cookbook.md").read_text("utf-8")
DEMO = ROOT / "pipeline" / "demo"
NUMBERS = range(1, 21)


@pytest.fixture(scope="module")
def recipes(cookbook: Any) -> dict[int, Any]:
    return {recipe.number: recipe for recipe in cookbook.read_recipes(TEXT)}


@pytest.fixture(scope="module")
def demo(cookbook: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cookbook") / "demo"
    cookbook.run_demo(folder)
    return folder


@pytest.fixture
def con(cookbook: Any, demo: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with cookbook.open_demo(demo) as opened:
        yield opened


def expect(column: str, value: str) -> Counter[str]:
    """Hosts per snapshot that were judged so by hand."""
    with (DEMO / "expected" / "answers.csv").open(encoding="utf-8", newline="") as file:
        return Counter(row["snapshot"] for row in csv.DictReader(file) if row[column] == value)


def column_of(recipe: Any, name: str) -> dict[str, int]:
    """A column of a recipe's answer by its first column, without zeros."""
    place = recipe.answer[0].index(name)
    return {row[0]: int(row[place]) for row in recipe.answer[1:] if row[place] != "0"}


def call(demo: Path, *arguments: str, query: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.cli", *arguments]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    return subprocess.run(
        command, cwd=demo, input=query, env=environment, capture_output=True, text=True, check=False
    )


def test_there_are_twenty_questions(recipes: dict[int, Any]) -> None:
    assert list(recipes) == list(NUMBERS)
    assert len({recipe.sql for recipe in recipes.values()}) == 20
    assert all(recipe.question.endswith("?") for recipe in recipes.values())


@pytest.mark.parametrize("number", NUMBERS)
def test_the_answer_is_that_of_the_demo(
    number: int, recipes: dict[int, Any], cookbook: Any, con: duckdb.DuckDBPyConnection
) -> None:
    assert recipes[number].answer == cookbook.ask(con, recipes[number])


@pytest.mark.parametrize("number", NUMBERS)
def test_a_recipe_is_explained_ordered_and_short(number: int, recipes: dict[int, Any]) -> None:
    recipe = recipes[number]
    assert 30 <= len(recipe.words.split()) <= 110
    assert "ORDER BY" in recipe.sql.splitlines()[-1]
    assert 2 <= len(recipe.answer) <= 11, "one to ten rows below the header"


def test_recipe_2_counts_the_hosts_that_were_judged_by_hand(recipes: dict[int, Any]) -> None:
    assert column_of(recipes[2], "n_closed_by_name") == expect("GPTBot", "specific/all")
    assert column_of(recipes[2], "n_closed_by_star") == expect("GPTBot", "wildcard/all")


def test_recipe_13_counts_the_refusals_that_were_judged_by_hand(recipes: dict[int, Any]) -> None:
    assert column_of(recipes[13], "n_refused") == expect("access_state", "refused")
    assert column_of(recipes[13], "n_server_error") == expect("access_state", "server_error")


def test_recipe_11_counts_verdicts_of_the_last_run_where_there_is_one(
    recipes: dict[int, Any], cookbook: Any, demo: Path, tmp_path: Path
) -> None:
    rows = [  # run, host, agent, identity, declared, verdict, is_undeclared
        ("1", "a.example", "GPTBot", "token:GPTBot", "allow", "blocks_token", True),
        ("2", "a.example", "GPTBot", "token:GPTBot", "allow", "blocks_token", True),
        ("2", "b.example", "GPTBot", "token:GPTBot", "absent", "open", False),
        ("2", "c.example", "GPTBot", "token:GPTBot", "disallow", "blocks_token", False),
        ("2", "d.example", "*", "placebo", "allow", "blocks_token", True),
        ("2", "e.example", "GPTBot", "token:GPTBot", "allow", "blocks_nonbrowser", True),
        ("2", "f.example", "GPTBot", "token:GPTBot", "allow", "intermittent", False),
        ("2", "g.example", "GPTBot", "token:GPTBot", "allow", "insufficient", False),
        ("2", "h.example", "GPTBot", "token:GPTBot", "absent", "down", False),
    ]
    copy = shutil.copy(demo / "census.duckdb", tmp_path / "copy.duckdb")
    with duckdb.connect(str(copy)) as con:
        con.executemany(
            "INSERT INTO verdicts (run, host, agent, identity, declared, verdict, is_undeclared)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        answer = {row[0]: row[2:] for row in cookbook.ask(con, recipes[11])}
    assert answer["GPTBot"] == ["4", "2", "50.0"]  # a, b, e and f let it in; a and e turned it away
    assert answer["CCBot"] == ["0", "0", ""]


def test_recipe_17_leads_to_the_records_in_the_archive(recipes: dict[int, Any]) -> None:
    header, *rows = recipes[17].answer
    assert len(rows) == 6
    for row in (dict(zip(header, row, strict=True)) for row in rows):
        first, last = map(int, row["bytes"].split("-"))
        data = (DEMO / "archive" / row["warc_filename"]).read_bytes()[first : last + 1]
        record = gzip.decompress(data).decode("utf-8")
        assert "valley-tribune.example/robots.txt" in record
        assert f"WARC-Payload-Digest: sha1:{row['content_digest']}" in record


@pytest.mark.parametrize("number", [19, 20])
def test_the_command_gives_the_same_answer_in_the_output_folder(
    number: int, recipes: dict[int, Any], demo: Path
) -> None:
    for name, content in recipes[number].files.items():
        (demo / name).write_text(content, encoding="utf-8")
    done = call(demo, "sql", ".", "-", "--format", "csv", query=recipes[number].sql)
    assert done.returncode == 0, done.stderr
    assert list(csv.reader(io.StringIO(done.stdout))) == recipes[number].answer


def test_the_line_that_compares_releases_is_a_call_that_works(demo: Path, tmp_path: Path) -> None:
    line = next(line for line in TEXT.splitlines() if line.startswith("    crawlcensus diff "))
    for name in ("old", "new"):
        shutil.copytree(demo / "dataset", tmp_path / name / "dataset")
    done = call(tmp_path, *shlex.split(line)[1:])
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "changes.csv").read_text("utf-8").splitlines()) == 1, "a header, no difference"


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", TEXT):
        assert (ROOT / "docs" / target).is_file(), target
    assert "(docs/cookbook.md)" in (ROOT / "README.md").read_text("utf-8")


SMALL = """# A book

## 1. How many?

Words.

```csv mine.csv
a,b
1,x|y
```

```sql
SELECT a, b FROM read_csv('mine.csv')
```

| a | b |
|---|---|
| 7 | stale |
| 8 | stale |

More words.

## 2. Which?

Words.

```sql
SELECT NULL AS nothing, 1.50::DOUBLE AS number
```

## The end

| not | an answer |
|---|---|
"""


def test_a_recipe_is_read_with_its_files_and_its_answer(cookbook: Any) -> None:
    first, second = cookbook.read_recipes(SMALL)
    assert (first.number, first.question, first.words) == (1, "How many?", "Words.")
    assert first.files == {"mine.csv": "a,b\n1,x|y\n"}
    assert first.answer == [["a", "b"], ["7", "stale"], ["8", "stale"]]
    assert (second.files, second.answer) == ({}, [])


def test_answers_are_written_in_place_of_the_old(
    cookbook: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with duckdb.connect() as con:
        answers = [cookbook.ask(con, recipe) for recipe in cookbook.read_recipes(SMALL)]
    text = cookbook.rewrite(SMALL, answers)
    old = "| 7 | stale |\n| 8 | stale |\n"
    below = "AS number\n```\n\n"
    new = "| nothing | number |\n|---|---|\n|  | 1.5 |\n"
    assert text == SMALL.replace(old, "| 1 | x\\|y |\n").replace(below, f"{below}{new}\n")
    assert [recipe.answer for recipe in cookbook.read_recipes(text)] == answers
    assert cookbook.rewrite(text, answers) == text


def test_a_recipe_without_sql_is_named(cookbook: Any) -> None:
    with pytest.raises(ValueError, match=r"## 3\. Why\?: 0 blocks of SQL"):
        cookbook.read_recipes("## 3. Why?\n\nWords.\n\n```csv a.csv\na\n```\n")
