"""What is different between two releases of a dataset, row by row, and why."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from analysis.dataset_columns import quote
from analysis.dataset_files import literal
from analysis.release_causes import collect_causes
from analysis.release_explain import explain_rows
from analysis.release_folder import ReleaseFolder, Table
from analysis.release_rows import Compared, changed_cells, compare_rows

HEADER = ("table", "change", "key", "column", "old", "new", "causes")


@dataclass(frozen=True, slots=True)
class Difference:
    """A changed cell, or a row (then `column` is None): key as JSON, values as text, None for no value."""

    table: str
    change: str
    key: str
    column: str | None
    old: str | None
    new: str | None
    causes: str


@dataclass(frozen=True, slots=True)
class TableDifference:
    """One table of both releases, in counts of rows; those by column and by kind stand largest first.

    `key_changed` says that the rows could not be told apart by a common key, and were not compared.
    """

    name: str
    n_old: int
    n_new: int
    n_added: int = 0
    n_removed: int = 0
    n_changed: int = 0
    by_column: tuple[tuple[str, int], ...] = ()
    by_kind: tuple[tuple[str, int], ...] = ()
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    key_changed: bool = False
    examples: tuple[Difference, ...] = ()

    @property
    def is_equal(self) -> bool:
        """Whether the table is the same in both."""
        rows = self.n_added + self.n_removed + self.n_changed
        return not (rows or self.columns_added or self.columns_removed or self.key_changed)


@dataclass(frozen=True, slots=True)
class ReleaseDifference:
    """Two releases: what each table of both is, and the tables that only one of them has."""

    tables: tuple[TableDifference, ...]
    tables_added: tuple[str, ...]
    tables_removed: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Whether nothing is different."""
        return not (self.tables_added or self.tables_removed) and all(t.is_equal for t in self.tables)


def compare_releases(
    old: ReleaseFolder, new: ReleaseFolder, limit: int = 5, output: Path | None = None
) -> ReleaseDifference:
    """Compare two releases; `limit` examples are kept of each table, and all go to `output`, a CSV.

    A removed or added row is one line there, a changed one a line per changed cell, sorted.
    """
    with _workspace() as con:
        shared = [name for name in new.tables if name in old.tables]
        compared = {name: compare_rows(con, old.tables[name], new.tables[name]) for name in shared}
        con.execute(f"CREATE TEMP TABLE defaults AS {_defaults(old, new)}")
        collect_causes(con, compared)
        otherwise = _otherwise(old, new)
        tables = tuple(_describe(con, one, otherwise, limit) for one in compared.values())
        if output:
            _write(con, compared.values(), output)
    return ReleaseDifference(
        tables,
        tuple(name for name in new.tables if name not in old.tables),
        tuple(name for name in old.tables if name not in new.tables),
    )


@contextmanager
def _workspace() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that may go to disk for what memory does not hold, and leaves nothing there."""
    with (
        tempfile.TemporaryDirectory() as folder,
        duckdb.connect(config={"temp_directory": folder, "preserve_insertion_order": False}) as con,
    ):
        con.execute("SET TimeZone = 'UTC'")
        yield con


def _defaults(old: ReleaseFolder, new: ReleaseFolder) -> str:
    tables = [one.tables["dialects"] for one in (old, new) if "dialects" in one.tables]
    parts = [f"SELECT dialect FROM {table.relation} WHERE is_default" for table in tables]
    return " UNION ".join(parts) or "SELECT NULL::VARCHAR AS dialect WHERE false"


def _otherwise(old: ReleaseFolder, new: ReleaseFolder) -> str:
    """The cause of rows that nothing else explains: another program, or that it is not known."""
    if old.account is None or new.account is None:
        return "unknown: a release without release.json does not say by which program it was made"
    said = [f"{name} {a} → {b}" for name, a, b in _versions(old.account, new.account) if a != b]
    return f"code: {', '.join(said)}" if said else "unknown: same input, same rules, same versions"


def _versions(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, object, object]]:
    names = {"code_version": "crawlcensus", "markers_version": "markers", "schema_version": "schema"}
    for key, name in names.items():
        yield name, old.get(key), new.get(key)
    libraries = [_libraries(account) for account in (old, new)]
    for name in sorted({*libraries[0], *libraries[1]}):
        yield name, libraries[0].get(name), libraries[1].get(name)


def _libraries(account: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for stage in account.get("stages", ()):
        for name, version in stage["libraries"].items():
            found.setdefault(name, set()).add(version)
    return {name: " and ".join(sorted(versions)) for name, versions in found.items()}


def _always(old: Table, new: Table) -> str:
    """A cause of every row of a table, if its query is another; empty when it is not, or that is not told."""
    told = (old.script_sha256, new.script_sha256)
    return f"code: the query of {new.name} is another" if all(told) and told[0] != told[1] else ""


def _describe(con: duckdb.DuckDBPyConnection, one: Compared, otherwise: str, limit: int) -> TableDifference:
    n_old, n_new = (_count(con, f"FROM {table.relation}") for table in (one.old, one.new))
    came = tuple(name for name in one.new.types if name not in one.old.types)
    went = tuple(name for name in one.old.types if name not in one.new.types)
    if not one.rows:
        return TableDifference(
            one.name, n_old, n_new, columns_added=came, columns_removed=went, key_changed=not one.key
        )
    rows = explain_rows(con, one, _always(one.old, one.new), otherwise)
    counts = dict(con.execute(f"SELECT change, count(*) FROM {rows} GROUP BY change").fetchall())
    return TableDifference(
        one.name,
        n_old,
        n_new,
        n_added=int(counts.get("added", 0)),
        n_removed=int(counts.get("removed", 0)),
        n_changed=int(counts.get("changed", 0)),
        by_column=_count_items(con, rows, "columns"),
        by_kind=_count_items(con, rows, "kinds"),
        examples=_examples(con, one, rows, limit),
        columns_added=came,
        columns_removed=went,
    )


def _count(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = con.execute(f"SELECT count(*) {relation}").fetchone()
    return int(row[0]) if row else 0


def _count_items(con: duckdb.DuckDBPyConnection, rows: str, column: str) -> tuple[tuple[str, int], ...]:
    found = con.execute(
        f"SELECT item, count(*) AS n FROM (SELECT unnest({column}) AS item FROM {rows})"
        " GROUP BY item ORDER BY n DESC, item"
    ).fetchall()
    return tuple((str(item), int(n)) for item, n in found)


def _examples(con: duckdb.DuckDBPyConnection, one: Compared, rows: str, limit: int) -> tuple[Difference, ...]:
    keys = ", ".join(map(quote, one.key))
    few = f"(FROM {rows} ORDER BY {keys} LIMIT {limit})"
    query = f'{changed_cells(one, few)} ORDER BY {_ordered_keys(one)}, "column" LIMIT {limit}'
    return tuple(Difference(*row) for row in con.execute(query).fetchall())


def _ordered_keys(one: Compared) -> str:
    """SQL that orders changed cells by the key, as the table itself is."""
    return ", ".join(f"json_extract_string(key, {literal(f'$.{name}')})" for name in one.key)


def _write(con: duckdb.DuckDBPyConnection, compared: Iterable[Compared], output: Path) -> None:
    names = ", ".join(f"{quote(name)} VARCHAR" for name in HEADER)
    con.execute(f"CREATE TEMP TABLE listed ({names})")
    for one in compared:
        if one.rows:
            rows = quote(f"explained_{one.name}")
            con.execute(f"INSERT INTO listed BY NAME {changed_cells(one, rows)}")
    con.execute("SET preserve_insertion_order = true")
    con.execute(f"COPY (FROM listed ORDER BY ALL) TO {literal(str(output))} (FORMAT csv, HEADER, NULLSTR '')")
