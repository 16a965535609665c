"""The columnar index of the demo's archive: Parquet parts as Common Crawl lays them out, and their list.

Only build_demo.py imports this. An index knows what the WARC files held when it was made, so the records
that the demo has damaged since are in it too, and so is a digest that the record states and its payload
has not. Columns that came in over time are missing before.
"""

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

import pyarrow as pa
import pyarrow.parquet as pq
from demo_warc import NAMES_WITH_END_TIME_SINCE, Place, Snapshot, compress

N_PARTS, ROWS_PER_GROUP = 2, 24
SINCE = {
    "content_mime_detected": "CC-MAIN-2018-34",
    "content_charset": "CC-MAIN-2018-39",
    "content_languages": "CC-MAIN-2018-39",
    "fetch_redirect": "CC-MAIN-2019-47",
    "content_truncated": "CC-MAIN-2019-47",
}
TEXT, NUMBER = pa.string(), pa.int32()
COLUMNS = {
    "url_surtkey": TEXT,
    "url": TEXT,
    "url_host_name": TEXT,
    "url_host_tld": TEXT,
    "url_host_2nd_last_part": TEXT,
    "url_host_3rd_last_part": TEXT,
    "url_host_4th_last_part": TEXT,
    "url_host_5th_last_part": TEXT,
    "url_host_registry_suffix": TEXT,
    "url_host_registered_domain": TEXT,
    "url_host_private_suffix": TEXT,
    "url_host_private_domain": TEXT,
    "url_host_name_reversed": TEXT,
    "url_protocol": TEXT,
    "url_port": NUMBER,
    "url_path": TEXT,
    "url_query": TEXT,
    "fetch_time": pa.timestamp("ms"),
    "fetch_status": pa.int16(),
    "fetch_redirect": TEXT,
    "content_digest": TEXT,
    "content_mime_type": TEXT,
    "content_mime_detected": TEXT,
    "content_charset": TEXT,
    "content_languages": TEXT,
    "content_truncated": TEXT,
    "warc_filename": TEXT,
    "warc_record_offset": NUMBER,
    "warc_record_length": NUMBER,
    "warc_segment": TEXT,
}


def surtkey(url: str) -> str:
    """How the index files a URL of the demo: host reversed, without www., default port or upper case."""
    parts = urlsplit(url)
    labels = re.sub(r"^www\d*\.", "", parts.hostname or "").split(".")
    query = f"?{parts.query}" if parts.query else ""
    return f"{','.join(reversed(labels))}){parts.path or '/'}{query}".lower()


def url_columns(url: str) -> dict[str, object]:
    """The columns that are parts of the URL; no public suffix is known of the demo's names."""
    parts = urlsplit(url)
    labels = (parts.hostname or "").split(".")[::-1]
    numbered = {
        f"url_host_{name}_last_part": labels[i : i + 1]
        for i, name in enumerate(("2nd", "3rd", "4th", "5th"), 1)
    }
    return {
        "url_surtkey": surtkey(url),
        "url": url,
        "url_host_name": parts.hostname,
        "url_host_tld": labels[0] or None,
        "url_host_name_reversed": ".".join(labels) or None,
        "url_protocol": parts.scheme,
        "url_port": parts.port,
        "url_path": parts.path,
        "url_query": parts.query or None,
        **{name: found[0] if found else None for name, found in numbered.items()},
    }


def record_columns(place: Place) -> dict[str, object]:
    """The columns that say what was fetched and where it stands."""
    exchange, answer = place.exchange, place.exchange.answer
    headers = dict(answer.headers)
    has_type = exchange.snapshot.id >= NAMES_WITH_END_TIME_SINCE
    stated = answer.body if exchange.digest != "wrong" else b"other"
    return {
        "fetch_time": exchange.time.replace(tzinfo=None),
        "fetch_status": answer.status,
        "fetch_redirect": headers.get("Location"),
        "content_digest": base64.b32encode(hashlib.sha1(stated).digest()).decode(),
        "content_mime_type": headers.get("Content-Type", "").partition(";")[0].strip() or None,
        "content_mime_detected": ("text/html" if b"<html" in answer.body.lower() else "text/plain")
        if has_type
        else None,
        "content_truncated": exchange.truncated or None,
        "warc_filename": place.path,
        "warc_record_offset": place.offset,
        "warc_record_length": place.length,
        "warc_segment": place.path.split("/")[3],
    }


def make_table(snapshot: Snapshot, places: Sequence[Place]) -> pa.Table:
    """The rows of a snapshot in the order of their keys, with the columns that the index had then."""
    schema = pa.schema([(n, kind) for n, kind in COLUMNS.items() if SINCE.get(n, "") <= snapshot.id])
    rows = [{**url_columns(place.exchange.target_uri), **record_columns(place)} for place in places]
    rows.sort(key=lambda row: (str(row["url_surtkey"]).encode(), row["fetch_time"]))
    return pa.Table.from_pylist(rows, schema=schema)


def part_path(snapshot: Snapshot, subset: str, number: int) -> str:
    job = uuid5(NAMESPACE_URL, snapshot.id)
    folder = f"cc-index/table/cc-main/warc/crawl={snapshot.id}/subset={subset}"
    return f"{folder}/part-{number:05d}-{job}.c000.gz.parquet"


def write_index(root: Path, snapshot: Snapshot, places: Sequence[Place]) -> None:
    """Write the parts of the subset robotstxt, and the list, which names those of other subsets as well."""
    table = make_table(snapshot, places)
    step = -(-table.num_rows // N_PARTS)
    paths = {
        subset: [part_path(snapshot, subset, first + i) for i in range(N_PARTS)]
        for first, subset in ((0, "crawldiagnostics"), (N_PARTS, "robotstxt"), (2 * N_PARTS, "warc"))
    }
    for i, path in enumerate(paths["robotstxt"]):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        write_part(root / path, table.slice(i * step, step), is_old=snapshot.id < SINCE["fetch_redirect"])
    listing = compress("".join(f"{path}\n" for subset in paths.values() for path in subset).encode())
    (root / f"crawl-data/{snapshot.id}/cc-index-table.paths.gz").write_bytes(listing)


def write_part(path: Path, rows: pa.Table, is_old: bool, rows_per_group: int = ROWS_PER_GROUP) -> None:
    pq.write_table(
        rows,
        path,
        compression="gzip",
        row_group_size=rows_per_group,
        # Bounds of the keys are what look-ups need, the others would only make the demo larger.
        write_statistics=["url_surtkey"],
        use_dictionary=False,
        store_schema=False,
        use_deprecated_int96_timestamps=is_old,
    )
