"""What travels beside the CSVs: the Frictionless package, the dictionary as CSV and as text, checksums."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import jinja2

from analysis.dataset import Dataset, Reference
from analysis.dataset_columns import KINDS, Column, find_kind

TEMPLATES = Path(__file__).parent / "templates"

CSV_DIALECT: "dict[str, Json]" = {
    "delimiter": ",",
    "quoteChar": '"',
    "doubleQuote": True,
    "lineTerminator": "\n",
    "header": True,
}

Json: TypeAlias = "str | int | bool | Sequence[Json] | Mapping[str, Json]"


@dataclass(frozen=True, slots=True)
class Published:
    """One CSV that was written: its dataset and columns, rows, bytes and SHA-256 (64 hex characters)."""

    dataset: Dataset
    columns: tuple[Column, ...]
    n_rows: int
    n_bytes: int
    sha256: str
    n_checks: int

    @property
    def filename(self) -> str:
        """The name of the CSV in the folder."""
        return f"{self.dataset.name}.csv"


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


def render_readme(published: Sequence[Published], title: str) -> str:
    """`README.md`: the conventions, every CSV with its rows and key, every column with its description."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template("dataset.md.j2").render(published=published, title=title)


def render_checksums(hashes: Mapping[str, str]) -> str:
    """`checksums.txt` in the format of `sha256sum -c`, sorted by file name."""
    return "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))


def render_package(
    published: Sequence[Published], name: str, title: str, dictionary_sha256: str, dictionary_bytes: int
) -> str:
    """`datapackage.json` (Frictionless Data Package, version 1) over the CSVs and their dictionary."""
    keys = {one.dataset.name: one.dataset.key for one in published}
    package: Json = {
        "profile": "tabular-data-package",
        "name": name,
        "title": title,
        "description": "What each host's robots.txt declares to each agent, over Common Crawl's snapshots.",
        "sources": [{"title": "Common Crawl", "path": "https://commoncrawl.org/"}],
        "resources": [
            *(_resource(one, keys) for one in published),
            _dictionary_resource(dictionary_sha256, dictionary_bytes),
        ],
    }
    return json.dumps(package, indent=2, ensure_ascii=False) + "\n"


def _resource(one: Published, keys: Mapping[str, tuple[str, ...]]) -> Json:
    schema: dict[str, Json] = {
        "fields": [_field(column) for column in one.columns],
        "primaryKey": list(one.dataset.key),
        "missingValues": [""],
    }
    # Only a reference to a whole key is a foreign key; the others are checked, but not declared.
    references = one.dataset.references
    foreign = [_foreign_key(r) for r in references if set(r.targets) == set(keys.get(r.dataset, ()))]
    if foreign:
        schema["foreignKeys"] = foreign
    return _file(one.dataset.name, f"One row per {one.dataset.one_row_per}.", one.n_bytes, one.sha256, schema)


def _dictionary_resource(sha256: str, n_bytes: int) -> Json:
    kinds = ((column, find_kind(column.duckdb_type) or KINDS[0]) for column in DICTIONARY)
    fields = [_field(Column(column.name, kind, column.description, ())) for column, kind in kinds]
    schema: Json = {"fields": fields, "primaryKey": ["dataset", "column"], "missingValues": [""]}
    return _file("dictionary", "One row per column of every other table.", n_bytes, sha256, schema)


def _file(name: str, description: str, n_bytes: int, sha256: str, schema: Json) -> Json:
    return {
        "profile": "tabular-data-resource",
        "name": name,
        "description": description,
        "path": f"{name}.csv",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": CSV_DIALECT,
        "bytes": n_bytes,
        "hash": f"sha256:{sha256}",
        "schema": schema,
    }


def _field(column: Column) -> Json:
    field: dict[str, Json] = {
        "name": column.name,
        "type": column.kind.name,
        "format": column.kind.format,
        "description": column.description,
    }
    if column.allowed:
        field["constraints"] = {"enum": list(column.allowed)}
    return field


def _foreign_key(reference: Reference) -> Json:
    return {
        "fields": list(reference.columns),
        "reference": {"resource": reference.dataset, "fields": list(reference.targets)},
    }
