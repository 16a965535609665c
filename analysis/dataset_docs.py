"""What travels beside the tables: the dictionary as CSV and as text, checksums."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from analysis.dataset_files import Published
from analysis.release import Release

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True)
class DictionaryColumn:
    """One column of `dictionary.csv` itself."""

    name: str
    duckdb_type: str
    description: str


DICTIONARY = (
    DictionaryColumn("dataset", "VARCHAR", "Name of the CSV, without .csv"),
    DictionaryColumn("position", "INTEGER", "Place of the column in the CSV, from 1"),
    DictionaryColumn("column", "VARCHAR", "Name of the column"),
    DictionaryColumn("type", "VARCHAR", "Frictionless type of its values"),
    DictionaryColumn("is_key", "BOOLEAN", "Whether it is part of the key, by which the rows are sorted"),
    DictionaryColumn("allowed", "VARCHAR", "The values it may hold, separated by |; empty when not limited"),
    DictionaryColumn("description", "VARCHAR", "What it holds, and what when there is nothing"),
)


def render_dictionary(published: Sequence[Published]) -> str:
    """`dictionary.csv`: a row per column of every dataset; the header alone when there is no dataset."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column.name for column in DICTIONARY)
    for one in published:
        for position, column in enumerate(one.columns, 1):
            is_key = "true" if column.name in one.dataset.key else "false"
            row = (one.dataset.name, position, column.name, column.kind.name, is_key)
            writer.writerow((*row, "|".join(column.allowed), column.description))
    return out.getvalue()


def render_readme(published: Sequence[Published], release: Release) -> str:
    """`README.md`: the conventions, every table with its rows and key, every column with its description."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template("dataset.md.j2").render(published=published, release=release)


def render_checksums(hashes: Mapping[str, str]) -> str:
    """`checksums.txt` in the format of `sha256sum -c`, sorted by file name."""
    return "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
