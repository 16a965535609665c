"""The demo's pages: the subset `warc` of its index for two snapshots, from demo_data/pages.toml.

Only build_demo.py imports this. The demo's archive has the rows and not the WARC files that they point at.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from demo_index import COLUMNS, N_PARTS, part_path, url_columns, write_part
from demo_warc import Snapshot, rank

ROWS_PER_GROUP = 60
_SPAN = re.compile(r"\{(\d+)-(\d+)\}")


def iter_urls(hosts: Sequence[dict[str, Any]], key: str) -> Iterator[str]:
    """The URLs that a snapshot holds, spans written out."""
    for row in hosts:
        for text in row.get(key, ()):
            url = text if text.startswith("http") else f"https://{row['host']}{text}"
            span = _SPAN.search(url)
            numbers = range(int(span[1]), int(span[2]) + 1) if span else [0]
            yield from (_SPAN.sub(str(number), url) for number in numbers)


def page_columns(snapshot: Snapshot, url: str) -> dict[str, object]:
    """A row of the index; no page has content here, so that digest and place are made up."""
    segment = snapshot.segments[int(2 * rank(url))]
    start = snapshot.starts[0]
    name = f"CC-MAIN-{start:%Y%m%d%H%M%S}-{start + timedelta(hours=3):%Y%m%d%H%M%S}-00000.warc.gz"
    return {
        **url_columns(url),
        "fetch_time": (start + timedelta(seconds=int(3600 * rank(url)))).replace(tzinfo=None),
        "fetch_status": 200,
        "content_digest": base64.b32encode(hashlib.sha1(url.encode()).digest()).decode(),
        "content_mime_type": "text/html",
        "content_mime_detected": "text/html",
        "content_charset": "UTF-8",
        "content_languages": "eng",
        "warc_filename": f"crawl-data/{snapshot.id}/segments/{segment}/warc/{name}",
        "warc_record_offset": int(1e6 * rank(url + "at")),
        "warc_record_length": 4000,
        "warc_segment": segment,
    }


def write_pages(root: Path, snapshot: Snapshot, hosts: Sequence[dict[str, Any]]) -> None:
    """Write the parts of a snapshot's subset; none when it holds no page. Their list names them already."""
    rows = [page_columns(snapshot, url) for url in iter_urls(hosts, snapshot.key)]
    rows.sort(key=lambda row: (str(row["url_surtkey"]).encode(), str(row["url"])))
    step = -(-len(rows) // N_PARTS)
    schema = pa.schema(list(COLUMNS.items()))
    for i in range(N_PARTS if rows else 0):
        path = root / part_path(snapshot, "warc", 2 * N_PARTS + i)
        path.parent.mkdir(parents=True, exist_ok=True)
        table = pa.Table.from_pylist(rows[i * step : (i + 1) * step], schema=schema)
        write_part(path, table, is_old=False, rows_per_group=ROWS_PER_GROUP)
