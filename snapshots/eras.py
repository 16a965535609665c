"""What changed in the robotstxt subset over the years, as a table; flags are those of the whole era.

An era lasts from its first snapshot to the one before the next row's. Snapshot ids sort as text.
"""

from bisect import bisect_right
from dataclasses import dataclass, replace

FIRST_ROBOTSTXT_SNAPSHOT = "CC-MAIN-2016-36"


@dataclass(frozen=True, slots=True)
class Era:
    """A stretch of snapshots made the same way.

    `change` says what is new with `first_snapshot`, `is_series_break` that counts before and after
    do not compare as they are. `is_date_trusted` is False where WARC-Date repeats the server's Date
    header; `has_extra_crlf`: an extra line end stands before every payload; `is_target_under_own_url`
    is False where the target of a redirect is archived under the URL first asked; `has_serial_names`
    is False where file names carry no shard number; `may_keep_chunked`: decoded bodies may still
    be declared as chunked; `max_redirects` and `max_body_bytes` are the archive's own limits.
    """

    first_snapshot: str
    change: str
    is_series_break: bool = False
    is_date_trusted: bool = True
    has_extra_crlf: bool = False
    is_target_under_own_url: bool = True
    has_serial_names: bool = True
    may_keep_chunked: bool = False
    max_redirects: int = 1
    max_body_bytes: int = 1 << 20


_2016_36 = Era(
    FIRST_ROBOTSTXT_SNAPSHOT,
    "first snapshot with robots.txt; WARC-Date is the server's Date header; one redirect, its target"
    " under the original URL; Transfer-Encoding: chunked may stay on decoded bodies",
    is_date_trusted=False,
    is_target_under_own_url=False,
    has_serial_names=False,
    may_keep_chunked=True,
)
_2017_04 = replace(
    _2016_36, first_snapshot="CC-MAIN-2017-04", change="WARC-Date is the fetch time", is_date_trusted=True
)
_2017_22 = replace(
    _2017_04,
    first_snapshot="CC-MAIN-2017-22",
    change="file names become start-end-serial; WARC-Identified-Payload-Type",
    has_serial_names=True,
)
_2017_26 = replace(
    _2017_22,
    first_snapshot="CC-MAIN-2017-26",
    change="the target of a redirect is archived under its own URL",
    is_series_break=True,
    is_target_under_own_url=True,
)
_2018_34 = Era(
    "CC-MAIN-2018-34",
    "original Content-Encoding and the like move to X-Crawler-*; an extra CRLF before every payload in"
    " this snapshot only; WARC-Date is the server's Date header again",
    is_series_break=True,
    is_date_trusted=False,
    has_extra_crlf=True,
)
_2018_39 = Era(
    "CC-MAIN-2018-39", "no extra CRLF any more; charset and languages in the index", is_date_trusted=False
)
_2019_47 = Era(
    "CC-MAIN-2019-47",
    "WARC-Date is the fetch time again; fetch_redirect and content_truncated in the index",
    is_series_break=True,
)
_2021_31 = Era(
    "CC-MAIN-2021-31",
    "answers with status 200 that are not text and disallowed redirect targets are no longer archived",
    is_series_break=True,
)
_2022_05 = Era("CC-MAIN-2022-05", "hosts whose robots.txt answers 5xx are suspended by the archive's crawler")
_2023_50 = Era(
    "CC-MAIN-2023-50",
    "five redirects are followed (301, 302, 303, 307, 308); 429 defers a host as 5xx does",
    is_series_break=True,
    max_redirects=5,
)
_2024_30 = Era(
    "CC-MAIN-2024-30",
    "HTTP/2 answers are written as HTTP/1.1, with a repeated WARC-Protocol",
    max_redirects=5,
)
_2025_13 = Era(
    "CC-MAIN-2025-13",
    "bodies are kept up to 5 MiB instead of 1 MiB; WARC-Truncated says length, time or disconnect",
    max_redirects=5,
    max_body_bytes=5 << 20,
)

ERAS: tuple[Era, ...] = (
    _2016_36, _2017_04, _2017_22, _2017_26, _2018_34, _2018_39,
    _2019_47, _2021_31, _2022_05, _2023_50, _2024_30, _2025_13,
)  # fmt: skip

# Columns of the columnar index that came in over time, with the first snapshot that has them.
_LATE_COLUMNS: tuple[tuple[str, str], ...] = (
    ("content_mime_detected", "CC-MAIN-2018-34"),
    ("content_charset", "CC-MAIN-2018-39"),
    ("content_languages", "CC-MAIN-2018-39"),
    ("fetch_redirect", "CC-MAIN-2019-47"),
    ("content_truncated", "CC-MAIN-2019-47"),
)


def era_of(snapshot: str) -> Era:
    """The era of a snapshot; of a snapshot before the first robots.txt, the first era."""
    return ERAS[max(0, bisect_right([era.first_snapshot for era in ERAS], snapshot) - 1)]


def columns_missing_in(snapshot: str) -> frozenset[str]:
    """Columns that the columnar index of a snapshot does not have yet; empty since CC-MAIN-2019-47."""
    return frozenset(column for column, first in _LATE_COLUMNS if snapshot < first)


def columns_of(snapshot: str, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The wanted index columns that this snapshot has, in the order asked."""
    missing = columns_missing_in(snapshot)
    return tuple(column for column in wanted if column not in missing)


def notes_of(snapshot: str) -> str:
    """What a reader of the series must know about a snapshot: the last change at or before it."""
    era = era_of(snapshot)
    is_break = " (break of the series)" if era.is_series_break else ""
    return f"since {era.first_snapshot}{is_break}: {era.change}"


def breaks_between(earlier: str, later: str) -> tuple[Era, ...]:
    """Breaks of the series after the earlier and up to the later snapshot, oldest first."""
    return tuple(era for era in ERAS if era.is_series_break and earlier < era.first_snapshot <= later)
