"""Numbers and lists as words, and rows as the cells of a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.findings.rows import Row, Rows, Value, plain

CAPTURED = "hosts captured"
COMBINED = "any agent of the 2024 study"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: what is shown, and the value as the CSV has it; `value` is empty where there is none."""

    text: str
    value: str = ""
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table under a caption; `notes` says what each column holds, empty where that is not known."""

    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


def table_of(rows: Rows, caption: str, notes: Sequence[str] = ()) -> Table:
    """The rows as a table: shares as per cent, counts with separators, the CSV's value behind each."""
    body = [
        tuple(cell_of(name, value) for name, value in zip(rows.columns, row, strict=True)) for row in rows
    ]
    return Table(caption, tuple(heading_of(name) for name in rows.columns), tuple(body), tuple(notes))


def heading_of(column: str) -> str:
    """The words over a column.

    >>> heading_of("n_hosts_open"), heading_of("starts_on")
    ('hosts open', 'starts on')
    """
    return column.removeprefix("n_").replace("_", " ")


def cell_of(column: str, value: Value) -> Cell:
    """One value as its column's name tells: a share, percentage points, a count, a day, words."""
    if value is None:
        return Cell("–", is_number=True)
    if isinstance(value, bool):
        return Cell("yes" if value else "no", plain(value))
    if isinstance(value, float):
        return Cell(_float_text(column, value), plain(value), is_number=True)
    if isinstance(value, int):
        return Cell(str(value) if "year" in column else f"{value:,}", plain(value), is_number=True)
    return Cell(plain(value))


def _float_text(column: str, value: float) -> str:
    if "points" in column:
        return points(value)
    if "share" in column:
        return percent(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"


def percent(value: float) -> str:
    """A part of one in words, with two decimals."""
    return f"{100 * value:.2f} %"


def interval(low: float | None, high: float | None) -> str:
    """Two ends of an interval of shares in words; says so where there is none."""
    return "no interval" if low is None or high is None else f"{percent(low)} to {percent(high)}"


def points(value: float) -> str:
    """A signed difference in percentage points."""
    return f"{value:+.2f}" if round(value, 2) else "0.00"


def listing(parts: Sequence[str]) -> str:
    """Parts as one phrase: `a, b and c`; empty without parts."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def span(snapshots: Sequence[str]) -> str:
    """The first and the last of a sorted list of snapshots in words."""
    if not snapshots:
        return "no snapshot"
    return snapshots[0] if snapshots[0] == snapshots[-1] else f"{snapshots[0]} to {snapshots[-1]}"


def extent(values: Sequence[int]) -> str:
    """The smallest and the largest of some counts in words; 0 without any."""
    low, high = min(values, default=0), max(values, default=0)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def agent_words(agent: str) -> str:
    """An agent, or a label in brackets that stands for several, in words.

    >>> agent_words("GPTBot"), agent_words("(any training)")
    ('GPTBot', 'any training agent')
    """
    if not agent.startswith("("):
        return agent
    if "combined" in agent:
        return COMBINED
    kind = agent.strip("()").removeprefix("any ")
    if kind.startswith("of "):
        return f"any agent {kind}"
    return "any agent that acts for a user" if kind == "agent" else f"any {kind} agent"


def count_of(n: int, one: str, many: str = "") -> str:
    """A count with its noun.

    >>> count_of(1, "host"), count_of(1200, "host")
    ('1 host', '1,200 hosts')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def largest(rows: Sequence[Row], column: str) -> Row:
    """The row with the largest value of a column, the first of equals; there must be rows."""
    return max(rows, key=lambda row: getattr(row, column) or 0)
