"""The captures of one snapshot: what every host answered in it, as rows of the table `captures`.

A host has one form for good: https alone, http alone, http that redirects to https, or a redirect to
another host of the study. One answer in ten is captured twice, one refusal in three carries a marker; these
shares are made up.
"""

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from warehouse_draw import NONE, RULES, History, Ints
from warehouse_shape import KINDS

from pipeline.archive_tables import CAPTURES

FORMS = (0.50, 0.15, 0.30, 0.05)  # https, http, http → https, https → the next host
TWICE, MARKED = 0.10, 1 / 3
STATUS = {
    "rules": 200,
    "empty": 200,
    "absent": 404,
    "refused": 403,
    "server_error": 503,
    "not_robots": 200,
    "none": 0,
}
EMPTY_DIGEST = "3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"  # of no byte at all
PAGE_DIGEST = "P" * 32  # of the one HTML page that stands for all
CRAWL_SECONDS = 14 * 24 * 3600


def captures_of(
    snapshot: str,
    starts_on: dt.date,
    hosts: pa.Array,
    history: History,
    month: int,
    digests: pa.Array,
    n_files: int,
    rng: np.random.Generator,
) -> pa.Table:
    """The rows of one snapshot, sorted by URL and time as the stage writes them."""
    kinds, bodies = history.kinds[month], history.bodies[month]
    answered = np.flatnonzero(kinds != NONE)
    answered = np.sort(np.concatenate([answered, answered[rng.random(len(answered)) < TWICE]]))
    forms = form_of(answered)
    http = answered[forms == 2]
    is_redirect = np.concatenate([forms == 3, np.ones(len(http), dtype=bool)])
    who = np.concatenate([answered, http])
    scheme = np.where(np.concatenate([forms == 1, np.ones(len(http), dtype=bool)]), "http", "https")
    n = len(who)
    host = hosts.take(pa.array(who))
    onward = np.where(np.concatenate([forms, np.full(len(http), 2)]) == 3, (who + 1) % len(hosts), who)
    target = pc.binary_join_element_wise("https://", hosts.take(pa.array(onward)), "/robots.txt", "")
    status = np.where(is_redirect, 301, np.array([STATUS[kind] for kind in KINDS])[kinds[who]])
    is_marked = (KINDS.index("refused") == kinds[who]) & ~is_redirect & (rng.random(n) < MARKED)
    numbers = rng.integers(0, n_files, n)
    seconds = rng.integers(0, CRAWL_SECONDS, n)
    start = np.datetime64(starts_on, "s")
    columns = {
        "snapshot": pa.array([snapshot] * n),
        "url": pc.binary_join_element_wise(pa.array(scheme.tolist()), "://", host, "/robots.txt", ""),
        "host": host,
        "scheme": pa.array(scheme.tolist()),
        "fetch_time": pa.array(start + seconds, pa.timestamp("s")),
        "fetch_status": pa.array(status, pa.int16()),
        "fetch_redirect": pc.if_else(pa.array(is_redirect), target, None),
        "content_digest": _digests(who, kinds, bodies, is_redirect, digests),
        "content_mime_type": pa.array(["text/plain"] * n),
        "content_mime_detected": pa.array(["text/plain"] * n),
        "content_length": pa.array(rng.integers(0, 4_000, n)),
        "content_truncated": pa.nulls(n, pa.string()),
        "digest_ok": pa.array([True] * n),
        "server": pa.array(np.array(["nginx", "Apache", "cloudflare"])[who % 3].tolist()),
        "refusal_marker": pc.if_else(pa.array(is_marked), "cloudflare/challenge", None),
        "source": pa.array(["warc"] * n),
        "warc_filename": _filenames(snapshot, n_files).take(pa.array(numbers)),
        "warc_record_offset": pa.array(rng.integers(0, 1 << 30, n)),
        "warc_record_length": pa.array(rng.integers(500, 4_000, n)),
    }
    rows = pa.table({name: columns[name] for name in CAPTURES.schema.names})
    return rows.sort_by([(name, "ascending") for name in CAPTURES.key])


def form_of(hosts: Ints) -> Ints:
    """Each host's form as a place in FORMS, from its number alone."""
    part = (hosts * 2_654_435_761 % (1 << 32)) / (1 << 32)
    return np.searchsorted(np.cumsum(FORMS), part, side="right").clip(max=len(FORMS) - 1)


def _digests(
    who: Ints, kinds: Ints, bodies: Ints, is_redirect: NDArray[np.bool_], digests: pa.Array
) -> pa.Array:
    known = digests.take(pa.array(np.where(bodies[who] < 0, 0, bodies[who])))
    is_empty = pa.array((kinds[who] == KINDS.index("empty")) & ~is_redirect)
    has_rules = pa.array((kinds[who] == RULES) & ~is_redirect)
    return pc.if_else(has_rules, known, pc.if_else(is_empty, EMPTY_DIGEST, PAGE_DIGEST))


def _filenames(snapshot: str, n_files: int) -> pa.Array:
    stamp = "20240803123456-20240803153456"
    folder = f"crawl-data/{snapshot}/segments/1722640371566.31/robotstxt"
    return pa.array([f"{folder}/CC-MAIN-{stamp}-{number:05d}.warc.gz" for number in range(n_files)])
