"""RFC 9309 section 2.3.1.2 inside one snapshot: which capture speaks, where chains end and why."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshots.redirects import (
    MAX_HOPS,
    Archived,
    EndReason,
    Resolution,
    follow,
    pick,
    pick_all,
    resolve,
)

NOW = "CC-MAIN-2023-14"
OLD = "CC-MAIN-2017-22"
HTTPS, HTTP = "https://h.example/robots.txt", "http://h.example/robots.txt"


def archived(
    url: str = HTTPS,
    status: int = 200,
    target: str | None = None,
    time: str = "2023-03-20T10:00:00Z",
    is_ok: bool | None = True,
    file: str = "a.warc.gz",
    offset: int = 0,
) -> Archived:
    return Archived(url, time, status, target, is_ok, file, offset)


def resolve_all(*captures: Archived, host: str = "h.example", snapshot: str = NOW) -> Resolution | None:
    return resolve(host, pick_all(captures, snapshot))


def chain(n_redirects: int, end: Archived | None = None) -> list[Archived]:
    """h.example → u1 → u2 → …, each a 301; the last target is `end`, or not captured."""
    urls = [HTTPS, *(f"https://u{i}.example/robots.txt" for i in range(1, n_redirects + 1))]
    hops = [archived(url, 301, target) for url, target in pairwise(urls)]
    return hops + ([end._replace(url=urls[-1])] if end else [])


def test_an_answer_without_redirect_is_final() -> None:
    found = resolve_all(archived(status=404))
    assert found is not None
    assert (found.start_url, found.n_hops, found.end.fetch_status) == (HTTPS, 0, 404)
    assert found.end_reason is EndReason.FINAL


@pytest.mark.parametrize("n_redirects", range(1, MAX_HOPS + 1))
def test_five_consecutive_redirects_are_followed_across_hosts(n_redirects: int) -> None:
    found = resolve_all(*chain(n_redirects, archived()))
    assert found is not None
    assert (found.n_hops, found.end_reason) == (n_redirects, EndReason.FINAL)
    assert (found.start_url, found.end.url) == (HTTPS, f"https://u{n_redirects}.example/robots.txt")


def test_the_sixth_redirect_is_too_many() -> None:
    found = resolve_all(*chain(6, archived()))
    assert found is not None
    assert (found.n_hops, found.end_reason) == (5, EndReason.TOO_MANY_HOPS)


def test_a_redirect_back_is_a_loop() -> None:
    other = "https://www.h.example/robots.txt"
    found = resolve_all(archived(HTTPS, 301, other), archived(other, 302, HTTPS))
    assert found is not None
    assert (found.n_hops, found.end_reason, found.end.url) == (1, EndReason.LOOP, other)
    itself = resolve_all(archived(HTTPS, 301, HTTPS))
    assert itself is not None
    assert itself.end_reason is EndReason.LOOP


def test_a_loop_that_closes_after_five_hops_is_a_loop() -> None:
    captures = chain(5, archived(status=301, target=HTTPS))
    found = resolve_all(*captures)
    assert found is not None
    assert (found.n_hops, found.end_reason) == (5, EndReason.LOOP)


def test_a_target_without_capture_ends_at_the_redirect() -> None:
    found = resolve_all(archived(status=301, target="https://gone.example/robots.txt"))
    assert found is not None
    assert (found.n_hops, found.end.url) == (0, HTTPS)
    assert found.end_reason is EndReason.TARGET_NOT_CAPTURED


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_without_location(status: int) -> None:
    found = resolve_all(archived(status=status))
    assert found is not None
    assert found.end_reason is EndReason.NO_LOCATION


@pytest.mark.parametrize("status", [300, 304, 305, 306, 399])
def test_other_3xx_are_never_followed(status: int) -> None:
    target = "https://www.h.example/robots.txt"
    found = resolve_all(archived(status=status, target=target), archived(target))
    assert found is not None
    assert found.end_reason is EndReason.NO_LOCATION


@pytest.mark.parametrize(
    "target", ["mailto:a@b.example", "about:blank", "https:///robots.txt", "ftp://f.example/", "http://"]
)
def test_a_location_that_is_no_web_address(target: str) -> None:
    found = resolve_all(archived(status=301, target=target), archived(target))
    assert found is not None
    assert found.end_reason is EndReason.BAD_LOCATION


def test_https_speaks_before_http() -> None:
    found = resolve_all(archived(HTTP, 200), archived(HTTPS, 404))
    assert found is not None
    assert found.start_url == HTTPS


def test_http_speaks_where_https_was_not_captured() -> None:
    found = resolve_all(archived(HTTP, 200))
    assert found is not None
    assert found.start_url == HTTP


def test_http_speaks_where_only_its_chain_ends_final() -> None:
    found = resolve_all(archived(HTTPS, 301), archived(HTTP, 200))
    assert found is not None
    assert (found.start_url, found.end_reason) == (HTTP, EndReason.FINAL)


def test_https_speaks_where_no_chain_ends_final() -> None:
    found = resolve_all(archived(HTTP, 301, "mailto:x"), archived(HTTPS, 301))
    assert found is not None
    assert (found.start_url, found.end_reason) == (HTTPS, EndReason.NO_LOCATION)


def test_http_that_leads_to_https_has_one_hop_and_the_same_answer() -> None:
    captures = pick_all([archived(HTTP, 301, HTTPS), archived(HTTPS, 200)], NOW)
    found = follow(HTTP, captures)
    assert found is not None
    assert (found.n_hops, found.end.url) == (1, HTTPS)


def test_a_host_without_capture_of_either_form_has_no_answer() -> None:
    assert resolve_all(archived("https://h.example/other.txt")) is None
    assert resolve_all(archived(is_ok=False)) is None
    assert resolve("h.example", {}) is None


def test_a_host_with_a_port_is_asked_at_that_port() -> None:
    url = "http://h.example:8080/robots.txt"
    found = resolve_all(archived(url), host="h.example:8080")
    assert found is not None
    assert found.start_url == url


def test_pick_drops_captures_whose_digest_is_wrong() -> None:
    bad, good = archived(time="2023-03-21T00:00:00Z", is_ok=False), archived(is_ok=None)
    assert pick([bad, good], NOW) == good
    assert pick([bad], NOW) is None
    assert pick([], NOW) is None


def test_pick_takes_the_latest() -> None:
    early, late = archived(status=200), archived(status=301, target=HTTP, time="2023-03-21T00:00:00Z")
    assert pick([late, early], NOW) == late


def test_pick_takes_an_answer_before_a_redirect_of_the_same_second() -> None:
    answer, redirect = archived(status=404, file="z"), archived(status=301, file="a")
    assert pick([redirect, answer], NOW) == answer


def test_pick_takes_the_smallest_place_last() -> None:
    first, second, third = archived(file="a", offset=9), archived(file="a", offset=10), archived(file="b")
    assert pick([third, second, first], NOW) == first


def test_before_2017_26_an_answer_comes_before_any_redirect_of_its_url() -> None:
    redirect = archived(status=301, target=HTTP, time="2023-03-21T00:00:00Z")
    answer = archived(status=200)
    assert pick([redirect, answer], OLD) == answer
    assert pick([redirect, answer], "CC-MAIN-2017-26") == redirect


@st.composite
def snapshots_of(draw: st.DrawFn) -> list[Archived]:
    urls = [HTTPS, HTTP, *(f"https://u{i}.example/robots.txt" for i in range(6))]
    return draw(
        st.lists(
            st.builds(
                archived,
                url=st.sampled_from(urls),
                status=st.sampled_from([200, 301, 302, 304, 404]),
                target=st.sampled_from([None, "mailto:x", *urls, "https://gone.example/"]),
                time=st.sampled_from(["2023-03-20T10:00:00Z", "2023-03-20T10:00:01Z"]),
                is_ok=st.sampled_from([True, None, False]),
                file=st.sampled_from("ab"),
                offset=st.integers(0, 20),
            ),
            unique_by=lambda capture: (capture.warc_filename, capture.warc_record_offset),
        )
    )


@given(snapshots_of(), st.randoms(use_true_random=False))
def test_the_order_of_captures_changes_nothing(captures: list[Archived], random: object) -> None:
    shuffled = list(captures)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert pick_all(captures, NOW) == pick_all(shuffled, NOW)
    found = resolve_all(*captures)
    assert found == resolve_all(*shuffled)
    assert found is None or 0 <= found.n_hops <= MAX_HOPS
    assert found is None or (found.end_reason is EndReason.FINAL) == (not 300 <= found.end.fetch_status < 400)
