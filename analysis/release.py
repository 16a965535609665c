"""`release.json`: the account of a release for machines: from what it was made, and by which rules.

It holds what `crawlcensus diff` needs to say why a number of one release is another in the next, and
nothing that a clock or a folder decides.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from analysis.criteria import read_criteria
from analysis.dataset_files import Published
from consent.markers import MARKERS_VERSION

FORMAT = "1"
UNDATED = "0.0.0"
READING_STAGES = ("discover", "capture", "declare", "probe")


@dataclass(frozen=True, slots=True)
class Edition:
    """What whoever publishes says of the release.

    `license` is an SPDX identifier or the address of a text. The versions, of the program and of the schema
    of its stored tables, are empty where they are not told.
    """

    name: str = "crawlcensus"
    title: str = "What robots.txt declares"
    license: str = "CC-BY-4.0"
    code_version: str = ""
    schema_version: str = ""

    @property
    def license_url(self) -> str:
        """Address of the licence's text."""
        if "://" in self.license:
            return self.license
        return f"https://spdx.org/licenses/{self.license}.html"


PLAIN = Edition()


@dataclass(frozen=True, slots=True)
class SnapshotInput:
    """What was used of a snapshot: its days (YYYY-MM-DD, None when not known) and the answers of the hosts.

    `digest` is over the record, the status and the body of every answer: the XOR of their MD5, read as
    little-endian numbers, in 32 hex digits. No order of the rows changes it. All zeros without an answer.
    """

    snapshot: str
    starts_on: str | None
    ends_on: str | None
    n_answers: int
    digest: str


@dataclass(frozen=True, slots=True)
class StageVersions:
    """The program and its libraries (name, version) that a stage ran with; one for each such set."""

    stage: str
    code_version: str
    libraries: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Release:
    """All that `release.json` says, in the order in which it says it."""

    edition: Edition
    version: str
    snapshots: tuple[SnapshotInput, ...]
    dialects: tuple[tuple[str, str], ...]
    registry_digests: tuple[str, ...]
    criteria_version: str
    markers_version: str
    stages: tuple[StageVersions, ...]
    tables: tuple[Published, ...]


def read_release(con: duckdb.DuckDBPyConnection, edition: Edition, published: Sequence[Published]) -> Release:
    """The account of what the connection's database holds and of the tables that were written from it."""
    snapshots = tuple(SnapshotInput(*row) for row in con.execute(_SNAPSHOTS).fetchall())
    dialects = con.execute("SELECT dialect, dialect_version FROM dialects ORDER BY dialect").fetchall()
    registries = con.execute("SELECT DISTINCT registry_digest FROM readings ORDER BY 1").fetchall()
    return Release(
        edition,
        _version(snapshots, published),
        snapshots,
        tuple((str(name), str(version)) for name, version in dialects),
        tuple(str(digest) for (digest,) in registries),
        str(read_criteria().version),
        MARKERS_VERSION,
        _read_stages(con),
        tuple(published),
    )


_SNAPSHOTS = """
SELECT snapshot, CAST(starts_at AS DATE)::VARCHAR, CAST(ends_at AS DATE)::VARCHAR, count(answers.host),
    lower(lpad(to_hex(coalesce(bit_xor(md5_number(concat_ws(
        chr(10), answers.host, start_url, end_reason, end_status::VARCHAR, coalesce(content_digest, ''),
        warc_filename, warc_record_offset::VARCHAR
    ))) FILTER (answers.host IS NOT NULL), 0)), 32, '0'))
FROM snapshots LEFT JOIN answers USING (snapshot)
GROUP BY ALL ORDER BY snapshot
"""


def _read_stages(con: duckdb.DuckDBPyConnection) -> tuple[StageVersions, ...]:
    """The versions under which the facts were gathered; the later stages are those of the edition."""
    stages = ", ".join(f"'{stage}'" for stage in READING_STAGES)
    rows = con.execute(
        "SELECT DISTINCT stage, code_version, library_versions FROM runs"
        f" WHERE stage IN ({stages}) ORDER BY ALL"
    ).fetchall()
    return tuple(
        StageVersions(str(stage), str(code), tuple(sorted(json.loads(libraries).items())))
        for stage, code, libraries in rows
    )


def _version(snapshots: Sequence[SnapshotInput], published: Sequence[Published]) -> str:
    """Year and week of the last snapshot as a semantic version; its build says which rows these are."""
    content = "".join(f"{one.csv.path} {one.csv.sha256}\n" for one in published)
    build = hashlib.sha256(content.encode()).hexdigest()[:12]
    week = re.search(r"(\d{4})-(\d{2})$", snapshots[-1].snapshot) if snapshots else None
    return f"{week[1]}.{int(week[2])}.0+{build}" if week else f"{UNDATED}+{build}"


def render_release(release: Release) -> str:
    """`release.json`, its keys in the order of Release."""
    edition = release.edition
    account = {
        "format": FORMAT,
        "name": edition.name,
        "title": edition.title,
        "version": release.version,
        "license": edition.license,
        "code_version": edition.code_version,
        "schema_version": edition.schema_version,
        "snapshots": [_snapshot(one) for one in release.snapshots],
        "dialects": dict(release.dialects),
        "registry_digests": release.registry_digests,
        "criteria_version": release.criteria_version,
        "markers_version": release.markers_version,
        "stages": [
            {"stage": s.stage, "code_version": s.code_version, "libraries": dict(s.libraries)}
            for s in release.stages
        ],
        "tables": {one.dataset.name: _table(one) for one in release.tables},
    }
    return json.dumps(account, indent=1, ensure_ascii=False) + "\n"


def _snapshot(one: SnapshotInput) -> dict[str, object]:
    return {
        "snapshot": one.snapshot,
        "starts_on": one.starts_on,
        "ends_on": one.ends_on,
        "n_answers": one.n_answers,
        "answers_digest": one.digest,
    }


def _table(one: Published) -> dict[str, object]:
    return {
        "rows": one.n_rows,
        "key": one.dataset.key,
        "reads": one.reads,
        "csv_sha256": one.csv.sha256,
        "parquet_sha256": one.parquet.sha256,
        "sql_sha256": one.script.sha256,
    }
