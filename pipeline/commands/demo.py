"""`crawlcensus demo`: the main job, end to end, on the bundled miniature archive."""

import argparse
from dataclasses import replace
from pathlib import Path

import duckdb

from pipeline.archived import find_warehouse
from pipeline.loading.database import open_warehouse
from pipeline.run import run_stages, stages_of
from pipeline.study import read_study

BUNDLE = Path(__file__).parent.parent / "demo"
HEADLINE_AGENTS = ("GPTBot", "CCBot", "Google-Extended")


def main(options: argparse.Namespace) -> int:
    """Run the bundled study into the output folder and print its headline."""
    study = replace(read_study(BUNDLE / "study.toml"), folder=options.output.resolve())
    run_stages(study, stages_of(study))
    with open_warehouse(find_warehouse(study.folder), study.workers, read_only=True) as con:
        print(headline(con))
    print(f"\ndatabase  {study.folder / 'census.duckdb'}")
    print(f"dataset   {study.folder / 'dataset'}")
    print(f"report    {study.folder / 'report.html'}")
    return 0


def headline(con: duckdb.DuckDBPyConnection) -> str:
    """What was read, and the restricted share of three agents in the first and the last release."""
    counts = [
        _one(con, f"SELECT count(*) FROM {rows}")
        for rows in ("sites WHERE is_domain", "snapshots", "captures", "bodies")
    ]
    lines = ["{:,} hosts, {:,} snapshots, {:,} captures, {:,} distinct bodies".format(*counts)]
    first, last = (
        _one(con, "SELECT min(snapshot) FROM snapshots"),
        _one(con, "SELECT max(snapshot) FROM snapshots"),
    )
    lines.append(f"hosts that close every path, of those that were observed:   {first}   {last}")
    for agent in HEADLINE_AGENTS:
        lines.append(f"  {agent:<16} {_closed(con, agent, first):>40} {_closed(con, agent, last):>17}")
    return "\n".join(lines)


def _closed(con: duckdb.DuckDBPyConnection, agent: str, snapshot: object) -> str:
    row = con.execute(
        "SELECT count(*) FILTER (restriction = 'all'), count(*) FROM panel"
        " WHERE agent = ? AND snapshot = ? AND NOT is_carried AND access_state <> 'not_captured'",
        [agent, snapshot],
    ).fetchone()
    closed, observed = row or (0, 0)
    return f"{closed}/{observed} = {100 * closed / observed:.1f} %" if observed else "none observed"


def _one(con: duckdb.DuckDBPyConnection, query: str) -> object:
    row = con.execute(query).fetchone()
    return row[0] if row else None
