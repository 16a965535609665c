"""The Arrow schemas of the sample of URLs that is drawn from the columnar index, subset warc."""

from pipeline.archive_tables import SNAPSHOT
from pipeline.table import COUNT, FLAG, TEXT, make_table

_HOST = ("host", TEXT, "Host of the study that the URL stands for, with or without www. before its name")
_PATH = ("path", TEXT, "Path and query of the URL, as written; pages are told apart by it")
_URL = ("url", TEXT, "URL as Common Crawl fetched it; of several with one path the first in order of text")

URL_FILES = make_table(
    "url_files",
    "part of a release's columnar index, subset warc",
    ["snapshot", "index_filename"],
    [SNAPSHOT, ("index_filename", TEXT, "Path of the part below the archive's root")],
)

URL_ROWS = make_table(
    "url_rows",
    "page of a host that one row group of the index gives to its sample",
    ["snapshot", "index_filename", "row_group", "host", "path"],
    [
        SNAPSHOT,
        ("index_filename", TEXT, "Path of the part below the archive's root"),
        ("row_group", COUNT, "Number of the row group in the part, from 0"),
        _HOST,
        _PATH,
        _URL,
        ("is_edge", FLAG, "Whether it has the first or last key of the host here, which others may have too"),
        ("n_inner", COUNT, "Pages of the host in this row group that are no such edge"),
    ],
)

URL_SNAPSHOTS = make_table(
    "url_snapshots",
    "release of which URLs were drawn",
    ["snapshot"],
    [
        SNAPSHOT,
        ("per_host", COUNT, "The most URLs that are drawn of a host"),
        ("n_parts_planned", COUNT, "Parts of the index, subset warc, that may hold a host of the study"),
        ("n_parts_read", COUNT, "Those of them that were read; fewer than planned means missing URLs"),
    ],
)

URL_FRAMES = make_table(
    "url_frames",
    "release and host of the study of which it holds a page",
    ["snapshot", "host"],
    [
        SNAPSHOT,
        _HOST,
        (
            "n_urls_seen",
            COUNT,
            "Distinct pages of the host that Common Crawl fetched with status 200, without /robots.txt: http"
            " and https, with and without www. are one page",
        ),
        ("n_urls_sampled", COUNT, "Those of them in url_samples: all, or as many as are drawn of a host"),
    ],
)

URL_SAMPLES = make_table(
    "url_samples",
    "release, host and page drawn",
    ["snapshot", "host", "place"],
    [
        SNAPSHOT,
        _HOST,
        (
            "place",
            COUNT,
            "Place of the page among those of its host by the MD5 of host and path, from 1: a uniform sample"
            " without replacement whose pages are the same in every release that has them",
        ),
        _PATH,
        _URL,
    ],
)

URL_TABLES = (URL_SNAPSHOTS, URL_FRAMES, URL_SAMPLES)
"""What the warehouse holds of the sample; the other tables are parts on the way to it."""
