"""The checks before a dataset is written: each is a query for the rows that break it."""

from collections.abc import Iterator, Sequence

import duckdb

from analysis.dataset import Check, Dataset, DatasetError, Reference
from analysis.dataset_columns import Column, quote

SHOWN_ROWS = 3


def run_checks(
    con: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    columns: Sequence[Column],
    rows: str,
    relations: dict[str, str],
) -> int:
    """Run every check of a dataset over the relation `rows`; how many passed. DatasetError at a failure.

    `relations` maps the name of a dataset to the relation that holds its rows, for references.
    """
    checks = tuple(iter_checks(dataset, columns, relations))
    for check in checks:
        run_check(con, dataset.name, check, rows)
    return len(checks)


def run_check(con: duckdb.DuckDBPyConnection, name: str, check: Check, rows: str) -> None:
    """DatasetError that names dataset, check and the first offending rows, unless the check passes."""
    query = check.query.replace("{rows}", rows)
    cursor = con.execute(f"SELECT * FROM ({query}) ORDER BY ALL LIMIT {SHOWN_ROWS}")
    headings = [str(column[0]) for column in cursor.description or ()]
    offending = cursor.fetchall()
    if offending:
        shown = "; ".join(_show(headings, row) for row in offending)
        raise DatasetError(f"{name}: check '{check.name}' failed, first rows: {shown}")


def _show(headings: Sequence[str], row: Sequence[object]) -> str:
    return ", ".join(f"{heading}={value!r}" for heading, value in zip(headings, row, strict=True))


def iter_checks(dataset: Dataset, columns: Sequence[Column], relations: dict[str, str]) -> Iterator[Check]:
    """Every check that a dataset must pass: its key, its columns, its references, its own."""
    yield from _key_checks(dataset)
    for column in columns:
        yield from _column_checks(column)
    for reference in dataset.references:
        yield _reference_check(reference, relations[reference.dataset])
    yield from dataset.checks


def _key_checks(dataset: Dataset) -> Iterator[Check]:
    key = _list(dataset.key)
    nulls = " OR ".join(f"{quote(column)} IS NULL" for column in dataset.key)
    yield Check("key has no NULL", f"SELECT {key} FROM {{rows}} WHERE {nulls}")
    groups = f"SELECT {key}, count(*) AS n FROM {{rows}} GROUP BY {key}"
    yield Check("key is unique", f"{groups} HAVING count(*) > 1")


def _column_checks(column: Column) -> Iterator[Check]:
    name = quote(column.name)
    select = f"SELECT DISTINCT {name} FROM {{rows}} WHERE"
    if column.kind.name == "number":
        yield Check(f"{column.name} is finite", f"{select} NOT isfinite(CAST({name} AS DOUBLE))")
    if column.name.startswith("share_") or column.name.endswith("_share"):
        yield Check(f"{column.name} is within 0-1", f"{select} {name} NOT BETWEEN 0 AND 1")
    if column.name.startswith("n_"):
        yield Check(f"{column.name} is a count", f"{select} {name} < 0")
    if column.allowed:
        values = ", ".join(f"'{value}'" for value in column.allowed)
        yield Check(f"{column.name} is in its vocabulary", f"{select} {name} NOT IN ({values})")


def _reference_check(reference: Reference, target: str) -> Check:
    columns = reference.columns
    pairs = zip(columns, reference.targets, strict=True)
    same = " AND ".join(f"t.{quote(t)} = r.{quote(c)}" for c, t in pairs)
    present = " AND ".join(f"{quote(column)} IS NOT NULL" for column in columns)
    return Check(
        f"{', '.join(columns)} in {reference.dataset}",
        f"SELECT DISTINCT {_list(columns)} FROM {{rows}} AS r WHERE {present}"
        f" AND NOT EXISTS (SELECT 1 FROM {target} AS t WHERE {same})",
    )


def _list(columns: Sequence[str]) -> str:
    return ", ".join(quote(column) for column in columns)
