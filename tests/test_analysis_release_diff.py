"""Two releases compared: every row that differs is found, and says why by the rules of the glossary."""

import csv
import json
import runpy
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from analysis import models
from analysis.dataset_table import DATASETS
from analysis.lineage import read_relations
from analysis.model_table import MODELS, Model
from analysis.publish import publish
from analysis.release import Edition
from analysis.release_diff import ReleaseDifference, TableDifference, compare_releases
from analysis.release_folder import read_release_folder

MADE_UP = runpy.run_path(str(Path(__file__).with_name("made_up_census.py")))
SNAPSHOTS = ("CC-MAIN-2020-39", "CC-MAIN-2022-12", "CC-MAIN-2024-05")
EDITION = Edition("s", "A study", code_version="0.1.0", schema_version="1")
RUN = "INSERT INTO runs (run, stage, code_version, library_versions) VALUES ('a', 'capture', '1', ?)"

NAMES = ("snapshots", "sites", "site_weights", "corpora", "agents", "dialects", "losses", "answers",
         "host_declarations", "readings", "rulesets", "declared_levels", "endpoint_comparison",
         "transitions", "parser_bounds", "head_start")  # fmt: skip
# The tables whose causes are told here, and none that only takes time.
TABLES = tuple(dataset for dataset in DATASETS if dataset.name in NAMES)

Make = Callable[..., Path]


def find_models(con: duckdb.DuckDBPyConnection) -> tuple[Model, ...]:
    """The models that these tables are made from."""
    waiting = {"panel_by_dialect", *(n for one in TABLES for n in read_relations(con, one.rows_query))}
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in {model.name for model in MODELS} - found:
            found.add(name)
            waiting |= read_relations(con, models.query_of(name))
    return tuple(model for model in MODELS if model.name in found)


@pytest.fixture(scope="module")
def census(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("census") / "census.duckdb"
    with duckdb.connect(str(path)) as con, pytest.MonkeyPatch.context() as patch:
        MADE_UP["fill_census"](con, SNAPSHOTS, 24)
        con.execute(RUN, ['{"protego": "1"}'])
        patch.setattr(models, "MODELS", find_models(con))
        models.build(con)
        con.close()
        yield path


@pytest.fixture(scope="module")
def release(census: Path, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Publishes the census after changes of stored tables, and later ones of models; each is made once."""
    made: dict[str, Path] = {}

    def make(*changes: str, later: str = "", edition: Edition = EDITION, datasets: object = TABLES) -> Path:
        name = repr((changes, later, edition, len(datasets)))  # type: ignore[arg-type]
        if name not in made:
            folder = tmp_path_factory.mktemp("release")
            with duckdb.connect(str(shutil.copy(census, folder / "census.duckdb"))) as con:
                for change in changes:
                    con.execute(change)
                if changes:
                    models.build(con)
                con.execute(later or "SELECT 1")
                publish(con, folder / "dataset", edition, datasets)  # type: ignore[arg-type]
            made[name] = folder / "dataset"
        return made[name]

    return make


def compare(old: Path, new: Path, output: Path | None = None) -> ReleaseDifference:
    return compare_releases(read_release_folder(old), read_release_folder(new), 1000, output)


def tables_of(difference: ReleaseDifference) -> dict[str, TableDifference]:
    """Those that differ."""
    return {table.name: table for table in difference.tables if not table.is_equal}


def kinds_of(difference: ReleaseDifference) -> set[str]:
    return {kind for table in difference.tables for kind, _ in table.by_kind}


def test_a_release_is_equal_to_itself(release: Make) -> None:
    difference = compare(release(), release())
    assert difference.is_equal
    assert {table.name for table in difference.tables} == {dataset.name for dataset in TABLES}
    assert all(table.n_old == table.n_new for table in difference.tables)


def brute_force(old: Path, new: Path, name: str, key: tuple[str, ...]) -> tuple[int, int, dict[str, int]]:
    """Rows added, rows removed, and changed rows by column, from the CSVs alone."""
    sides = []
    for folder in (old, new):
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            sides.append({tuple(row[k] for k in key): row for row in csv.DictReader(file)})
    by_column: dict[str, int] = {}
    for one in sides[0].keys() & sides[1].keys():
        for column, value in sides[0][one].items():
            if sides[1][one][column] != value:
                by_column[column] = by_column.get(column, 0) + 1
    return len(sides[1].keys() - sides[0].keys()), len(sides[0].keys() - sides[1].keys()), by_column


GONE = (
    "DELETE FROM captures WHERE host IN ('h10.example.org', 'h11.example.org')"
    " AND snapshot = 'CC-MAIN-2022-12'"
)


def test_what_differs_is_what_a_comparison_of_the_csvs_finds(release: Make) -> None:
    old, new = release(), release(GONE)
    found = tables_of(compare(old, new))
    for dataset in TABLES:
        expected = brute_force(old, new, dataset.name, dataset.key)
        table = found.get(dataset.name, TableDifference(dataset.name, 0, 0))
        assert (table.n_added, table.n_removed, dict(table.by_column)) == expected, dataset.name
    assert found["answers"].n_removed == 2


def test_parquet_and_csv_tell_the_same(release: Make, tmp_path: Path) -> None:
    folders = [
        shutil.copytree(folder, tmp_path / str(n)) for n, folder in enumerate((release(), release(GONE)))
    ]
    by_parquet = compare(*folders)
    for folder in folders:
        for path in folder.glob("*.parquet"):
            path.unlink()
    assert compare(*folders) == by_parquet


def test_a_capture_that_is_gone_is_input_where_it_was_and_is_carried(release: Make) -> None:
    difference = compare(release(), release(GONE))
    assert kinds_of(difference) == {"input"}
    found = tables_of(difference)
    causes = {example.causes for example in found["host_declarations"].examples}
    assert causes <= {"input: capture removed in CC-MAIN-2022-12"}
    levels = found["declared_levels"].examples
    assert {"input: capture removed in CC-MAIN-2022-12 (2 hosts)"} == {example.causes for example in levels}
    assert min(json.loads(example.key)["snapshot"] for example in levels) == "CC-MAIN-2022-12"


def test_another_digest_is_input_and_another_judgement_of_the_same_record_is_code(release: Make) -> None:
    changed = (
        "UPDATE captures SET content_digest = 'r2' WHERE host = 'h8.example.org' AND content_digest = 'r1'"
    )
    answers = tables_of(compare(release(), release(changed)))["answers"]
    assert {kind for kind, _ in answers.by_kind} == {"input"}
    judged = "UPDATE answers SET access_state = 'absent' WHERE host = 'h8.example.org'"
    answers = tables_of(compare(release(), release(later=judged)))["answers"]
    assert {kind for kind, _ in answers.by_kind} == {"code"}
    assert "judged otherwise" in answers.examples[0].causes


def test_a_snapshot_that_came_is_named(release: Make) -> None:
    tables = ("captures", "snapshots", "losses")
    old = release(*(f"DELETE FROM {table} WHERE snapshot = 'CC-MAIN-2024-05'" for table in tables))
    difference = compare(old, release())
    assert kinds_of(difference) == {"input"}
    examples = tables_of(difference)["declared_levels"].examples
    assert all(example.causes.startswith("input: snapshot CC-MAIN-2024-05 added") for example in examples)


def test_weights_reach_their_corpus_alone(release: Make) -> None:
    found = tables_of(compare(release(), release("UPDATE site_weights SET weight = 7 WHERE host < 'h11'")))
    for example in found["declared_levels"].examples:
        assert json.loads(example.key)["corpus"] == "c4"
        assert example.causes == "input: weight in c4 changed (3 hosts)"


def test_a_host_of_the_site_list_explains_its_rows_by_itself(release: Make) -> None:
    changes = [f"DELETE FROM {table} WHERE host = 'h7.example.org'" for table in ("sites", "site_weights")]
    found = tables_of(compare(release(), release(*changes)))
    assert {example.causes for example in found["answers"].examples} == {
        "input: host removed by the site list"
    }
    assert "host removed by the site list" in found["declared_levels"].examples[0].causes


VERSION = (
    "UPDATE dialects SET dialect_version = '2' WHERE is_default",
    "UPDATE readings SET dialect_version = '2' WHERE dialect = 'rfc9309'",
    "UPDATE readings SET ruleset = 'r2' WHERE dialect = 'rfc9309' AND content_digest = 'r1'",
)


def test_the_same_body_under_another_version_of_the_dialect_is_the_dialect(release: Make) -> None:
    difference = compare(release(), release(*VERSION))
    assert kinds_of(difference) == {"dialect"}
    found = tables_of(difference)
    assert found["host_declarations"].examples[0].causes == "dialect: dialect rfc9309: version 1 → 2"
    assert found["declared_levels"].examples[0].causes.startswith("dialect: dialect rfc9309: version 1 → 2 (")
    assert dict(found["readings"].by_column) == {"dialect_version": 8, "ruleset": 1}


def test_the_same_version_that_reads_otherwise_is_code(release: Make) -> None:
    found = compare(release(), release(VERSION[2]))
    assert kinds_of(found) == {"code"}
    assert "has the same version" in tables_of(found)["host_declarations"].examples[0].causes


def test_a_dialect_that_came_is_named(release: Make) -> None:
    old = release(
        "DELETE FROM dialects WHERE dialect = 'protego'", "DELETE FROM readings WHERE dialect = 'protego'"
    )
    difference = compare(old, release())
    assert kinds_of(difference) == {"dialect"}
    added = [e for e in tables_of(difference)["parser_bounds"].examples if e.change == "added"]
    assert all(example.causes.startswith("dialect: dialect protego added") for example in added)


def test_a_date_of_the_registry_reaches_its_agent_and_the_labels(release: Make) -> None:
    found = tables_of(
        compare(release(), release("UPDATE agents SET first_listed = '2021' WHERE agent = 'GPTBot'"))
    )
    assert {json.loads(example.key)["agent"] for example in found["head_start"].examples} == {"GPTBot"}
    assert {example.causes for example in found["head_start"].examples} == {
        "registry: agent GPTBot: first_listed 2023-08-07 → 2021"
    }


def test_an_agent_that_is_no_longer_tracked_takes_its_rows(release: Make) -> None:
    found = tables_of(
        compare(release(), release("UPDATE agents SET is_tracked = false WHERE agent = 'CCBot'"))
    )
    gone = [e for e in found["host_declarations"].examples if e.change == "removed"]
    assert {json.loads(example.key)["agent"] for example in gone} == {"CCBot"}
    assert {example.causes for example in gone} == {"registry: agent CCBot: is_tracked true → false"}


def test_a_number_that_nothing_explains_is_the_programs(release: Make) -> None:
    later = "UPDATE parser_bounds SET share_all = 0.5"
    new = release(later=later, edition=replace(EDITION, code_version="0.2.0"))
    bounds = tables_of(compare(release(), new))["parser_bounds"]
    assert {example.causes for example in bounds.examples} == {"code: crawlcensus 0.1.0 → 0.2.0"}
    unexplained = tables_of(compare(release(), release(later=later)))["parser_bounds"]
    assert {kind for kind, _ in unexplained.by_kind} == {"unknown"}


def test_a_query_that_is_another_explains_every_row_of_its_table(release: Make, tmp_path: Path) -> None:
    new = shutil.copytree(release(later="UPDATE parser_bounds SET share_all = 0.5"), tmp_path / "new")
    account = json.loads((new / "release.json").read_text("utf-8"))
    account["tables"]["parser_bounds"]["sql_sha256"] = "0" * 64
    (new / "release.json").write_text(json.dumps(account), "utf-8")
    bounds = tables_of(compare(release(), new))["parser_bounds"]
    assert {example.causes for example in bounds.examples} == {"code: the query of parser_bounds is another"}


def test_without_release_json_what_nothing_explains_is_unknown(release: Make, tmp_path: Path) -> None:
    old = shutil.copytree(release(), tmp_path / "old")
    (old / "release.json").unlink()
    bounds = tables_of(compare(old, release(later="UPDATE parser_bounds SET share_all = 0.5")))[
        "parser_bounds"
    ]
    assert bounds.by_kind == (("unknown", bounds.n_changed),)
    assert kinds_of(compare(old, release(GONE))) == {"input"}


def test_tables_and_columns_that_one_release_lacks_are_said(release: Make) -> None:
    fewer = [dataset for dataset in TABLES if dataset.name != "losses"]
    narrow = replace(TABLES[0], query="SELECT * EXCLUDE (notes) FROM snapshots")
    difference = compare(release(), release(datasets=[narrow, *fewer[1:]]))
    assert (difference.tables_added, difference.tables_removed) == ((), ("losses",))
    snapshots = tables_of(difference)["snapshots"]
    assert (snapshots.columns_removed, snapshots.n_changed) == (("notes",), 0)
    assert not difference.is_equal


def test_rows_under_another_key_are_not_compared(release: Make, tmp_path: Path) -> None:
    new = shutil.copytree(release(GONE), tmp_path / "new")
    package = json.loads((new / "datapackage.json").read_text("utf-8"))
    answers = next(one for one in package["resources"] if one["name"] == "answers")
    answers["schema"]["primaryKey"] = ["host", "snapshot", "start_url"]
    (new / "datapackage.json").write_text(json.dumps(package), "utf-8")
    table = tables_of(compare(release(), new))["answers"]
    assert table.key_changed
    assert (table.n_old - table.n_new, table.n_changed) == (2, 0)


def test_the_output_lists_every_changed_cell_once(release: Make, tmp_path: Path) -> None:
    difference = compare(release(), release(GONE), tmp_path / "all.csv")
    with (tmp_path / "all.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for table in difference.tables:
        mine = [row for row in rows if row["table"] == table.name]
        assert sum(row["change"] == "changed" for row in mine) == sum(n for _, n in table.by_column)
        assert sum(row["change"] == "removed" for row in mine) == table.n_removed
    assert all(row["causes"] for row in rows)
