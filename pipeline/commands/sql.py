"""`crawlcensus sql`: ask the warehouse; it is opened read-only."""

import argparse
import csv
import json
import sys

import duckdb

from pipeline.archived import find_warehouse
from pipeline.loading.database import open_warehouse

BATCH_ROWS = 10_000


def main(options: argparse.Namespace) -> int:
    """Print the answer to one query on stdout, as a table, as CSV or as JSON lines."""
    query = sys.stdin.read() if options.query == "-" else options.query
    with open_warehouse(find_warehouse(options.source), threads=2, read_only=True) as con:
        _PRINTERS[options.format](con.execute(query))
    return 0


def _print_table(answer: duckdb.DuckDBPyConnection) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for column in _columns(answer):
        table.add_column(column, overflow="fold")
    n_rows = 0
    while n_rows < BATCH_ROWS and (rows := answer.fetchmany(BATCH_ROWS - n_rows)):
        n_rows += len(rows)
        for row in rows:
            table.add_row(*("" if cell is None else str(cell) for cell in row))
    # A pipe has no width: there, nothing is folded.
    Console(width=None if sys.stdout.isatty() else 10_000).print(table)
    if answer.fetchone() is not None:
        print(f"first {BATCH_ROWS:,} rows; use --format csv for all", file=sys.stderr)


def _print_csv(answer: duckdb.DuckDBPyConnection) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_columns(answer))
    while rows := answer.fetchmany(BATCH_ROWS):
        writer.writerows(rows)


def _print_json(answer: duckdb.DuckDBPyConnection) -> None:
    columns = _columns(answer)
    while rows := answer.fetchmany(BATCH_ROWS):
        for row in rows:
            print(json.dumps(dict(zip(columns, row, strict=True)), default=str, ensure_ascii=False))


def _columns(answer: duckdb.DuckDBPyConnection) -> list[str]:
    return [str(column[0]) for column in answer.description or ()]


_PRINTERS = {"table": _print_table, "csv": _print_csv, "json": _print_json}
