"""How a host's robots.txt was answered inside one snapshot: one written rule, readable here, mirrored in SQL.

RFC 9309 section 2.3.1.2: follow at least five consecutive redirects, also across hosts; the rules
found there apply to the host first asked.

1. *Which captures count.* A capture whose digest is known to be wrong (`digest_ok` is False) never does.
   URLs are compared as text, exactly as archived.
2. *Several captures of one URL* (`pick`). One is taken, by this order:
   a. only before CC-MAIN-2017-26, where the target of a redirect is archived under the URL first asked:
      captures that are not 3xx before captures that are;
   b. the latest `fetch_time`;
   c. not 3xx before 3xx;
   d. the smallest (`warc_filename`, `warc_record_offset`).
3. *Where a chain starts.* `https://<host>/robots.txt` and `http://<host>/robots.txt`, each if captured.
4. *Where a chain ends.* At each capture, in this order:
   - a status outside 300-399: `final`;
   - a status other than 301, 302, 303, 307, 308, or no `fetch_redirect`: `no_location`;
   - a `fetch_redirect` that is not `http://` or `https://` followed by an authority: `bad_location`;
   - a target that the chain has been at already: `loop`;
   - five redirects followed already: `too_many_hops`;
   - a target without a capture that counts: `target_not_captured`;
   - otherwise the target's capture is next and the number of hops grows by one.
   An end other than `final` leaves the chain at its last capture (a redirect).
5. *Which form speaks for the host.* The https form if its chain ends `final`; else the http form if
   its chain ends `final`; else the https form if captured; else the http form; else nothing (None).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

MAX_HOPS = 5
FOLLOWED_STATUSES = frozenset({301, 302, 303, 307, 308})
TARGETS_UNDER_OWN_URL_SINCE = "CC-MAIN-2017-26"
_USABLE_TARGET = re.compile(r"https?://[^/?#]")


class EndReason(StrEnum):
    """Why a chain of redirects ended; the values are stored."""

    FINAL = "final"
    NO_LOCATION = "no_location"
    BAD_LOCATION = "bad_location"
    TARGET_NOT_CAPTURED = "target_not_captured"
    LOOP = "loop"
    TOO_MANY_HOPS = "too_many_hops"


class Archived(NamedTuple):
    """What the rule needs to know of one row of `captures`; names and empty values are those of the table."""

    url: str
    fetch_time: str
    fetch_status: int
    fetch_redirect: str | None
    digest_ok: bool | None
    warc_filename: str
    warc_record_offset: int


@dataclass(frozen=True, slots=True)
class Resolution:
    """How a host was answered: the URL asked first, how many hops were followed, where and why it ended."""

    start_url: str
    n_hops: int
    end: Archived
    end_reason: EndReason


def is_redirect(capture: Archived) -> bool:
    """Whether the status is 3xx, whatever its target."""
    return 300 <= capture.fetch_status < 400


def pick(captures: Iterable[Archived], snapshot: str) -> Archived | None:
    """The one capture that stands for a URL in a snapshot (rules 1 and 2); None when no capture counts."""
    sound = [c for c in captures if c.digest_ok is not False]
    if not sound:
        return None
    # max() keeps the first of equals, so the smallest place wins where all else is equal.
    by_file = sorted(sound, key=lambda c: (c.warc_filename, c.warc_record_offset))
    return max(by_file, key=lambda c: _preference(c, snapshot))


def _preference(capture: Archived, snapshot: str) -> tuple[bool, str, bool]:
    is_answer = not is_redirect(capture)
    is_old = snapshot < TARGETS_UNDER_OWN_URL_SINCE
    return (is_answer and is_old, capture.fetch_time, is_answer)


def pick_all(captures: Iterable[Archived], snapshot: str) -> dict[str, Archived]:
    """URL → the capture that stands for it, for every URL of a snapshot that has one."""
    grouped: dict[str, list[Archived]] = {}
    for capture in captures:
        grouped.setdefault(capture.url, []).append(capture)
    picked = {url: pick(group, snapshot) for url, group in grouped.items()}
    return {url: capture for url, capture in picked.items() if capture is not None}


def follow(start_url: str, captures_by_url: Mapping[str, Archived]) -> Resolution | None:
    """The chain of redirects from a URL (rule 4); None when the URL has no capture."""
    here = captures_by_url.get(start_url)
    if here is None:
        return None
    seen = {start_url}
    while (reason := _end_reason(here, seen, captures_by_url)) is None:
        assert here.fetch_redirect is not None
        here = captures_by_url[here.fetch_redirect]
        seen.add(here.url)
    return Resolution(start_url, len(seen) - 1, here, reason)


def _end_reason(here: Archived, seen: set[str], captures_by_url: Mapping[str, Archived]) -> EndReason | None:
    """Why the chain ends at this capture, None when it goes on."""
    target = here.fetch_redirect
    if not is_redirect(here):
        return EndReason.FINAL
    if here.fetch_status not in FOLLOWED_STATUSES or target is None:
        return EndReason.NO_LOCATION
    if not _USABLE_TARGET.match(target):
        return EndReason.BAD_LOCATION
    if target in seen:
        return EndReason.LOOP
    if len(seen) > MAX_HOPS:
        return EndReason.TOO_MANY_HOPS
    return None if target in captures_by_url else EndReason.TARGET_NOT_CAPTURED


def resolve(host: str, captures_by_url: Mapping[str, Archived]) -> Resolution | None:
    """How a host's robots.txt was answered (rules 3 and 5), from the picked captures of a snapshot.

    None when neither form of the host's robots.txt was captured.
    """
    chains = [follow(f"{scheme}://{host}/robots.txt", captures_by_url) for scheme in ("https", "http")]
    found = [chain for chain in chains if chain is not None]
    final = [chain for chain in found if chain.end_reason is EndReason.FINAL]
    return next(iter(final or found), None)
