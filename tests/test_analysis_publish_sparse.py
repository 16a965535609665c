"""What the published tables leave out, for it follows, can be worked out from them again."""

import csv
from itertools import takewhile
from pathlib import Path

import duckdb
import pytest

from analysis.dataset_table import DATASETS
from analysis.publish import publish

# All tables that the panel and its transitions are made of, which stand before the others.
SPARSE = [*takewhile(lambda one: one.name != "refusals_over_time", DATASETS)]


@pytest.fixture(scope="module")
def published(made_up_census: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a dataset of 200 made-up hosts in four snapshots."""
    folder = tmp_path_factory.mktemp("published") / "dataset"
    publish(made_up_census, folder, datasets=SPARSE)
    return folder


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_observed_panel_can_be_rebuilt_from_the_sparse_table(
    published: Path, made_up_census: duckdb.DuckDBPyConnection
) -> None:
    said = {
        (row["snapshot"], row["host"], row["agent"]): (row["group_match"], row["restriction"])
        for row in read_csv(published / "host_declarations.csv")
    }
    agents = [row["agent"] for row in read_csv(published / "agents.csv")]
    rebuilt = set()
    for answer in read_csv(published / "answers.csv"):
        place = (answer["snapshot"], answer["host"])
        for agent in agents:
            declared = said.get((*place, agent)) or said.get((*place, "*")) or (None, None)
            rebuilt.add((*place, agent, answer["access_state"], *declared))
    panel = made_up_census.execute(
        "SELECT snapshot, host, agent, access_state, group_match, restriction FROM panel"
        " WHERE NOT is_carried AND access_state <> 'not_captured'"
    ).fetchall()
    assert rebuilt == set(panel)


def test_every_transition_can_be_rebuilt_from_the_sparse_table(
    published: Path, made_up_census: duckdb.DuckDBPyConnection
) -> None:
    rows = read_csv(published / "transitions.csv")
    agents = [row["agent"] for row in read_csv(published / "agents.csv")]
    declared = read_csv(published / "host_declarations.csv")
    named = {(row["host"], row["snapshot"], row["agent"]) for row in declared}
    own = {(row["host"], row["snapshot_to"], row["agent"]) for row in rows}
    rebuilt = []
    for row in rows:
        host, before, after = row["host"], row["snapshot_from"], row["snapshot_to"]
        for agent in agents if row["agent"] == "*" else [row["agent"]]:
            is_apart = {(host, before, agent), (host, after, agent)} & named or (host, after, agent) in own
            if row["agent"] != "*" or not is_apart:
                rebuilt.append((host, agent, after, row["kind"], row["restriction_before"] or None))
    full = made_up_census.execute(
        "SELECT host, agent, snapshot_to, kind, restriction_before FROM transitions"
    ).fetchall()
    assert sorted(rebuilt, key=str) == sorted(full, key=str)
    assert sum(int(row["n_agents"]) for row in rows) == len(full) > 2 * len(rows)
