"""The study's list of hosts: a CSV with a column `host`, and columns of strata, flags and weights.

`stratum` is text; `is_domain` and columns that end in `_head` are flags; `study_url` and `merged_from` are
notes on where a host comes from, which nothing is computed from; every other column is a corpus of weights.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.csv_list import CsvList, HostColumn, Row, open_list

HEAD_SUFFIX = "_head"
NOTES = ("study_url", "merged_from")
TEXTS = ("host", "stratum", *NOTES)
IS_DOMAIN = "is_domain"
_FLAGS = {"1": True, "true": True, "0": False, "false": False}


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
    """The web hosts of a site list, which alone are looked up and asked. Raises ListError."""
    return tuple(site.host for site in read_sites(path).sites if site.is_domain)


def read_sites(path: Path) -> SiteList:
    """A site list. Raises ListError for anything that cannot be used."""
    rows = open_list(path, "host", "Name the column of hosts `host`.")
    heads = tuple(column for column in rows.columns if column.endswith(HEAD_SUFFIX))
    corpora = tuple(column for column in rows.columns if column not in (*TEXTS, IS_DOMAIN, *heads))
    return SiteList(corpora, heads, tuple(_iter_sites(rows, corpora, heads)))


def _iter_sites(rows: CsvList, corpora: Sequence[str], heads: Sequence[str]) -> Iterator[Site]:
    hosts = HostColumn("host")
    for row in rows:
        host, cells = hosts.read(row), row.cells
        weights = tuple((corpus, _weight(row, corpus)) for corpus in corpora if cells[corpus])
        flagged = tuple(head for head in heads if _flag(row, head, default=False))
        is_domain = _flag(row, IS_DOMAIN, default=True)
        yield Site(host, cells.get("stratum", "").strip() or None, weights, flagged, is_domain)


def _flag(row: Row, column: str, default: bool) -> bool:
    text = row.cells.get(column)
    if not text:
        return default
    word = text.strip().lower()
    if word and word not in _FLAGS:
        raise row.error(f"column {column}: {text!r} is no flag. Give 1 or 0, or leave it empty.")
    return _FLAGS.get(word, default)


def _weight(row: Row, corpus: str) -> float:
    text = row.cells[corpus]
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 <= weight < float("inf"):
        raise row.error(f"column {corpus}: {text!r} is no weight. Give a number from 0, or leave it empty.")
    return weight
