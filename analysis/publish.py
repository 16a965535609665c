"""The published dataset: checked, sorted CSV files with their Frictionless package, dictionary and checksums.

Nothing in the folder depends on when or where it was written: same database, same bytes.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from analysis.checks import run_checks
from analysis.dataset import Dataset, DatasetError
from analysis.dataset_columns import Column, quote, read_columns
from analysis.dataset_docs import (
    Published,
    render_checksums,
    render_dictionary,
    render_package,
    render_readme,
)
from analysis.dataset_table import DATASETS

PACKAGE = "datapackage.json"


def publish(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    name: str = "crawlcensus",
    title: str = "What robots.txt declares",
    datasets: Sequence[Dataset] = DATASETS,
    on_progress: Callable[[Published], None] = lambda _: None,
) -> tuple[Published, ...]:
    """Write the dataset of the connection's database to `folder`, in place of an earlier one there.

    What was written comes back in the order of `datasets`; tables without rows are written with their
    header. Raises DatasetError when a check fails, or when the folder holds something else; either way
    the folder stays as it was.
    """
    with _draft(folder) as draft:
        published = []
        for dataset in datasets:
            published.append(write_dataset(con, dataset, draft, datasets))
            on_progress(published[-1])
        _write_companions(draft, published, name, title)
    return tuple(published)


def write_dataset(
    con: duckdb.DuckDBPyConnection, dataset: Dataset, folder: Path, datasets: Sequence[Dataset] = DATASETS
) -> Published:
    """Check one dataset and write it as `<name>.csv` into an existing folder; DatasetError at a failure."""
    rows = quote(f"published_{dataset.name}")
    relations = {other.name: other.sources[0] for other in datasets}
    _require_relation(con, dataset)
    columns = read_columns(con, dataset)
    # The rows are computed once, so that what is checked is what is written.
    con.execute(f"CREATE OR REPLACE TEMP TABLE {rows} AS {dataset.rows_query}")
    try:
        n_checks = run_checks(con, dataset, columns, rows, relations)
        path = folder / f"{dataset.name}.csv"
        n_rows = _copy(con, dataset, columns, rows, path)
    finally:
        con.execute(f"DROP TABLE IF EXISTS {rows}")
    return Published(dataset, columns, n_rows, path.stat().st_size, hash_file(path), n_checks)


def _copy(
    con: duckdb.DuckDBPyConnection, dataset: Dataset, columns: Sequence[Column], rows: str, path: Path
) -> int:
    cells = ", ".join(column.cell for column in columns)
    # An enum sorts by its ordinal; as text the order is that of the code points, for every reader the same.
    text = {column.name for column in columns if column.kind.name == "string"}
    order = ", ".join(f"CAST(r.{quote(k)} AS VARCHAR)" if k in text else f"r.{quote(k)}" for k in dataset.key)
    target = str(path).replace("'", "''")
    answer = con.execute(
        f"COPY (SELECT {cells} FROM {rows} AS r ORDER BY {order}) TO '{target}'"
        " (FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULLSTR '')"
    ).fetchone()
    return int(answer[0]) if answer else 0


def hash_file(path: Path) -> str:
    """SHA-256 of a file in hex, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _require_relation(con: duckdb.DuckDBPyConnection, dataset: Dataset) -> None:
    try:
        con.execute(f"DESCRIBE {dataset.rows_query}")
    except duckdb.CatalogException as error:
        first_line = str(error).splitlines()[0]
        raise DatasetError(f"{dataset.name}: check 'source exists' failed: {first_line}") from error


def _write_companions(folder: Path, published: Sequence[Published], name: str, title: str) -> None:
    dictionary = folder / "dictionary.csv"
    _write(dictionary, render_dictionary(published))
    _write(folder / "README.md", render_readme(published, title))
    package = render_package(published, name, title, hash_file(dictionary), dictionary.stat().st_size)
    _write(folder / PACKAGE, package)
    _write(folder / "checksums.txt", render_checksums({p.name: hash_file(p) for p in folder.iterdir()}))


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))


@contextmanager
def _draft(folder: Path) -> Iterator[Path]:
    """A temporary sibling that takes the folder's place when the block ends well, and vanishes otherwise."""
    if folder.exists() and any(folder.iterdir()) and not (folder / PACKAGE).is_file():
        raise DatasetError(
            f"{folder}: check 'folder is ours' failed: it holds files, but no {PACKAGE}; name an empty folder"
        )
    draft, old = folder.with_name(f".{folder.name}.draft"), folder.with_name(f".{folder.name}.old")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        draft.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
