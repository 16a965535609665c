"""Lists that people make in CSV: their lines; for what is wrong an error with file, line, column and fix."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class ListError(ValueError):
    """A list cannot be used; the text names file, line, column and fix."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a list: its cells by column; those that the line does not have are empty."""

    path: Path
    line: int
    cells: dict[str, str]

    def error(self, text: str) -> ListError:
        """An error that begins with file and line."""
        return ListError(f"{self.path}: line {self.line}: {text}")


@dataclass(frozen=True, slots=True)
class CsvList:
    """A list whose header can be used. Iterating reads its lines, once, and may raise ListError."""

    path: Path
    columns: tuple[str, ...]
    _reader: Any = field(repr=False)

    def __iter__(self) -> Iterator[Row]:
        columns, n = self.columns, len(self.columns)
        for cells in _iter_lines(self.path, self._reader):
            row = Row(self.path, self._reader.line_num, dict(zip(columns, cells, strict=False)))
            if len(cells) > n:
                raise row.error(f"there are more cells than the {n} columns. Mend that line.")
            for column in columns[len(cells) :]:
                row.cells[column] = ""
            if cells:
                yield row


def open_list(path: Path, column: str, needed: str) -> CsvList:
    """A CSV list that must have `column`; `needed` tells how to make one that lacks it. Raises ListError."""
    reader = csv.reader(io.StringIO(_read_text(path), newline=""), strict=True)
    columns = tuple(name.strip() for name in next(_iter_lines(path, reader), ()))
    if column not in columns:
        found = ", ".join(columns) or "nothing"
        raise ListError(f"{path}: line 1: there is no column {column} (found: {found}). {needed}")
    if len(set(columns)) < len(columns) or "" in columns:
        raise ListError(
            f"{path}: line 1: a column name is empty or stands twice. Give each column its own name."
        )
    return CsvList(path, columns, reader)


def _iter_lines(path: Path, reader: Any) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        text = f"not a CSV file ({error}). Mend its quotes and commas."
        raise ListError(f"{path}: line {reader.line_num}: {text}") from None


def _read_text(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ListError(f"{path}: line {line}: not UTF-8 ({error.reason}). Save it as UTF-8.") from None


@dataclass(frozen=True, slots=True)
class HostColumn:
    """Reads the hosts of a list one by one and remembers them, so that none stands twice."""

    name: str
    _first_line: dict[str, int] = field(default_factory=dict, repr=False)

    def read(self, row: Row) -> str:
        """The host of a line in lower case without root dot; ListError when it is none or stood before."""
        text = row.cells[self.name]
        host = text.strip().lower().rstrip(".")
        if not host or "/" in host or " " in host:
            raise row.error(f"column {self.name}: {text!r} is no host. Write it like www.example.org.")
        first = self._first_line.setdefault(host, row.line)
        if first != row.line:
            raise row.error(f"{host} stands on line {first} already. Keep one of the two.")
        return host
