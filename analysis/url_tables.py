"""The stored tables of drawn URLs, made empty where a study draws none, and those that the matcher fills."""

import duckdb

from analysis.made_tables import MadeColumn, MadeTable, create_missing

_COLUMN = MadeColumn
_SNAPSHOT = _COLUMN("snapshot", "VARCHAR", "Common Crawl release, CC-MAIN-YYYY-WW")
_HOST = _COLUMN("host", "VARCHAR", "Host of the study that the URL stands for")
_PATH = _COLUMN("path", "VARCHAR", "Path and query of the URL, as written")
_DIGEST = _COLUMN("content_digest", "VARCHAR", "Body that was asked, SHA-1 in base32")
_AGENT = _COLUMN("agent", "VARCHAR", "*, a tracked agent, or a label of agent_groups, as in outcome_levels")

URL_SNAPSHOTS = MadeTable(
    "url_snapshots",
    "release of which URLs were drawn",
    (
        _SNAPSHOT,
        _COLUMN("per_host", "BIGINT", "The most URLs that are drawn of a host"),
        _COLUMN("n_parts_planned", "BIGINT", "Parts of the index of pages that may hold a host of the study"),
        _COLUMN("n_parts_read", "BIGINT", "Those of them that were read"),
    ),
)
URL_FRAMES = MadeTable(
    "url_frames",
    "release and host of the study of which it holds a page",
    (
        _SNAPSHOT,
        _HOST,
        _COLUMN("n_urls_seen", "BIGINT", "Distinct pages of the host that were fetched with status 200"),
        _COLUMN("n_urls_sampled", "BIGINT", "Those of them in url_samples"),
    ),
)
URL_SAMPLES = MadeTable(
    "url_samples",
    "release, host and page drawn",
    (
        _SNAPSHOT,
        _HOST,
        _COLUMN("place", "BIGINT", "Place of the page among those of its host, from 1"),
        _PATH,
        _COLUMN("url", "VARCHAR", "URL as it was fetched"),
    ),
)
URL_VERDICTS = MadeTable(
    "url_verdicts",
    "body at level some for an agent, and that agent",
    (
        _DIGEST,
        _AGENT,
        _COLUMN("n_paths", "BIGINT", "Distinct paths that the body was asked about, for any of its hosts"),
        _COLUMN("n_denied", "BIGINT", "Those that it denies the agent: the rows of url_denials"),
        _COLUMN(
            "is_like_ccbot", "BOOLEAN", "Whether it says to the agent, rule for rule, what it says to CCBot"
        ),
    ),
)
URL_DENIALS = MadeTable(
    "url_denials", "body, agent and path that the body denies the agent", (_DIGEST, _AGENT, _PATH)
)


def create_url_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Make the stored tables of drawn URLs that are not there, empty."""
    for table in (URL_SNAPSHOTS, URL_FRAMES, URL_SAMPLES):
        create_missing(con, table)
