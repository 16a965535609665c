"""The published tables of drawn URLs; they have their header alone where a study draws none."""

from analysis.dataset import Check, Dataset, Reference
from consent.vocabulary import AccessState, GroupMatch, Restriction

ACCESSIBLE_SHARE = """
SELECT s.*, a.content_digest, i.dialect, i.dialect_version, a.warc_filename, a.warc_record_offset
FROM accessible_share AS s
JOIN answers AS a ON a.snapshot = s.snapshot AND a.host = s.host
JOIN dialects AS i ON i.is_default
"""

ACCESSIBLE_SHARE_NOTE = """\
An agent without a row of its own gets the row of `*`. Pages are those that Common Crawl fetched with status
200 in the snapshot, drawn by the MD5 of host and path, so that the same pages can be drawn again from its
index. It obeys robots.txt: pages that CCBot may not fetch are not among them. Where `is_like_ccbot` the share
is near 1 for that reason alone and says nothing; `share_ever`, over the pages of all sampled snapshots, is
the one to read. `url_coverage` counts the hosts of which nothing is seen."""

_SNAPSHOT = Reference(("snapshot",), "snapshots", ("snapshot",))
_HOST = Reference(("host",), "sites", ("host",))

_COUNTS = Check(
    "no more pages allowed than drawn, and no more drawn than seen",
    "SELECT * FROM {rows} WHERE n_urls_allowed > n_urls_sampled OR n_urls_sampled > n_urls_seen"
    " OR n_ever_allowed > n_ever_sampled",
)
_DECIDED = Check(
    "the rules alone decide at none and all",
    "SELECT * FROM {rows} WHERE restriction = 'none' AND share_accessible IS DISTINCT FROM 1"
    " OR restriction = 'all' AND share_accessible IS DISTINCT FROM 0",
)
_BOUNDED = Check(
    "a share is within its interval, and has one",
    "SELECT * FROM {rows} WHERE (share_low IS NULL) <> (share_accessible IS NULL)"
    " OR share_accessible NOT BETWEEN share_low - 1e-9 AND share_high + 1e-9",
)
_STAR = Check(
    "every host and snapshot has the row of *",
    "SELECT * FROM (SELECT snapshot, host, count(*) FILTER (agent = '*') AS n_stars FROM {rows} GROUP BY ALL)"
    " WHERE n_stars <> 1",
)
_MEANS = Check(
    "a mean share is between its bounds",
    "SELECT * FROM {rows} WHERE share_accessible_low > share_accessible_high + 1e-9"
    " OR n_hosts_some_sampled > n_hosts_some OR n_hosts_some > n_hosts",
)

URL_DATASETS: tuple[Dataset, ...] = (
    Dataset("url_snapshots", "release of which URLs were drawn", ("url_snapshots",), ("snapshot",)),
    Dataset(
        "accessible_share",
        "snapshot of which URLs were drawn, host observed in it, and agent that its robots.txt answers apart,"
        " plus *",
        ("accessible_share", "answers", "readings"),
        ("snapshot", "host", "agent"),
        query=ACCESSIBLE_SHARE,
        vocabularies=(
            ("access_state", AccessState),
            ("restriction", Restriction),
            ("group_match", GroupMatch),
        ),
        references=(_SNAPSHOT, _HOST, Reference(("snapshot", "host"), "answers", ("snapshot", "host"))),
        checks=(_COUNTS, _DECIDED, _BOUNDED, _STAR),
        note=ACCESSIBLE_SHARE_NOTE,
    ),
    Dataset(
        "accessible_levels",
        "snapshot of which URLs were drawn, agent, stratum and corpus",
        ("accessible_levels",),
        ("agent", "stratum", "corpus", "snapshot"),
        references=(_SNAPSHOT,),
        checks=(_MEANS,),
    ),
    Dataset(
        "url_coverage",
        "snapshot of which URLs were drawn, stratum and what robots.txt says to CCBot",
        ("url_coverage",),
        ("stratum", "snapshot", "ccbot_level"),
        references=(_SNAPSHOT,),
    ),
)
