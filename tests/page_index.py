"""Writes the subset `warc` of a columnar index: the pages that a release holds, sorted by key, cut small.

Tests load it with `conftest.pages`. Nothing here uses the project's own code.
"""

import base64
import gzip
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA = pa.schema(
    [
        ("url_surtkey", pa.string()),
        ("url", pa.string()),
        ("url_host_name", pa.string()),
        ("url_protocol", pa.string()),
        ("url_port", pa.int32()),
        ("url_path", pa.string()),
        ("url_query", pa.string()),
        ("fetch_time", pa.timestamp("ms", "UTC")),
        ("fetch_status", pa.int16()),
        ("content_digest", pa.string()),
        ("content_mime_type", pa.string()),
        ("warc_filename", pa.string()),
        ("warc_record_offset", pa.int32()),
        ("warc_record_length", pa.int32()),
    ]
)


@dataclass(frozen=True)
class Page:
    """One page that was fetched."""

    url: str
    status: int = 200


def surtkey(url: str) -> str:
    """The index's key of a URL: labels from last to first without www., a port of its own, in lower case."""
    parts = urlsplit(url.lower())
    default = {"http": 80, "https": 443}[parts.scheme]
    port = f":{parts.port}" if parts.port and parts.port != default else ""
    query = f"?{parts.query}" if parts.query else ""
    name = (parts.hostname or "").removeprefix("www.")
    return f"{','.join(reversed(name.split('.')))}{port}){parts.path or '/'}{query}"


def write_pages(
    root: Path,
    snapshot: str,
    pages: Iterable[Page | str],
    n_parts: int = 4,
    rows_per_group: int = 5,
    **options: object,
) -> list[str]:
    """Write the parts below `root` and put them on the release's list, in place of those that were on it."""
    rows = [_row(page if isinstance(page, Page) else Page(page), i) for i, page in enumerate(pages)]
    rows.sort(key=lambda row: str(row["url_surtkey"]).encode())
    size = -(-len(rows) // n_parts) or 1
    paths = []
    for number in range(n_parts):
        path = (
            f"cc-index/table/cc-main/warc/crawl={snapshot}/subset=warc/part-{number:05d}-0ad0.c000.gz.parquet"
        )
        table = pa.Table.from_pylist(rows[number * size : (number + 1) * size], SCHEMA)
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, root / path, compression="gzip", row_group_size=rows_per_group, **options)
        paths.append(path)
    _list(root, snapshot, paths)
    return paths


def _list(root: Path, snapshot: str, paths: Sequence[str]) -> None:
    listing = root / f"crawl-data/{snapshot}/cc-index-table.paths.gz"
    lines = gzip.decompress(listing.read_bytes()).decode().splitlines() if listing.is_file() else []
    kept = [line for line in lines if "/subset=warc/" not in line]
    listing.parent.mkdir(parents=True, exist_ok=True)
    listing.write_bytes(gzip.compress("".join(f"{line}\n" for line in [*kept, *paths]).encode(), mtime=0))


def _row(page: Page, number: int) -> dict[str, object]:
    parts = urlsplit(page.url)
    digest = base64.b32encode(hashlib.sha1(page.url.encode()).digest()).decode()
    return {
        "url_surtkey": surtkey(page.url),
        "url": page.url,
        "url_host_name": parts.hostname,
        "url_protocol": parts.scheme,
        "url_port": parts.port,
        "url_path": parts.path,
        "url_query": parts.query or None,
        "fetch_time": datetime(2024, 2, 21) + timedelta(seconds=number),
        "fetch_status": page.status,
        "content_digest": digest,
        "content_mime_type": "text/html",
        "warc_filename": f"crawl-data/x/warc/{number % 7}.warc.gz",
        "warc_record_offset": 1000 * number,
        "warc_record_length": 900,
    }
