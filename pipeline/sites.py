"""The study's list of hosts: a CSV with a column `host`, an optional `stratum`, and columns of weights."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


class SitesError(ValueError):
    """The site list cannot be used; the text names file, line, column and fix."""


@dataclass(frozen=True, slots=True)
class Site:
    """One host of the list. `stratum` is None and `weights` empty when the list has no such columns."""

    host: str
    stratum: str | None
    weights: tuple[tuple[str, float], ...]


def read_sites(path: Path) -> tuple[Site, ...]:
    """The hosts of a site list, in its order. Raises SitesError for anything that cannot be used."""
    reader = csv.DictReader(io.StringIO(_read_text(path), newline=""), strict=True)
    try:
        columns = [column.strip() for column in reader.fieldnames or ()]
        _check_columns(path, columns)
        reader.fieldnames = columns
        return tuple(_iter_sites(path, reader, [c for c in columns if c not in ("host", "stratum")]))
    except csv.Error as error:
        raise SitesError(
            f"{path}: line {reader.reader.line_num}: not a CSV file ({error}). Mend its quotes and commas."
        ) from None


def _read_text(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SitesError(f"{path}: line {line}: not UTF-8 ({error.reason}). Save it as UTF-8.") from None


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    if "host" not in columns:
        found = ", ".join(columns) or "nothing"
        raise SitesError(
            f"{path}: line 1: there is no column host (found: {found}). Name the column of hosts `host`."
        )
    if len(set(columns)) < len(columns) or "" in columns:
        raise SitesError(
            f"{path}: line 1: a column name is empty or stands twice. Give each column its own name."
        )


def _iter_sites(path: Path, reader: "csv.DictReader[str]", corpora: Sequence[str]) -> Iterator[Site]:
    first_line: dict[str, int] = {}
    for row in reader:
        where = f"{path}: line {reader.line_num}"
        if None in row:
            n_columns = len(reader.fieldnames or ())
            raise SitesError(f"{where}: there are more cells than the {n_columns} columns. Mend that line.")
        host = (row["host"] or "").strip().lower().rstrip(".")
        if not host or "/" in host or " " in host:
            raise SitesError(
                f"{where}: column host: {row['host']!r} is no host. Write it like www.example.org."
            )
        if host in first_line:
            raise SitesError(
                f"{where}: {host} stands on line {first_line[host]} already. Keep one of the two."
            )
        first_line[host] = reader.line_num
        weights = tuple((corpus, _weight(where, corpus, row[corpus])) for corpus in corpora if row[corpus])
        yield Site(host, (row.get("stratum") or "").strip() or None, weights)


def _weight(where: str, corpus: str, text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 <= weight < float("inf"):
        raise SitesError(
            f"{where}: column {corpus}: {text!r} is no weight. Give a number from 0, or leave it empty."
        )
    return weight
