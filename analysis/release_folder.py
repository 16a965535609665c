"""A published release as a folder: which tables it holds, by which keys, and what it says of itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.dataset_columns import quote
from analysis.dataset_files import hash_file, literal

PACKAGE = "datapackage.json"
TYPES = {
    "string": "CAST({} AS VARCHAR)",
    "integer": "CAST({} AS BIGINT)",
    "number": "CAST({} AS DOUBLE)",
    "boolean": "CAST({} AS BOOLEAN)",
    "date": "CAST({} AS DATE)",
    "datetime": "CAST(CAST({} AS TIMESTAMPTZ) AS TIMESTAMP)",
}
AS_TEXT = (
    "all_varchar = true, header = true, nullstr = '', allow_quoted_nulls = false, quote = '\"', escape = '\"'"
)


class ReleaseError(ValueError):
    """A folder that is no release; the text names it and the fix."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a release: its file, its key, and the Frictionless type of each column.

    `reads` are the tables that it is made from, None in a release that does not say so; `script_sha256` is
    of the query that made it, empty when that is not told.
    """

    name: str
    path: Path
    key: tuple[str, ...]
    types: Mapping[str, str]
    reads: tuple[str, ...] | None
    script_sha256: str

    @property
    def relation(self) -> str:
        """SQL of its rows, typed alike whether they stand in Parquet or in a CSV."""
        place = literal(str(self.path))
        is_csv = self.path.suffix == ".csv"
        source = f"read_csv({place}, {AS_TEXT})" if is_csv else f"read_parquet({place})"
        cells = [f"{TYPES[kind].format(quote(name))} AS {quote(name)}" for name, kind in self.types.items()]
        return f"(SELECT {', '.join(cells)} FROM {source})"

    @property
    def sha256(self) -> str:
        """Of its file as it stands."""
        return hash_file(self.path)


@dataclass(frozen=True, slots=True)
class ReleaseFolder:
    """A release by its tables; `account` is its release.json, None when it has none."""

    path: Path
    name: str
    version: str
    tables: Mapping[str, Table]
    account: Mapping[str, Any] | None


def read_release_folder(path: Path) -> ReleaseFolder:
    """The release in a folder, or in `dataset` below it; ReleaseError when there is none or it is damaged."""
    folder = path if (path / PACKAGE).is_file() else path / "dataset"
    if not (folder / PACKAGE).is_file():
        raise ReleaseError(
            f"{path}: there is no {PACKAGE}. Name the folder of a dataset, or a study's output."
        )
    package = _read_json(folder / PACKAGE)
    account = _read_json(folder / "release.json") if (folder / "release.json").is_file() else None
    try:
        found = [one for one in package["resources"] if "schema" in one and one["name"] != "dictionary"]
        tables = [_read_table(folder, one, account) for one in found]
        return ReleaseFolder(
            folder,
            str(package.get("name", "")),
            str(package.get("version", "")),
            {table.name: table for table in tables},
            account,
        )
    except (KeyError, TypeError) as error:
        raise ReleaseError(f"{folder / PACKAGE}: not the description of a dataset ({error!r}).") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ReleaseError(f"{path}: not JSON ({error}). Publish the release again.") from error
    if not isinstance(found, dict):
        raise ReleaseError(f"{path}: not a JSON object. Publish the release again.")
    return found


def _read_table(folder: Path, resource: Mapping[str, Any], account: Mapping[str, Any] | None) -> Table:
    name, schema = str(resource["name"]), resource["schema"]
    parquet, csv = folder / f"{name}.parquet", folder / str(resource["path"])
    path = parquet if parquet.is_file() else csv
    if not path.is_file():
        raise ReleaseError(f"{path}: {PACKAGE} names this file, but it is not there. Bring it back.")
    types = {str(field["name"]): str(field["type"]) for field in schema["fields"]}
    told = (account or {}).get("tables", {}).get(name, {})
    reads = tuple(resource["reads"]) if "reads" in resource else None
    return Table(name, path, tuple(schema["primaryKey"]), types, reads, str(told.get("sql_sha256", "")))
