"""Bodies of all eras: what the archive did to them is undone only where the digest proves it."""

from base64 import b32encode
from hashlib import sha1

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from snapshots.eras import era_of
from snapshots.payloads import PayloadReader, read_payload, remove_chunks, stated_digest

BODY = b"User-agent: *\nDisallow: /\n"
CHUNKED_BODY = b"e\r\nUser-agent: *\n\r\nc;x=y\r\nDisallow: /\n\r\n0\r\n\r\n"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked"
NOW = era_of("CC-MAIN-2023-14")
WITH_CRLF = era_of("CC-MAIN-2018-34")


def state(body: bytes) -> bytes:
    return b"sha1:" + b32encode(sha1(body).digest())


def digest_of(body: bytes) -> str:
    return state(body)[5:].decode()


def test_an_ordinary_body_stays_as_it_is() -> None:
    assert read_payload(PLAIN, BODY, state(BODY), NOW) == (BODY, digest_of(BODY), True)


def test_2018_34_has_an_extra_line_end_before_every_payload() -> None:
    assert read_payload(PLAIN, b"\r\n" + BODY, state(BODY), WITH_CRLF) == (BODY, digest_of(BODY), True)
    assert read_payload(PLAIN, b"\r\n" + BODY, None, WITH_CRLF) == (BODY, digest_of(BODY), None)
    assert read_payload(PLAIN, b"\r\n", state(b""), WITH_CRLF).body == b""


def test_2018_34_keeps_a_line_end_that_the_digest_covers() -> None:
    body = b"\r\n" + BODY
    assert read_payload(PLAIN, body, state(body), WITH_CRLF).body == body


def test_other_snapshots_keep_a_line_end_that_nothing_disproves() -> None:
    assert read_payload(PLAIN, b"\r\n" + BODY, None, NOW).body == b"\r\n" + BODY
    assert read_payload(PLAIN, b"\r\n" + BODY, None, era_of("CC-MAIN-2018-39")).body == b"\r\n" + BODY


def test_a_decoded_body_with_a_leftover_declaration_stays_as_it_is() -> None:
    era = era_of("CC-MAIN-2016-36")
    assert read_payload(CHUNKED, BODY, state(BODY), era) == (BODY, digest_of(BODY), True)
    assert read_payload(CHUNKED, BODY, None, era).body == BODY


def test_a_body_that_is_still_chunked_is_joined() -> None:
    assert read_payload(CHUNKED, CHUNKED_BODY, state(BODY), NOW) == (BODY, digest_of(BODY), True)
    assert read_payload(CHUNKED, CHUNKED_BODY, None, NOW).body == BODY


def test_chunks_after_an_extra_line_end() -> None:
    assert read_payload(CHUNKED, b"\r\n" + CHUNKED_BODY, state(BODY), WITH_CRLF).digest_ok is True
    assert read_payload(CHUNKED, b"\r\n" + CHUNKED_BODY, None, WITH_CRLF).body == BODY


def test_chunks_that_the_digest_covers_stay() -> None:
    assert read_payload(CHUNKED, CHUNKED_BODY, state(CHUNKED_BODY), NOW).body == CHUNKED_BODY


def test_chunks_without_declaration_stay() -> None:
    assert read_payload(PLAIN, CHUNKED_BODY, None, NOW).body == CHUNKED_BODY


def test_x_crawler_encoding_is_never_decoded_again() -> None:
    head = b"HTTP/1.1 200 OK\r\nX-Crawler-Content-Encoding: gzip\r\nX-Crawler-Transfer-Encoding: chunked"
    assert read_payload(head, CHUNKED_BODY, None, NOW).body == CHUNKED_BODY


def test_a_body_that_is_not_as_stated_is_flagged_and_has_its_own_digest() -> None:
    assert read_payload(PLAIN, BODY, state(b"other"), NOW) == (BODY, digest_of(BODY), False)


@pytest.mark.parametrize("stated", [None, b"md5:abc", b"", b"sha1"])
def test_no_stated_sha1_is_no_verdict(stated: bytes | None) -> None:
    assert read_payload(PLAIN, BODY, stated, NOW).digest_ok is None


def test_a_stated_digest_in_other_case() -> None:
    assert stated_digest(b"SHA1: " + digest_of(BODY).lower().encode()) == digest_of(BODY)


@pytest.mark.parametrize(
    "body",
    [b"", b"5\r\nabc", b"zz\r\nabc\r\n0\r\n", b"3\r\nabc\r\n", b"0x3\r\nabc\r\n0\r\n\r\n", b"-1\r\n\r\n"],
)
def test_an_incomplete_chunked_message_is_none(body: bytes) -> None:
    assert remove_chunks(body) is None


@given(st.lists(st.binary(min_size=1, max_size=50)))
def test_chunks_are_joined_to_what_was_sent(parts: list[bytes]) -> None:
    sent = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    assert remove_chunks(sent) == b"".join(parts)


@given(st.binary(max_size=200))
def test_any_bytes_are_read(body: bytes) -> None:
    assert read_payload(CHUNKED, body, state(body), WITH_CRLF).body == body
    remove_chunks(body)


@pytest.mark.parametrize(
    "stated",
    [
        b"sha1:" + b"8" * 32,
        b"sha1:" + b"A" * 31,
        b"sha1:" + b"A" * 33,
        b"md5:" + b"A" * 33,
        b"sha1:" + b"_" * 32,
    ],
)
def test_a_digest_that_is_no_base32_sha1_is_not_mistaken_for_one(stated: bytes) -> None:
    assert PayloadReader(NOW).read(PLAIN, BODY, stated).digest_ok is not True


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_the_fast_comparison_of_digests_is_that_of_the_texts(body: bytes, other: bytes) -> None:
    # A line end too many is proven by the digest, and taken off: then the digest is that of `other`.
    assume(body != b"\r\n" + other)
    reader = PayloadReader(NOW)
    assert reader.read(PLAIN, body, state(body)) == read_payload(PLAIN, body, state(body), NOW)
    assert reader.read(PLAIN, body, state(other)).digest_ok is (body == other)
