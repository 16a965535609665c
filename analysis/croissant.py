"""`croissant.json`: the dataset for tools of machine learning (MLCommons Croissant 1.0 with its RAI terms).

The record sets are read from the Parquet files, since a CSV does not tell empty from missing.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from analysis.dataset import Dataset
from analysis.dataset_columns import Column
from analysis.dataset_files import File, Published
from analysis.dataset_package import DESCRIPTION
from analysis.release import Release

TEXTS = Path(__file__).parent / "templates" / "croissant.json"
VERSIONS = ("http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0")
FORMATS = {
    "csv": "text/csv",
    "parquet": "application/x-parquet",
    "sql": "application/sql",
    "json": "application/json",
}
TYPES = {
    "string": "sc:Text",
    "integer": "sc:Integer",
    "number": "sc:Float",
    "boolean": "sc:Boolean",
    "date": "sc:Date",
    "datetime": "sc:DateTime",
}

Node = dict[str, Any]


def render_croissant(release: Release, companions: Sequence[File]) -> str:
    """`croissant.json` over the tables of a release and other files beside them.

    Date of publication is the end of the last snapshot; it is left out when there is none.
    """
    texts = json.loads(TEXTS.read_text(encoding="utf-8"))
    edition, ends = release.edition, [one.ends_on for one in release.snapshots if one.ends_on]
    starts = [one.starts_on for one in release.snapshots if one.starts_on]
    files = [file for one in release.tables for file in (one.csv, one.parquet, one.script)]
    document: Node = {
        "@context": texts["context"],
        "@type": "sc:Dataset",
        "conformsTo": VERSIONS,
        "name": edition.name,
        "alternateName": edition.title,
        "description": f"{edition.title}. {DESCRIPTION}",
        "license": edition.license_url,
        "creator": {"@type": "sc:Organization", "name": f"The makers of the study {edition.name}"},
        "keywords": texts["keywords"],
        "isLiveDataset": False,
        "version": release.version,
        **({"datePublished": max(ends)} if ends else {}),
        "citeAs": _citation(release),
        **texts["rai"],
        **({"rai:dataCollectionTimeFrame": [min(starts), max(ends)]} if starts and ends else {}),
        "distribution": [_file_object(file) for file in (*files, *companions)],
        "recordSet": _record_sets(release.tables),
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _citation(release: Release) -> str:
    """A BibTeX entry; without a year when no snapshot is dated."""
    edition = release.edition
    names = [one.snapshot for one in release.snapshots]
    made = f"Made by crawlcensus {edition.code_version}".strip()
    of = f" from Common Crawl's snapshots {names[0]} to {names[-1]}" if names else ""
    years = [one.ends_on[:4] for one in release.snapshots if one.ends_on]
    year = f", year = {{{max(years)}}}" if years else ""
    title = f"title = {{{edition.title}}}, version = {{{release.version}}}"
    return f"@misc{{{edition.name}, {title}{year}, note = {{{made}{of}}}}}"


def _file_object(file: File) -> Node:
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path,
        "contentUrl": file.path,
        "contentSize": f"{file.n_bytes} B",
        "encodingFormat": FORMATS[file.path.rpartition(".")[2]],
        "sha256": file.sha256,
    }


def _record_sets(tables: Sequence[Published]) -> list[Node]:
    # Readers join by a reference, and fail where there is nothing to join with.
    keys = {one.dataset.name: one.dataset.key for one in tables if one.n_rows}
    return [_record_set(one, keys) for one in tables]


def _record_set(one: Published, keys: Mapping[str, tuple[str, ...]]) -> Node:
    dataset = one.dataset
    note = f" {' '.join(dataset.note.split())}" if dataset.note else ""
    return {
        "@type": "cr:RecordSet",
        "@id": dataset.name,
        "name": dataset.name,
        "description": f"One row per {dataset.one_row_per}.{note}",
        "key": [{"@id": f"{dataset.name}/{column}"} for column in dataset.key],
        "field": [_field(one, column, keys) for column in one.columns],
    }


def _field(one: Published, column: Column, keys: Mapping[str, tuple[str, ...]]) -> Node:
    allowed = f" One of {', '.join(column.allowed)}." if column.allowed else ""
    field: Node = {
        "@type": "cr:Field",
        "@id": f"{one.dataset.name}/{column.name}",
        "name": column.name,
        "description": f"{column.description}.{allowed}",
        "dataType": TYPES[column.kind.name],
        "source": {"fileObject": {"@id": one.parquet.path}, "extract": {"column": column.name}},
    }
    target = _target(one.dataset, column.name, keys)
    return {**field, "references": {"field": {"@id": target}}} if target else field


def _target(dataset: Dataset, column: str, keys: Mapping[str, tuple[str, ...]]) -> str:
    """The field that a column refers to: a key of its own elsewhere. Empty when there is none.

    A reference to a part of a key would make readers, which join by it, repeat rows.
    """
    for reference in dataset.references:
        if reference.columns == (column,) and keys.get(reference.dataset) == reference.targets:
            return f"{reference.dataset}/{reference.targets[0]}"
    return ""
