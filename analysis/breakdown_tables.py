"""What breakdowns know of top-level domains and of the systems that write robots.txt files."""

import csv
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import duckdb

from analysis.made_tables import MadeColumn, MadeTable, fill_table
from consent.bodies import AUTHORS


class Basis(StrEnum):
    """What the language of a top-level domain rests on; the file says what each means."""

    MAJORITY = "majority"
    MULTILINGUAL = "multilingual"
    LABEL = "label"
    GENERIC_USE = "generic_use"
    SPONSORED = "sponsored"
    COMMUNITY = "community"
    UNION = "union"
    NO_POPULATION = "no_population"


class TldLanguage(NamedTuple):
    """One line of `tld_languages.csv`; None where the cell is empty."""

    tld: str
    country: str | None
    language: str
    population_percent: float | None
    basis: Basis


TLD_LANGUAGES = MadeTable(
    "tld_languages",
    "top-level domain that is not generic by nature",
    (
        MadeColumn("tld", "VARCHAR", "Top-level domain; internationalised ones in punycode"),
        MadeColumn(
            "country", "VARCHAR", "ISO 3166-1 code of its country or territory; empty where it is none"
        ),
        MadeColumn(
            "language",
            "VARCHAR",
            "English name of the language it stands for, or (multilingual), (generic) or (unknown)",
        ),
        MadeColumn(
            "population_percent",
            "DOUBLE",
            "Users of the most used official language in percent of the population (Unicode CLDR);"
            " empty where the language does not rest on it",
        ),
        MadeColumn(
            "basis",
            "VARCHAR",
            "What the language rests on: majority, multilingual, label, generic_use, sponsored, community,"
            " union or no_population; docs/breakdowns.md says what each means",
        ),
    ),
)

BODY_AUTHORS = MadeTable(
    "body_authors",
    "system that signs the robots.txt files it writes",
    (
        MadeColumn("author", "VARCHAR", "The system, as in bodies.managed_by"),
        MadeColumn("management", "VARCHAR", "Where it stands: edge, site_builder or cms"),
    ),
)


def register_properties(con: duckdb.DuckDBPyConnection) -> None:
    """Fill `tld_languages` and `body_authors` from what is bundled."""
    fill_table(con, TLD_LANGUAGES, read_tld_languages())
    fill_table(con, BODY_AUTHORS, [(author.name, str(author.management)) for author in AUTHORS])


@cache
def read_tld_languages() -> tuple[TldLanguage, ...]:
    """Every line of the bundled table, by top-level domain.

    >>> next(line for line in read_tld_languages() if line.tld == "ch").language
    'German'
    """
    text = files("analysis").joinpath("tld_languages.csv").read_text(encoding="utf-8")
    return tuple(_iter_lines(text))


def _iter_lines(text: str) -> Iterator[TldLanguage]:
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    for row in csv.DictReader(lines):
        percent = row["population_percent"]
        yield TldLanguage(
            row["tld"],
            row["country"] or None,
            row["language"],
            float(percent) if percent else None,
            Basis(row["basis"]),
        )
