"""The SQL models as a whole: every file binds, every column is described, building is repeatable."""

from collections.abc import Callable
from importlib.resources import files

import duckdb
import pytest

from analysis import models
from analysis.models import MODELS, Column, Kind, ModelError

Warehouse = Callable[..., duckdb.DuckDBPyConnection]
NAMES = [model.name for model in MODELS]
SMALL = {
    "snapshots": ["CC-MAIN-2023-06", "CC-MAIN-2024-10"],
    "histories": {"a.org": "open closed", "b.org": "404 -", "c.org": "closed html"},
    "rulesets": {"open": {"*": "none"}, "closed": {"*": "some", "GPTBot": "all"}},
    "weights": {("a.org", "c4"): 3.25, ("c.org", "c4"): 0.75},
    "strata": {"a.org": "head", "b.org": "random"},
    "other_readings": {"google": {"closed": "open"}},
}


def columns_of(con: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    return [row[0] for row in con.execute(f"DESCRIBE {name}").fetchall()]


def contents(con: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[object, ...]]]:
    return {name: con.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in NAMES}


@pytest.fixture
def empty(warehouse: Warehouse) -> duckdb.DuckDBPyConnection:
    con = warehouse(agents={})
    models.build(con)
    return con


def test_every_model_binds_against_empty_tables_and_is_then_empty(empty: duckdb.DuckDBPyConnection) -> None:
    rows = contents(empty)
    assert {agent for agent, _ in rows.pop("agent_groups")} == {"(study combined)"}
    assert {agent for agent, *_ in rows.pop("listed_members")} == {"(study combined)"}
    assert {agent for _, agent, *_ in rows.pop("outcome_levels")} == {"*"}
    # What others forecast is told also where it cannot be scored, with the reason in the last column.
    assert all(row[-1] for row in rows.pop("published_forecasts"))
    assert len(rows.pop("observation_bases")) == 7
    assert {name: found for name, found in rows.items() if found} == {}


def test_the_header_describes_exactly_the_columns_in_their_order(empty: duckdb.DuckDBPyConnection) -> None:
    actual = {name: columns_of(empty, name) for name in NAMES}
    asked = empty.execute(models.read_sql("access_combinations")).description
    actual["access_combinations"] = [column[0] for column in asked or ()]
    described = {name: [column.name for column in models.describe(name).columns] for name in actual}
    assert described == actual


@pytest.mark.parametrize("name", NAMES)
def test_the_header_begins_with_a_question(name: str) -> None:
    assert "? " in models.describe(name).question + " "
    assert all(column.description for column in models.describe(name).columns)


def test_every_sql_file_is_a_model_or_the_question_asked_before_them() -> None:
    stems = {path.name.removesuffix(".sql") for path in files("analysis").joinpath("sql").iterdir()}
    assert stems == {*NAMES, "access_combinations"}


def test_descriptions_become_comments(empty: duckdb.DuckDBPyConnection) -> None:
    columns = "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index"
    questions = dict(
        empty.execute(
            "SELECT table_name, comment FROM duckdb_tables()"
            " UNION ALL SELECT view_name, comment FROM duckdb_views()"
        ).fetchall()
    )
    for name in NAMES:
        found = tuple(Column(*row) for row in empty.execute(columns, [name]).fetchall())
        assert found == models.describe(name).columns
        assert questions[name] == models.describe(name).question


def test_building_again_gives_the_same_tables(warehouse: Warehouse) -> None:
    con = warehouse(**SMALL)
    models.build(con)
    before = contents(con)
    models.build(con)
    assert contents(con) == before
    assert len(before["panel"]) == 3 * 2 * 2


def test_stored_order_does_not_depend_on_the_order_of_loading(warehouse: Warehouse) -> None:
    first, second = warehouse(**SMALL), warehouse(**SMALL)
    for table in ("captures", "rulesets", "readings", "sites"):
        second.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM {table} ORDER BY ALL DESC")
    tables = [model.name for model in MODELS if model.kind is Kind.TABLE]
    for con in (first, second):
        models.build(con)
    for name in tables:
        query = f"SELECT * FROM {name}"
        assert first.execute(query).fetchall() == second.execute(query).fetchall(), name


def test_a_view_is_stored_when_asked_and_a_view_again_at_the_next_build(warehouse: Warehouse) -> None:
    con = warehouse(**SMALL)
    kind = "SELECT table_type FROM information_schema.tables WHERE table_name = 'panel'"
    models.build(con, materialise=["panel"])
    assert con.execute(kind).fetchone() == ("BASE TABLE",)
    models.build(con)
    assert con.execute(kind).fetchone() == ("VIEW",)


def test_an_unknown_model_is_refused_with_the_choices(warehouse: Warehouse) -> None:
    with pytest.raises(ValueError, match=r"no model 'pannel'; choose one of: snapshot_order, .*, panel,"):
        models.build(warehouse(), materialise=["pannel"])


def test_models_after_the_last_that_is_wanted_are_left_as_they_are(warehouse: Warehouse) -> None:
    con = warehouse(**SMALL)
    models.build(con, until="panel")
    names = [model.name for model in MODELS]
    wanted = set(names[: names.index("panel") + 1])
    tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
    assert {name for (name,) in con.execute(tables).fetchall()} & set(names) == wanted
    assert con.execute("SELECT count(*) FROM panel_of('rfc9309')").fetchall() == [(3 * 2 * 2,)]
    with pytest.raises(ValueError, match="no model 'pannel'"):
        models.build(con, until="pannel")


def test_a_kind_of_answer_without_access_state_stops_the_build(warehouse: Warehouse) -> None:
    con = warehouse(**SMALL)
    con.execute("DELETE FROM access_states WHERE fetch_status = 404")
    with pytest.raises(ModelError, match=r"lacks 1 kind.*404.*access_combinations"):
        models.build(con)


def test_access_combinations_are_distinct_and_only_2xx_have_a_body_kind(warehouse: Warehouse) -> None:
    con = warehouse(
        snapshots=["CC-MAIN-2023-06"],
        histories={"a.org": "open", "b.org": "open", "c.org": "403", "d.org": "html", "e.org": "404"},
        rulesets={"open": {"*": "none"}},
        markers={("c.org", "CC-MAIN-2023-06"): "cloudflare/challenge"},
    )
    # An error page that happens to have the bytes of a known body is still no body of a 2xx answer.
    con.execute("UPDATE captures SET content_digest = 'open' WHERE fetch_status = 404")
    assert models.access_combinations(con) == [
        (200, "html", False),
        (200, "rules", False),
        (403, "", True),
        (404, "", False),
    ]


def test_a_body_that_is_not_known_has_an_empty_kind(warehouse: Warehouse) -> None:
    con = warehouse(snapshots=["CC-MAIN-2023-06"], histories={"a.org": "unknown"})
    assert models.access_combinations(con) == [(200, "", False)]


def test_a_long_description_continues_on_indented_lines() -> None:
    text = "-- Who?\n-- More.\n--\n-- a: One\n--   two\n-- b: Three\nSELECT 1 -- c: not of the header"
    assert models.parse_header(text) == models.Description(
        "Who? More.", (Column("a", "One two"), Column("b", "Three"))
    )


def test_snapshots_are_dated_by_their_start_else_by_their_name(warehouse: Warehouse) -> None:
    con = warehouse(snapshots=["CC-MAIN-2020-05", "CC-MAIN-2020-10", "CC-MAIN-2021-04", "odd"])
    con.execute("UPDATE snapshots SET starts_at = '2020-02-16 12:00:00' WHERE snapshot = 'CC-MAIN-2020-10'")
    models.build(con)
    rows = con.execute(
        "SELECT snapshot, position, starts_on::VARCHAR, year, is_first, is_last, is_last_of_year"
        " FROM snapshot_order ORDER BY position"
    ).fetchall()
    assert rows == [
        ("CC-MAIN-2020-05", 1, "2020-01-27", 2020, True, False, False),
        ("CC-MAIN-2020-10", 2, "2020-02-16", 2020, False, False, True),
        ("CC-MAIN-2021-04", 3, "2021-01-25", 2021, False, False, True),
        ("odd", 4, None, None, False, True, False),
    ]


def test_groups_hold_all_and_each_stratum_only_when_the_study_has_strata(warehouse: Warehouse) -> None:
    con = warehouse(snapshots=[], histories={"a.org": "", "b.org": ""}, weights={("b.org", "c4"): 0.125})
    models.build(con)
    query = "SELECT host, stratum, corpus, weight::DOUBLE FROM site_groups ORDER BY ALL"
    plain = [
        ("a.org", "(all)", "hosts", 1.0),
        ("b.org", "(all)", "c4", 0.125),
        ("b.org", "(all)", "hosts", 1.0),
    ]
    assert con.execute(query).fetchall() == plain
    con.execute("UPDATE sites SET stratum = 'head' WHERE host = 'a.org'")
    assert con.execute(query).fetchall() == [
        plain[0],
        ("a.org", "head", "hosts", 1.0),
        *plain[1:],
        ("b.org", "(none)", "c4", 0.125),
        ("b.org", "(none)", "hosts", 1.0),
    ]
