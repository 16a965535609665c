"""`datapackage.json`: the Frictionless account of every file of the dataset."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from analysis.dataset import Reference
from analysis.dataset_columns import KINDS, Column, find_kind
from analysis.dataset_docs import DICTIONARY
from analysis.dataset_files import File, Published
from analysis.release import Release

Json: TypeAlias = "str | int | bool | Sequence[Json] | Mapping[str, Json]"

CSV_DIALECT: dict[str, Json] = {
    "delimiter": ",",
    "quoteChar": '"',
    "doubleQuote": True,
    "lineTerminator": "\n",
    "header": True,
}
MEDIA_TYPES = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "sql": "application/sql",
    "json": "application/json",
}
DESCRIPTION = "What each host's robots.txt declares to each agent, over Common Crawl's snapshots."


def render_package(published: Sequence[Published], release: Release, dictionary: File, account: File) -> str:
    """`datapackage.json` (Frictionless Data Package, version 1) over every file that holds or makes rows.

    The CSVs and the dictionary are tables with a schema; Parquet, scripts and `account`, which is
    `release.json`, are files.
    """
    keys = {one.dataset.name: one.dataset.key for one in published}
    edition = release.edition
    package: Json = {
        "profile": "data-package",
        "name": edition.name,
        "title": edition.title,
        "version": release.version,
        "description": DESCRIPTION,
        "licenses": [{"name": edition.license, "path": edition.license_url}],
        "sources": [{"title": "Common Crawl", "path": "https://commoncrawl.org/"}],
        "resources": [
            *(_resource(one, keys) for one in published),
            _dictionary_resource(dictionary),
            *(_parquet(one) for one in published),
            *(_script(one) for one in published),
            _file("release", "What the release was made from, and by which rules.", account),
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
    table = _table(one.dataset.name, f"One row per {one.dataset.one_row_per}.", one.csv, schema)
    sources = [{"title": f"made by this query from {', '.join(one.reads)}", "path": one.script.path}]
    return {**table, "sources": sources, "reads": one.reads}


def _dictionary_resource(file: File) -> Json:
    kinds = ((column, find_kind(column.duckdb_type) or KINDS[0]) for column in DICTIONARY)
    fields = [_field(Column(column.name, kind, column.description, ())) for column, kind in kinds]
    schema: Json = {"fields": fields, "primaryKey": ["dataset", "column"], "missingValues": [""]}
    return _table("dictionary", "One row per column of every other table.", file, schema)


def _parquet(one: Published) -> Json:
    name = one.dataset.name
    return _file(f"{name}-parquet", f"The rows of {one.csv.path}, typed.", one.parquet)


def _script(one: Published) -> Json:
    name = one.dataset.name
    return _file(f"{name}-sql", f"The query that makes {name}.", one.script)


def _table(name: str, description: str, file: File, schema: Json) -> dict[str, Json]:
    return {
        **_file(name, description, file),
        "profile": "tabular-data-resource",
        "type": "table",
        "encoding": "utf-8",
        "dialect": CSV_DIALECT,
        "schema": schema,
    }


def _file(name: str, description: str, file: File) -> dict[str, Json]:
    suffix = file.path.rpartition(".")[2]
    return {
        "profile": "data-resource",
        "type": "file",
        "name": name,
        "description": description,
        "path": file.path,
        "format": suffix,
        "mediatype": MEDIA_TYPES[suffix],
        "bytes": file.n_bytes,
        "hash": f"sha256:{file.sha256}",
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
