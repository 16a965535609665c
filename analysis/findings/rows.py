"""What a query answers: named rows with rounded numbers, and the same as CSV."""

import csv
import io
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

import duckdb

# A named tuple whose fields are the columns of the query; each query has its own.
Row: TypeAlias = Any
Value: TypeAlias = str | bool | int | float | date | None

DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Rows:
    """The answer to a query, in its order. Numbers have six decimals, so all that is made of them agrees."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def values(self, column: str) -> list[Any]:
        """The distinct values of a column in the order of their first appearance; NULL is left out."""
        place = self.columns.index(column)
        return list(dict.fromkeys(row[place] for row in self.rows if row[place] is not None))

    def where(self, keep: Callable[[Row], object]) -> "Rows":
        """The rows that `keep` says yes to."""
        return Rows(self.columns, tuple(row for row in self.rows if keep(row)))

    def last(self, column: str = "snapshot") -> "Rows":
        """The rows of the largest value of a column; none of none."""
        place = self.columns.index(column)
        newest = max((row[place] for row in self.rows), default=None)
        return self.where(lambda row: row[place] == newest)

    def first(self, column: str = "snapshot") -> "Rows":
        """The rows of the smallest value of a column; none of none."""
        place = self.columns.index(column)
        oldest = min((row[place] for row in self.rows), default=None)
        return self.where(lambda row: row[place] == oldest)

    def fold(self, parts: Mapping[str, str]) -> "Rows":
        """A row for every row and part, with the columns `part` and `value`; `parts` maps words to columns.

        >>> Rows.of(("a", "b"), [(1, 2)]).fold({"first": "a", "second": "b"}).rows[1][-2:]
        ('second', 2)
        """
        columns = (*self.columns, "part", "value")
        places = {part: self.columns.index(column) for part, column in parts.items()}
        return Rows.of(columns, [(*r, part, r[place]) for r in self.rows for part, place in places.items()])

    def drop(self, *unwanted: str) -> "Rows":
        """The rows without some columns."""
        kept = [place for place, column in enumerate(self.columns) if column not in unwanted]
        return Rows.of([self.columns[p] for p in kept], [[row[p] for p in kept] for row in self.rows])

    def as_records(self) -> list[dict[str, Value]]:
        """The rows as JSON has them: days as ISO text."""
        return [dict(zip(self.columns, map(_jsonable, row), strict=True)) for row in self.rows]

    def as_csv(self) -> str:
        """The rows as CSV: header first, lines end in LF, no value is an empty cell."""
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([plain(value) for value in row] for row in self.rows)
        return file.getvalue()

    @staticmethod
    def of(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> "Rows":
        """Rows of plain tuples; the columns must be names that Python takes."""
        kind = namedtuple("Row", columns)  # type: ignore[misc]
        return Rows(tuple(columns), tuple(kind(*map(_rounded, row)) for row in rows))


def read_rows(con: duckdb.DuckDBPyConnection, query: str) -> Rows:
    """Ask the query; an answer without rows keeps its columns."""
    answer = con.execute(query)
    return Rows.of([column[0] for column in answer.description or ()], answer.fetchall())


def plain(value: Value) -> str:
    """A value as the CSV has it.

    >>> plain(0.5), plain(None), plain(True), plain(date(2024, 5, 1))
    ('0.500000', '', 'true', '2024-05-01')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.{DECIMALS}f}" if isinstance(value, float) else str(_jsonable(value))


def _rounded(value: object) -> object:
    if isinstance(value, Decimal | float):
        return round(float(value), DECIMALS) + 0.0
    return value


def _jsonable(value: Value) -> Value:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.isoformat() if isinstance(value, date) else value
