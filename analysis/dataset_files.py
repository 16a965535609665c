"""A published table as files: CSV for everyone, Parquet for whoever wants types and speed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from analysis.dataset import Dataset
from analysis.dataset_columns import Column


@dataclass(frozen=True, slots=True)
class File:
    """A file of the dataset: its path below the folder, its bytes and its SHA-256 (64 hex characters)."""

    path: str
    n_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Published:
    """One table that was written: its dataset and columns, its rows, and its files.

    `script` is the SQL that made it; `reads` are the published tables and the tables of the warehouse that
    the script starts from, sorted.
    """

    dataset: Dataset
    columns: tuple[Column, ...]
    n_rows: int
    n_checks: int
    csv: File
    parquet: File
    script: File
    reads: tuple[str, ...] = ()


def write_csv(con: duckdb.DuckDBPyConnection, columns: Sequence[Column], rows: str, path: Path) -> int:
    """Write a relation in its own order as CSV; returns the number of rows."""
    cells = ", ".join(column.cell for column in columns)
    options = "FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULLSTR ''"
    return _copy(con, f"SELECT {cells} FROM {rows}", path, options)


def write_parquet(con: duckdb.DuckDBPyConnection, columns: Sequence[Column], rows: str, path: Path) -> int:
    """Write a relation in its own order as Parquet, its columns described in the file's metadata.

    Returns the number of rows. The key of a description is the name of its column.
    """
    values = ", ".join(column.value for column in columns)
    described = ", ".join(f"{literal(column.name)}: {literal(column.description)}" for column in columns)
    options = f"FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{described}}}"
    return _copy(con, f"SELECT {values} FROM {rows}", path, options)


def _copy(con: duckdb.DuckDBPyConnection, query: str, path: Path, options: str) -> int:
    answer = con.execute(f"COPY ({query}) TO {literal(str(path))} ({options})").fetchone()
    return int(answer[0]) if answer else 0


def describe_file(path: Path, folder: Path) -> File:
    """The account of a file that is there."""
    return File(path.relative_to(folder).as_posix(), path.stat().st_size, hash_file(path))


def hash_file(path: Path) -> str:
    """SHA-256 of a file in hex, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def literal(text: str) -> str:
    """The text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
