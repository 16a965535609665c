"""The parts of the report's page: cells, tables and figures, as the template takes them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NOBODY = "No host was captured, so there is nothing to draw."
CAPTURED = "hosts captured"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: what is shown, and the value as the CSV has it; `value` is empty where there is none."""

    text: str
    value: str = ""
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table under a caption."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that can be read alone. Without anything to draw `svg` is empty and `why_empty` shows."""

    id: str
    title: str
    svg: str
    caption: str
    source: str
    tables: tuple[Table, ...]
    why_empty: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the report: a heading, what it says in words, and its figures."""

    id: str
    title: str
    paragraphs: tuple[str, ...]
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...] = ()


def text(value: str) -> Cell:
    """A cell of words."""
    return Cell(value)


def count(value: int | None) -> Cell:
    """A whole number with separators; a dash when there is none."""
    return Cell("–", is_number=True) if value is None else Cell(f"{value:,}", str(value), is_number=True)


def share(value: float | None) -> Cell:
    """A part of one as per cent, with the six decimals of the CSV behind it; a dash when there is none."""
    if value is None:
        return Cell("–", is_number=True)
    return Cell(percent(value), f"{value:.6f}", is_number=True)


def points(value: float | None) -> Cell:
    """A difference in percentage points, signed; a dash when there is none."""
    if value is None:
        return Cell("–", is_number=True)
    return Cell(f"{value:+.2f}" if round(value, 2) else "0.00", f"{value:.6f}", is_number=True)


def percent(value: float) -> str:
    """A part of one in words, with two decimals."""
    return f"{100 * value:.2f} %"


def table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """A table whose rows have as many cells as there are headings."""
    return Table(caption, tuple(headings), tuple(tuple(row) for row in rows))


def listing(parts: Sequence[str]) -> str:
    """Parts as one phrase: `a, b and c`; empty without parts."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def span(snapshots: Sequence[str]) -> str:
    """The first and the last of a sorted list of snapshots in words."""
    return f"{snapshots[0]} to {snapshots[-1]}" if snapshots else "no snapshot"


def extent(values: Sequence[int]) -> str:
    """The smallest and the largest of some counts in words; 0 without any."""
    low, high = min(values, default=0), max(values, default=0)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
