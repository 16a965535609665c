"""The published dataset: checked, sorted tables as CSV and Parquet, with all that describes and dates them.

Nothing in the folder depends on when or where it was written: same database, same bytes.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb

from analysis.checks import run_checks
from analysis.croissant import render_croissant
from analysis.dataset import Dataset, DatasetError
from analysis.dataset_columns import Column, quote, read_columns
from analysis.dataset_docs import render_checksums, render_dictionary, render_readme
from analysis.dataset_files import Published, describe_file, hash_file, write_csv, write_parquet
from analysis.dataset_package import render_package
from analysis.dataset_table import DATASETS
from analysis.drafts import replace_whole
from analysis.lineage import trace_lineage
from analysis.release import PLAIN, Edition, read_release, render_release

PACKAGE = "datapackage.json"


def publish(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    edition: Edition = PLAIN,
    datasets: Sequence[Dataset] = DATASETS,
    on_progress: Callable[[Published], None] = lambda _: None,
) -> tuple[Published, ...]:
    """Write the dataset of the connection's database to `folder`, in place of an earlier one there.

    What was written comes back in the order of `datasets`; tables without rows are written with their
    header. Raises DatasetError when a check fails, or when the folder holds something else; either way
    the folder stays as it was.
    """
    _check_folder(folder)
    with replace_whole(folder) as draft:
        published = []
        for dataset in datasets:
            published.append(write_dataset(con, dataset, draft, datasets))
            on_progress(published[-1])
        _write_companions(con, draft, published, edition)
    return tuple(published)


def write_dataset(
    con: duckdb.DuckDBPyConnection, dataset: Dataset, folder: Path, datasets: Sequence[Dataset] = DATASETS
) -> Published:
    """Check one dataset and write its files into an existing folder; DatasetError at a failure."""
    rows = quote(f"published_{dataset.name}")
    relations = {other.name: other.sources[0] for other in datasets}
    _require_relation(con, dataset)
    columns = read_columns(con, dataset)
    # The rows are computed and sorted once, so that what is checked is what is written, twice.
    query = f"SELECT * FROM ({dataset.rows_query}) ORDER BY {_order(dataset, columns)}"
    con.execute(f"CREATE OR REPLACE TEMP TABLE {rows} AS {query}")
    try:
        n_checks = run_checks(con, dataset, columns, rows, relations)
        paths = [folder / f"{dataset.name}.{suffix}" for suffix in ("csv", "parquet")]
        n_rows = write_csv(con, columns, rows, paths[0])
        write_parquet(con, columns, rows, paths[1])
    finally:
        con.execute(f"DROP TABLE IF EXISTS {rows}")
    lineage = trace_lineage(con, dataset, columns, datasets)
    script = folder / "sql" / f"{dataset.name}.sql"
    script.parent.mkdir(exist_ok=True)
    _write(script, lineage.script)
    csv, parquet, query_file = (describe_file(path, folder) for path in (*paths, script))
    return Published(dataset, columns, n_rows, n_checks, csv, parquet, query_file, lineage.reads)


def _order(dataset: Dataset, columns: Sequence[Column]) -> str:
    # An enum sorts by its ordinal; as text the order is that of the code points, for every reader the same.
    text = {column.name for column in columns if column.kind.name == "string"}
    return ", ".join(f"CAST({quote(k)} AS VARCHAR)" if k in text else quote(k) for k in dataset.key)


def _require_relation(con: duckdb.DuckDBPyConnection, dataset: Dataset) -> None:
    try:
        con.execute(f"DESCRIBE {dataset.rows_query}")
    except duckdb.CatalogException as error:
        first_line = str(error).splitlines()[0]
        raise DatasetError(f"{dataset.name}: check 'source exists' failed: {first_line}") from error


def _write_companions(
    con: duckdb.DuckDBPyConnection, folder: Path, published: Sequence[Published], edition: Edition
) -> None:
    release = read_release(con, edition, published)
    _write(folder / "release.json", render_release(release))
    _write(folder / "dictionary.csv", render_dictionary(published))
    _write(folder / "README.md", render_readme(published, release))
    others = [describe_file(folder / name, folder) for name in ("dictionary.csv", "release.json")]
    _write(folder / PACKAGE, render_package(published, release, *others))
    _write(folder / "croissant.json", render_croissant(release, others))
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    checksums = {path.relative_to(folder).as_posix(): hash_file(path) for path in paths}
    _write(folder / "checksums.txt", render_checksums(checksums))


def _write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8"))


def _check_folder(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / PACKAGE).is_file():
        raise DatasetError(
            f"{folder}: check 'folder is ours' failed: it holds files, but no {PACKAGE}; name an empty folder"
        )
