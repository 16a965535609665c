"""The registry of crawlers: who runs a product token, what for, and since when it is known."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field
from datetime import date
from enum import StrEnum
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

BUNDLED = files("consent") / "agents.csv"
DIGEST_LENGTH = 16

Choice = TypeVar("Choice", bound=StrEnum)


class Purpose(StrEnum):
    """What an operator fetches pages for, as far as it says."""

    TRAINING = "training"
    SEARCH = "search"
    USER = "user"
    AGENT = "agent"
    DATA = "data"
    ARCHIVE = "archive"
    OTHER = "other"


class DateBasis(StrEnum):
    """What the date of first listing rests on; UNKNOWN goes with no date."""

    ANNOUNCEMENT = "announcement"
    LISTING = "listing"
    UPPER_BOUND = "upper_bound"
    UNKNOWN = ""


class Honours(StrEnum):
    """Whether the operator says that robots.txt is obeyed."""

    YES = "yes"
    NO = "no"
    MAY_IGNORE = "may_ignore"
    UNDOCUMENTED = "undocumented"


class RegistryError(ValueError):
    """A registry that cannot be used; the message names file, line, column and the fix."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One product token. `first_listed` is YYYY or YYYY-MM-DD as given, None when no date is known.

    A `control_token` stands in robots.txt only and sends no request of its own. `source` may be empty.
    """

    agent: str
    operator: str
    purpose: Purpose
    control_token: bool
    first_listed: str | None
    date_basis: DateBasis
    honours_robots: Honours
    source: str


@dataclass(frozen=True, slots=True)
class Registry:
    """Agents in the order of their file, and a digest of their content that no reordering changes."""

    agents: tuple[Agent, ...]
    digest: str
    _spellings: Mapping[str, str] = field(repr=False, compare=False)

    def lists(self, token: str) -> bool:
        """Tell whether `token` (any case) is in the registry."""
        return token.lower() in self._spellings

    def spelling(self, token: str) -> str:
        """Give the registry's spelling of `token` (any case), or the token in lower case when not listed."""
        lowered = token.lower()
        return self._spellings.get(lowered, lowered)


def make_registry(agents: Iterable[Agent]) -> Registry:
    """Put agents together; their tokens must differ by more than case (checked by `read_registry`)."""
    kept = tuple(agents)
    return Registry(kept, _digest(kept), {agent.agent.lower(): agent.agent for agent in kept})


def read_registry(path: Path | None = None) -> Registry:
    """Read a registry from a CSV file, the bundled one when no path is given.

    The header needs the columns of the bundled file in any order; the first may be called `agent` or `token`.
    Raises RegistryError when the file cannot be read or any row does not hold what its column promises.
    """
    source = BUNDLED if path is None else path
    try:
        text = source.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise RegistryError(f"{source}: cannot be read ({error.strerror}); name a CSV file") from error
    except UnicodeDecodeError as error:
        raise RegistryError(f"{source}: byte {error.start} is not UTF-8; save the file as UTF-8") from error
    return make_registry(_iter_agents(source, text))


def _iter_agents(source: Path | Traversable, text: str) -> Iterator[Agent]:
    rows = csv.DictReader(io.StringIO(text, newline=""), restkey="", strict=True)
    _check_header(source, rows)
    seen: dict[str, int] = {}
    # Two rows for one agent could disagree on its purpose or date, and counts by either would be ambiguous.
    try:
        for row in rows:
            cells = _Cells(source, rows.line_num, row)
            agent = _read_agent(cells)
            before = seen.setdefault(agent.agent.lower(), rows.line_num)
            if before != rows.line_num:
                raise cells.error("agent", f"repeats {agent.agent!r} of line {before}; keep one of them")
            yield agent
    except csv.Error as error:
        raise RegistryError(f"{source}, line {rows.line_num}: {error}; quote the cell as CSV asks") from error
    if not seen:
        raise RegistryError(f"{source}: no agent is listed; add at least one row")


def _check_header(source: Path | Traversable, rows: csv.DictReader[str]) -> None:
    header = ["agent" if name.strip() == "token" else name.strip() for name in rows.fieldnames or ()]
    # All columns are asked for: a registry without dates or purposes would look complete and answer nothing.
    missing = [name for name in Agent.__dataclass_fields__ if name not in header]
    if missing:
        raise RegistryError(
            f"{source}, line 1: column {missing[0]!r} is missing; the header must name "
            f"{', '.join(Agent.__dataclass_fields__)}"
        )
    rows.fieldnames = header


@dataclass(frozen=True, slots=True)
class _Cells:
    """One row of the file with the place it stands at, so that every complaint can name it."""

    source: Path | Traversable
    line: int
    row: Mapping[str, str | None]

    def error(self, column: str, complaint: str) -> RegistryError:
        return RegistryError(f"{self.source}, line {self.line}, column {column!r}: {complaint}")

    def text(self, column: str) -> str:
        return (self.row[column] or "").strip()

    def filled(self, column: str) -> str:
        if not self.text(column):
            raise self.error(column, "is empty; fill it in")
        return self.text(column)

    def choice(self, column: str, choices: type[Choice]) -> Choice:
        try:
            return choices(self.text(column))
        except ValueError:
            known = ", ".join(choice.value or "(empty)" for choice in choices)
            raise self.error(column, f"{self.text(column)!r} is unknown; use one of {known}") from None

    def boolean(self, column: str) -> bool:
        word = self.text(column).lower()
        if word not in ("true", "false"):
            raise self.error(column, f"{self.text(column)!r} is not a boolean; write true or false")
        return word == "true"

    def day(self, column: str) -> str | None:
        text = self.text(column)
        if text and not _is_date(text):
            raise self.error(column, f"{text!r} is not a date; write YYYY or YYYY-MM-DD, or leave it empty")
        return text or None


def _read_agent(cells: _Cells) -> Agent:
    if cells.row.get("") is not None:
        raise cells.error("source", "more cells than columns; put a text with commas into double quotes")
    first_listed = cells.day("first_listed")
    date_basis = cells.choice("date_basis", DateBasis)
    if (first_listed is None) != (date_basis is DateBasis.UNKNOWN):
        raise cells.error("date_basis", "a date and its basis go together; give both or neither")
    return Agent(
        agent=cells.filled("agent"),
        operator=cells.filled("operator"),
        purpose=cells.choice("purpose", Purpose),
        control_token=cells.boolean("control_token"),
        first_listed=first_listed,
        date_basis=date_basis,
        honours_robots=cells.choice("honours_robots", Honours),
        source=cells.text("source"),
    )


def _is_date(text: str) -> bool:
    if re.fullmatch(r"[0-9]{4}", text):
        return True
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _digest(agents: Iterable[Agent]) -> str:
    # Sorted, and made of what was read, not of the file: moving a row or saving it with other line ends is no
    # new registry, and nothing that was classified under it has to be done again.
    rows = sorted("\t".join("" if cell is None else str(cell) for cell in astuple(agent)) for agent in agents)
    return sha256("\n".join(rows).encode("utf-8", "surrogatepass")).hexdigest()[:DIGEST_LENGTH]
