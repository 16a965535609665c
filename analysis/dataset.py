"""What is published: one entry per CSV file, with its rows, its key and what must hold of it."""

from dataclasses import dataclass
from enum import StrEnum


class DatasetError(ValueError):
    """A dataset that must not be published; names the dataset, the check and the first offending rows."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Columns of a dataset whose values, where there are any, must occur in another dataset."""

    columns: tuple[str, ...]
    dataset: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A condition as a query: it returns the rows that break it, so an empty answer is a pass.

    `{rows}` in the query stands for the rows of the dataset.
    """

    name: str
    query: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """One published table.

    `sources` are the relations whose column comments describe the columns, the first that has the column
    counts; `query` gives the rows and is empty when they are all rows of the first source. `added` is
    appended to the description of a column that the query changes. `key` is unique, never NULL, and the
    order of the rows. `note` is what a reader has to know of the rows as a whole; empty when nothing.
    """

    name: str
    one_row_per: str
    sources: tuple[str, ...]
    key: tuple[str, ...]
    query: str = ""
    vocabularies: tuple[tuple[str, type[StrEnum]], ...] = ()
    references: tuple[Reference, ...] = ()
    checks: tuple[Check, ...] = ()
    added: tuple[tuple[str, str], ...] = ()
    note: str = ""

    @property
    def rows_query(self) -> str:
        """The SELECT that gives the rows, in no order."""
        return self.query or f"SELECT * FROM {self.sources[0]}"

    def addition_to(self, column: str) -> str:
        """What is appended to the comment of the column; empty for most."""
        return next((text for name, text in self.added if name == column), "")

    def vocabulary_of(self, column: str) -> tuple[str, ...]:
        """The values that the column may hold; empty when they are not limited."""
        return next((tuple(enum) for name, enum in self.vocabularies if name == column), ())
