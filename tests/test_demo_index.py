"""The bundled archive's columnar index: laid out as Common Crawl's, and true to the records it points at."""

import gzip
import re
import subprocess
import sys
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from snapshots.archive import FolderArchive
from snapshots.footers import list_index_parts
from snapshots.quads import index_keys

ROOT = Path(__file__).parents[1]
ARCHIVE = ROOT / "pipeline" / "demo" / "archive"
IDS = sorted(path.name for path in (ARCHIVE / "crawl-data").iterdir())
PART = re.compile(
    r"cc-index/table/cc-main/warc/crawl=(CC-MAIN-\d{4}-\d{2})/subset=(\w+)/part-\d{5}-[0-9a-f-]{36}\.c000\.gz\.parquet"
)
WITH_PAGES = ("CC-MAIN-2020-24", "CC-MAIN-2026-08")
DAMAGED = {
    ("CC-MAIN-2018-34", "http://lost-header.example/robots.txt"),
    ("CC-MAIN-2020-24", "http://lost-tail.example/robots.txt"),
    ("CC-MAIN-2023-40", "http://lost-middle.example/robots.txt"),
}


def list_parts(snapshot: str) -> tuple[str, ...]:
    return list_index_parts(FolderArchive(ARCHIVE), snapshot)


def read_index(snapshot: str, archive: Path = ARCHIVE) -> pa.Table:
    return pa.concat_tables([pq.read_table(archive / path) for path in list_parts(snapshot)])


def rows_of(snapshot: str) -> list[dict[str, Any]]:
    return list(read_index(snapshot).to_pylist())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    subprocess.run([sys.executable, ROOT / "tests/build_demo.py", folder], check=True)
    return folder / "archive"


@pytest.mark.parametrize("snapshot", IDS)
def test_the_builder_writes_the_bundled_rows(built: Path, snapshot: str) -> None:
    assert read_index(snapshot, built).equals(read_index(snapshot))


@pytest.mark.parametrize("snapshot", IDS)
def test_the_list_names_the_parts_among_those_of_other_subsets(snapshot: str) -> None:
    packed = (ARCHIVE / f"crawl-data/{snapshot}/cc-index-table.paths.gz").read_bytes()
    found = [PART.fullmatch(line) for line in gzip.decompress(packed).decode().splitlines()]
    assert all(match and match[1] == snapshot for match in found)
    assert [match[2] for match in found if match] == ["crawldiagnostics"] * 2 + ["robotstxt"] * 2 + [
        "warc"
    ] * 2
    pages = list_index_parts(FolderArchive(ARCHIVE), snapshot, "warc") if snapshot in WITH_PAGES else ()
    assert {*list_parts(snapshot), *pages} == {
        path.relative_to(ARCHIVE).as_posix()
        for path in (ARCHIVE / "cc-index").rglob(f"*={snapshot}/*/*.parquet")
    }


def test_columns_came_in_over_time() -> None:
    names = {snapshot: set(read_index(snapshot).column_names) for snapshot in IDS}
    new = {snapshot: sorted(names[snapshot] - names[before]) for before, snapshot in pairwise(IDS)}
    assert new == {
        "CC-MAIN-2018-34": ["content_mime_detected"],
        "CC-MAIN-2020-24": ["content_charset", "content_languages", "content_truncated", "fetch_redirect"],
        "CC-MAIN-2023-40": [],
        "CC-MAIN-2024-10": [],
        "CC-MAIN-2026-08": [],
    }
    assert len(names["CC-MAIN-2026-08"]) == 30


@pytest.mark.parametrize("snapshot", IDS)
def test_keys_are_sorted_and_bounded_in_every_row_group(snapshot: str) -> None:
    keys = read_index(snapshot)["url_surtkey"].to_pylist()
    assert keys == sorted(keys)
    groups = [
        metadata.row_group(i).column(0).statistics
        for path in list_parts(snapshot)
        for metadata in [pq.read_metadata(ARCHIVE / path)]
        for i in range(metadata.num_row_groups)
    ]
    assert all(group.has_min_max for group in groups)
    assert len(groups) > 2 or snapshot == "CC-MAIN-2016-44"


@pytest.mark.parametrize("snapshot", IDS)
def test_a_key_is_one_of_those_under_which_its_url_is_looked_for(snapshot: str) -> None:
    odd = [row["url"] for row in rows_of(snapshot) if row["url_surtkey"] not in index_keys(row["url"])]
    assert [url for url in odd if "slashes.example" not in url] == []


@pytest.mark.parametrize("snapshot", IDS)
def test_every_row_points_at_its_record(snapshot: str) -> None:
    lost = set()
    for row in rows_of(snapshot):
        data = (ARCHIVE / row["warc_filename"]).read_bytes()
        start, length = row["warc_record_offset"], row["warc_record_length"]
        try:
            record = gzip.decompress(data[start : start + length])
        except (EOFError, zlib.error, gzip.BadGzipFile):
            record = b""
        target = f"\r\nWARC-Target-URI: {row['url']}\r\n".encode()
        if not record.startswith(b"WARC/1.0\r\n") or target not in record:
            lost.add((snapshot, row["url"]))
    assert lost == {place for place in DAMAGED if place[0] == snapshot}


def test_a_row_states_the_digest_of_its_record() -> None:
    for row in rows_of("CC-MAIN-2024-10"):
        start = row["warc_record_offset"]
        data = (ARCHIVE / row["warc_filename"]).read_bytes()[start : start + row["warc_record_length"]]
        assert f"WARC-Payload-Digest: sha1:{row['content_digest']}\r\n".encode() in gzip.decompress(data)
