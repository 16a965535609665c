"""Forecasts that others have published: a table beside this file, put into the warehouse to be scored."""

import tomllib
from pathlib import Path

import duckdb

from analysis.made_tables import MadeColumn, MadeTable, fill_table

TABLE = Path(__file__).with_name("published_forecasts.toml")

CLAIMS = MadeTable(
    "forecast_claims",
    "forecast that others have published",
    (
        MadeColumn("forecast_id", "VARCHAR", "Forecast"),
        MadeColumn("source", "VARCHAR", "Where it was published"),
        MadeColumn("corpus_title", "VARCHAR", "Corpus whose head it is about"),
        MadeColumn("label", "VARCHAR", "Agents it is about, in the words of the source"),
        MadeColumn("agents", "VARCHAR[]", "The agents; the strictest answer counts"),
        MadeColumn("month", "DATE", "Month that was forecast"),
        MadeColumn("share", "DOUBLE", "Forecast share of the weight at level all"),
        MadeColumn("low", "DOUBLE", "Lower end of the interval"),
        MadeColumn("high", "DOUBLE", "Upper end of the interval"),
    ),
)


def register_claims(con: duckdb.DuckDBPyConnection) -> None:
    """Fill `forecast_claims` from the table that is bundled."""
    found = tomllib.loads(TABLE.read_text(encoding="utf-8"))["forecast"]
    fill_table(con, CLAIMS, [tuple(one[column.name] for column in CLAIMS.columns) for one in found])
