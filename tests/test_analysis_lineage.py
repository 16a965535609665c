"""Each table's script makes the table anew: from published files where it can, else in the warehouse."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from analysis.dataset_table import DATASETS
from analysis.lineage import read_relations
from pipeline.commands.demo import BUNDLE
from pipeline.run import run_stages, stages_of
from pipeline.study import read_study

FROM_FILES = "current one"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of the demo."""
    folder = tmp_path_factory.mktemp("lineage")
    shutil.copytree(BUNDLE, folder / "bundle")
    study = read_study(folder / "bundle" / "study.toml")
    run_stages(study, stages_of(study)[:-1])
    return study.folder


@pytest.fixture
def con(demo: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection without tables, in the folder of the dataset."""
    monkeypatch.chdir(demo / "dataset")
    with duckdb.connect() as con:
        yield con


def compare(con: duckdb.DuckDBPyConnection, script: str, name: str) -> tuple[int, int]:
    """Rows that the script gives and the published file lacks, and the other way round."""
    *steps, query = script.rstrip().rstrip(";").split(";\n")
    for step in steps:
        con.execute(step)
    con.execute(f"CREATE TEMP TABLE recomputed AS {query}")
    pair = ("recomputed", f"read_parquet('{name}.parquet')")
    counts = []
    for one, other in (pair, pair[::-1]):
        row = con.execute(f"SELECT count(*) FROM (FROM {one} EXCEPT ALL FROM {other})").fetchone()
        counts.append(row[0] if row else -1)
    return counts[0], counts[1]


@pytest.mark.parametrize("name", [dataset.name for dataset in DATASETS])
def test_the_script_makes_the_published_rows_to_the_last_bit(
    name: str, con: duckdb.DuckDBPyConnection, demo: Path
) -> None:
    script = (demo / "dataset" / "sql" / f"{name}.sql").read_text("utf-8")
    if FROM_FILES not in script:
        con.execute(f"ATTACH '{demo / 'census.duckdb'}' AS census (READ_ONLY)")
        con.execute("USE census")
    assert compare(con, script, name) == (0, 0)


def test_counts_of_hosts_need_the_published_files_alone(demo: Path) -> None:
    needed = {
        "declared_levels",
        "endpoint_comparison",
        "host_declarations",
        "transitions",
        "refusals_over_time",
        "parser_bounds",
        "head_start",
        "incumbent_corpus",
        "declared_vs_observed",
    }
    scripts = (demo / "dataset" / "sql").glob("*.sql")
    assert needed <= {path.stem for path in scripts if FROM_FILES in path.read_text("utf-8")}


def test_a_changed_row_about_a_host_shows_in_the_recomputed_count(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copytree(demo / "dataset", tmp_path / "copy")
    monkeypatch.chdir(copy)
    with duckdb.connect() as con:
        con.execute("CREATE TABLE fewer AS FROM 'answers.parquet' WHERE host <> 'daily-ledger.example'")
        con.execute("COPY fewer TO 'answers.parquet'")
        script = (copy / "sql" / "declared_levels.sql").read_text("utf-8")
        assert min(compare(con, script, "declared_levels")) > 0


def test_the_package_names_what_each_table_is_made_from(demo: Path) -> None:
    package = json.loads((demo / "dataset" / "datapackage.json").read_text("utf-8"))
    made_from = {one["name"]: one["reads"] for one in package["resources"] if "reads" in one}
    # What is known of a host in a snapshot holds its outcome, which takes the readings of its file.
    answered = ["answers", "dialects", "readings", "site_weights", "sites", "snapshots"]
    assert made_from["refusals_over_time"] == answered
    assert made_from["declared_vs_observed"] == ["site_weights", "sites", "verdicts"]
    assert made_from["sites"] == ["sites"]
    assert "captures" in made_from["answers"]


@pytest.mark.parametrize(
    ("query", "relations"),
    [
        ("WITH a AS (FROM sites), b AS (FROM a JOIN agents USING (x)) FROM a, b", {"sites", "agents"}),
        ("SELECT (SELECT max(q) FROM dialects) FROM answers SEMI JOIN moves USING (x)",
         {"dialects", "answers", "moves"}),
        ("SELECT 1", set()),
    ],
)  # fmt: skip
def test_relations_are_those_that_no_with_clause_names(query: str, relations: set[str]) -> None:
    with duckdb.connect() as con:
        assert read_relations(con, query) == relations
