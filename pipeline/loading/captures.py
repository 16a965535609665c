"""Captures into the warehouse, and what they make it want: bodies, and hosts where no list names them."""

from collections.abc import Collection

from pipeline.archive_tables import CAPTURES
from pipeline.loading.notes import SCHEMA
from pipeline.loading.parts import NEW, Batch, Parts

_ORDER = "ORDER BY snapshot, url, fetch_time"
_IS_SUCCESS = "fetch_status BETWEEN 200 AND 299"
# What an index knows of a success points at a body: whether it is sound is told by whether the body is held.
_IS_POINTER = f"source = 'index' AND {_IS_SUCCESS}"
# Host of a capture that was asked for the host's own robots.txt.
_HOST = (
    "host IS NOT NULL"
    " AND lower(url) IN ('http://' || host || '/robots.txt', 'https://' || host || '/robots.txt')"
)
# A successful answer whose body could be verified nowhere does not count.
_COMPLETED = f"""
SELECT found.* EXCLUDE (is_pointer) REPLACE (
    CASE WHEN is_pointer THEN held.content_length ELSE found.content_length END AS content_length,
    CASE WHEN is_pointer THEN held.content_digest IS NOT NULL ELSE digest_ok END AS digest_ok,
    CASE WHEN is_pointer THEN body_refusal_marker ELSE refusal_marker END AS refusal_marker
)
FROM (SELECT *, {_IS_POINTER} AS is_pointer FROM {{parts}}) AS found
LEFT JOIN bodies AS held USING (content_digest)
{_ORDER}
"""
_PAID = f"""
UPDATE captures
SET content_length = held.content_length, digest_ok = true, refusal_marker = body_refusal_marker
FROM (FROM bodies SEMI JOIN {SCHEMA}.owed USING (content_digest)) AS held
WHERE {_IS_POINTER} AND captures.content_digest = held.content_digest
"""


def load_captures(parts: Parts, indexed: Collection[str]) -> None:
    """Fill `captures` with the new rows of releases that were read from WARC files, and note what they want.

    Those of the releases in `indexed` are only looked at: they are completed when their bodies are there.
    """
    parts.con.execute("CREATE OR REPLACE TEMP TABLE wanted (content_digest VARCHAR)")
    parts.con.execute("CREATE OR REPLACE TEMP TABLE met (host VARCHAR)")
    for batch in parts.each(CAPTURES, f"{NEW} AND NOT {_is_of(indexed)}"):
        _want(parts, batch)
        parts.con.execute(f"INSERT INTO captures BY NAME SELECT * FROM {batch} {_ORDER}")
    for batch in parts.each(CAPTURES, f"{NEW} AND {_is_of(indexed)}"):
        _want(parts, batch)


def complete_captures(parts: Parts, indexed: Collection[str]) -> None:
    """Fill `captures` with the new rows of an index, and tell older ones of bodies that have come since."""
    for batch in parts.each(CAPTURES, f"{NEW} AND {_is_of(indexed)}"):
        parts.con.execute(f"INSERT INTO captures BY NAME {_COMPLETED.format(parts=batch)}")
    if parts.con.execute(f"FROM {SCHEMA}.owed SEMI JOIN bodies USING (content_digest) LIMIT 1").fetchone():
        parts.con.execute(_PAID)


def note_owed(parts: Parts) -> None:
    """Note which bodies are pointed at and not held, for parts that come later."""
    parts.con.execute(
        f"CREATE OR REPLACE TEMP TABLE lacking AS FROM (FROM wanted UNION FROM {SCHEMA}.owed)"
        " ANTI JOIN bodies USING (content_digest) ORDER BY content_digest"
    )
    parts.con.execute(f"DELETE FROM {SCHEMA}.owed")
    parts.con.execute(f"INSERT INTO {SCHEMA}.owed FROM lacking")


def _is_of(snapshots: Collection[str]) -> str:
    places = [f"contains(path, '/snapshot={snapshot}/')" for snapshot in sorted(snapshots)]
    return f"({' OR '.join(places) or 'false'})"


def _want(parts: Parts, batch: Batch) -> None:
    """Add to the temporary tables `wanted` (digests of bodies not held) and `met` (hosts not in `sites`)."""
    parts.con.execute(
        f"INSERT INTO wanted SELECT DISTINCT content_digest FROM {batch} AS found"
        " ANTI JOIN wanted USING (content_digest) ANTI JOIN bodies USING (content_digest)"
        f" WHERE content_digest IS NOT NULL AND {_IS_SUCCESS}"
        " AND (source = 'index' OR digest_ok IS NOT FALSE)"
    )
    parts.con.execute(
        f"INSERT INTO met SELECT DISTINCT host FROM {batch} AS found"
        f" ANTI JOIN met USING (host) ANTI JOIN sites USING (host) WHERE {_HOST}"
    )
