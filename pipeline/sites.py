"""The study's list of hosts: a CSV with a column `host`, and columns of strata, flags and weights.

`stratum` is text; `is_domain` and columns that end in `_head` are flags; `study_url` and `merged_from` are
notes on where a host comes from, which nothing is computed from; every other column is a corpus of weights.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HEAD_SUFFIX = "_head"
NOTES = ("study_url", "merged_from")
TEXTS = ("host", "stratum", *NOTES)
IS_DOMAIN = "is_domain"
_FLAGS = {"1": True, "true": True, "0": False, "false": False}


class SitesError(ValueError):
    """The site list cannot be used; the text names file, line, column and fix."""


@dataclass(frozen=True, slots=True)
class Site:
    """One host of the list. `stratum` is None and `weights` empty when the list has no such columns.

    `heads` are the head columns that flag the host. Without `is_domain` it is a source that is no web host:
    it has weights, but no robots.txt, and is never asked for one.
    """

    host: str
    stratum: str | None
    weights: tuple[tuple[str, float], ...]
    heads: tuple[str, ...] = ()
    is_domain: bool = True


@dataclass(frozen=True, slots=True)
class SiteList:
    """A site list: its weight columns and head columns, in its order, and its hosts."""

    corpora: tuple[str, ...]
    heads: tuple[str, ...]
    sites: tuple[Site, ...]


def read_hosts(path: Path) -> tuple[str, ...]:
    """The web hosts of a site list, which alone are looked up and asked. Raises SitesError."""
    return tuple(site.host for site in read_sites(path).sites if site.is_domain)


def read_sites(path: Path) -> SiteList:
    """A site list. Raises SitesError for anything that cannot be used."""
    reader = csv.DictReader(io.StringIO(_read_text(path), newline=""), strict=True)
    try:
        columns = [column.strip() for column in reader.fieldnames or ()]
        _check_columns(path, columns)
        reader.fieldnames = columns
        heads = tuple(column for column in columns if column.endswith(HEAD_SUFFIX))
        corpora = tuple(column for column in columns if column not in (*TEXTS, IS_DOMAIN, *heads))
        return SiteList(corpora, heads, tuple(_iter_sites(path, reader, corpora, heads)))
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


def _iter_sites(
    path: Path, reader: "csv.DictReader[str]", corpora: Sequence[str], heads: Sequence[str]
) -> Iterator[Site]:
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
        flagged = tuple(head for head in heads if _flag(where, head, row[head], default=False))
        is_domain = _flag(where, IS_DOMAIN, row.get(IS_DOMAIN), default=True)
        yield Site(host, (row.get("stratum") or "").strip() or None, weights, flagged, is_domain)


def _flag(where: str, column: str, text: str | None, default: bool) -> bool:
    word = (text or "").strip().lower()
    if word and word not in _FLAGS:
        raise SitesError(f"{where}: column {column}: {text!r} is no flag. Give 1 or 0, or leave it empty.")
    return _FLAGS.get(word, default)


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
