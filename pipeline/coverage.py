"""Which hosts of a study a release holds no answer of, and why."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import duckdb

from pipeline.manifest import SnapshotFacts
from snapshots.quads import quad_urls
from snapshots.shards import url_serial


class WhyMissing(StrEnum):
    """Why a release holds no answer of a host; the first that applies."""

    NO_HOST = "no_host"  # no URL can be made of it
    BODY_NOT_VERIFIED = "body_not_verified"  # captured, but no body of the stated digest could be verified
    OUTSIDE_SAMPLE = "outside_sample"  # its URLs fall on serials that the study does not read
    FILE_NOT_READ = "file_not_read"  # files that could hold it were missing, failed or could not be listed
    ONLY_OTHER_FORM = "only_other_form"  # captured with www. where the host has none, or without
    NOT_CAPTURED = "not_captured"  # Common Crawl did not ask it in this release, or got no answer


class MissingHost(NamedTuple):
    """A host of the study without an answer in a release."""

    snapshot: str
    host: str
    reason: WhyMissing


@dataclass(frozen=True, slots=True)
class Sample:
    """The serials of a release that are read, of how many; None where the shard law does not hold."""

    serials: frozenset[int]
    n_serials: int | None

    def holds(self, host: str) -> bool:
        """Whether a file that is read could hold one of the host's own two URLs."""
        if self.n_serials is None:
            return True
        urls = (f"{scheme}://{host}/robots.txt" for scheme in ("http", "https"))
        return any(url_serial(url, self.n_serials) in self.serials for url in urls)


_MISSING = """
WITH shown AS (
    SELECT snapshot, host, bool_or(digest_ok IS NOT FALSE) AS is_sound
    FROM captures
    WHERE lower(url) IN ('http://' || host || '/robots.txt', 'https://' || host || '/robots.txt')
    GROUP BY snapshot, host
)
SELECT
    missing.snapshot, missing.host, coalesce(NOT own.is_sound, false), other.host IS NOT NULL
FROM (SELECT snapshot, host FROM host_snapshots WHERE NOT is_observed) AS missing
LEFT JOIN shown AS own USING (snapshot, host)
LEFT JOIN shown AS other
    ON other.snapshot = missing.snapshot
    AND other.host = CASE
        WHEN starts_with(missing.host, 'www.') THEN missing.host[5:] ELSE 'www.' || missing.host
    END
ORDER BY missing.snapshot, missing.host
"""
_SAMPLES = """
SELECT snapshot, list(DISTINCT serial), any_value(n_serials)
FROM warc_files WHERE is_selected GROUP BY snapshot
"""


def iter_missing(
    con: duckdb.DuckDBPyConnection, releases: Mapping[str, SnapshotFacts]
) -> Iterator[MissingHost]:
    """Every host of the study that a release holds no answer of, by release and host; needs the models."""
    samples = {
        snapshot: Sample(frozenset(serials), n_serials)
        for snapshot, serials, n_serials in con.execute(_SAMPLES).fetchall()
    }
    everything = Sample(frozenset(), None)
    rows = con.execute(_MISSING)
    while batch := rows.fetchmany(10_000):
        for snapshot, host, is_unsound, has_other in batch:
            facts = releases[snapshot]
            sample = samples.get(snapshot, everything) if facts.mode == "scan" else everything
            yield MissingHost(snapshot, host, _reason(host, facts, sample, is_unsound, has_other))


def _reason(host: str, facts: SnapshotFacts, sample: Sample, is_unsound: bool, has_other: bool) -> WhyMissing:
    checks = (
        (WhyMissing.NO_HOST, not quad_urls(host)),
        (WhyMissing.BODY_NOT_VERIFIED, is_unsound),
        (WhyMissing.OUTSIDE_SAMPLE, not sample.holds(host)),
        (WhyMissing.FILE_NOT_READ, facts.n_files_read < facts.n_files_planned or not facts.n_files_planned),
        (WhyMissing.ONLY_OTHER_FORM, has_other),
    )
    return next((reason for reason, applies in checks if applies), WhyMissing.NOT_CAPTURED)


def describe_coverage(con: duckdb.DuckDBPyConnection, releases: Mapping[str, SnapshotFacts]) -> Iterator[str]:
    """One line a release: hosts observed of the study's hosts, and the others by reason."""
    missing = Counter((item.snapshot, item.reason) for item in iter_missing(con, releases))
    row = con.execute("SELECT count(*) FROM sites WHERE is_domain").fetchone()
    n_hosts = int(row[0]) if row else 0
    for snapshot in sorted(releases):
        reasons = {reason: missing[snapshot, reason] for reason in WhyMissing if missing[snapshot, reason]}
        said = ", ".join(f"{n:,} {reason}" for reason, n in reasons.items())
        n_observed = n_hosts - sum(reasons.values())
        yield f"coverage: {snapshot}: {n_observed:,} of {n_hosts:,} hosts" + (
            f"; missing: {said}" if said else ""
        )
