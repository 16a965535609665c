"""The facts of a capture: what is read from a record's headers and head, and what when they are odd."""

from base64 import b32encode
from hashlib import sha1

import pytest

from snapshots.eras import era_of
from snapshots.heads import decode_value, mime_type, parse_status, split_block
from snapshots.losses import LossReason
from snapshots.payloads import PayloadReader
from snapshots.records import BadRecordError, Capture, make_capture, parse_date
from snapshots.urls import resolve_location, split_url

URL = "https://example.com/robots.txt"


def digest_of(body: bytes) -> str:
    return b32encode(sha1(body).digest()).decode()


def read(head: str, body: bytes = b"", url: str = URL, **headers: str) -> Capture:
    """The capture of a record with this HTTP head; keyword arguments replace WARC headers (_ for -)."""
    block = head.encode("latin-1") + b"\r\n\r\n" + body
    stated = {
        b"WARC-Target-URI": url.encode(),
        b"WARC-Date": b"2023-03-20T10:00:00Z",
        b"WARC-Payload-Digest": b"sha1:" + digest_of(body).encode(),
        b"Content-Length": str(len(block)).encode(),
    } | {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    return make_capture(stated, block, 0, 1, PayloadReader(era_of("CC-MAIN-2023-14")))


@pytest.mark.parametrize(
    ("url", "scheme", "host"),
    [
        ("https://example.com/robots.txt", "https", "example.com"),
        ("http://example.com", "http", "example.com"),
        ("HTTP://Example.COM/robots.txt", "http", "example.com"),
        ("https://user:secret@example.com/robots.txt", "https", "example.com"),
        ("https://example.com:443/robots.txt", "https", "example.com"),
        ("http://example.com:80/", "http", "example.com"),
        ("http://example.com:443/robots.txt", "http", "example.com:443"),
        ("http://example.com:8080/robots.txt", "http", "example.com:8080"),
        ("http://example.com:/robots.txt", "http", "example.com"),
        ("http://192.0.2.7/robots.txt", "http", "192.0.2.7"),
        ("http://[2001:DB8::1]:8080/robots.txt", "http", "[2001:db8::1]:8080"),
        ("http://münchen.example/robots.txt", "http", "münchen.example"),
        ("http://under_score.example/robots.txt", "http", "under_score.example"),
        ("https://example.com?robots.txt", "https", "example.com"),
        ("https:////www.google.com/robots.txt", "https", None),
        ("https:///robots.txt", "https", None),
        ("http://a b/robots.txt", "http", None),
        ("http://example.com:port/robots.txt", "http", None),
        ("http://[broken/robots.txt", "http", None),
        ("ftp://example.com/robots.txt", "ftp", "example.com"),
        ("robots.txt", "", None),
        ("", "", None),
    ],
)
def test_scheme_and_host(url: str, scheme: str, host: str | None) -> None:
    assert split_url(url) == (scheme, host)


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://www.example.com/robots.txt", "https://www.example.com/robots.txt"),
        ("/other.txt", "https://example.com/other.txt"),
        ("other.txt", "https://example.com/other.txt"),
        ("//cdn.example.net/robots.txt", "https://cdn.example.net/robots.txt"),
        ("https://www.example.com/#top", "https://www.example.com/"),
        ("  https://www.example.com/  ", "https://www.example.com/"),
        ("HTTPS://www.Example.com/", "https://www.Example.com/"),
        ("https://www.example.com", "https://www.example.com"),
        ("?lang=en", "https://example.com/robots.txt?lang=en"),
        ("http://[broken", "http://[broken"),
        ("mailto:info@example.com", "mailto:info@example.com"),
        ("about:blank", "about:blank"),
        ("", None),
        ("   ", None),
    ],
)
def test_where_a_location_leads(location: str, target: str | None) -> None:
    assert resolve_location(URL, location.encode()) == target
    assert read(f"HTTP/1.1 301 Moved\r\nLocation: {location}").fetch_redirect == target


@pytest.mark.parametrize(
    "location", [b"\xff\xfe\x00", b"http://[::1", b"https://\xe9.example/", b"://", b"\x00"]
)
def test_a_malformed_location_never_raises(location: bytes) -> None:
    assert resolve_location(URL, location) is not None


def test_a_location_is_read_only_from_a_3xx() -> None:
    assert read("HTTP/1.1 200 OK\r\nLocation: /x").fetch_redirect is None
    assert read("HTTP/1.1 404 Not Found\r\nLocation: /x").fetch_redirect is None
    assert read("HTTP/1.1 302 Found").fetch_redirect is None


@pytest.mark.parametrize("status", [200, 204, 301, 304, 401, 403, 404, 410, 418, 429, 451, 500, 503, 999])
def test_every_status_is_kept(status: int) -> None:
    assert read(f"HTTP/1.1 {status} Whatever").fetch_status == status


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"HTTP/1.0 404", 404),
        (b"HTTP/2 200", 200),
        (b"HTTP/1.1  200 OK", 200),
        (b"HTTP/1.1 20", 0),
        (b"HTTP/1.1 2000", 0),
        (b"ICY 200 OK", 0),
        (b"", 0),
    ],
)
def test_status_lines(line: bytes, status: int) -> None:
    assert parse_status(line) == status


def test_header_names_in_any_case() -> None:
    capture = read(
        "HTTP/1.1 301 Moved\r\nSERVER: nginx\r\nlocation: /x\r\nContent-TYPE: Text/Plain; charset=utf-8"
    )
    assert (capture.server, capture.content_mime_type) == ("nginx", "text/plain")
    assert capture.fetch_redirect == "https://example.com/x"


def test_names_that_only_contain_a_wanted_name_are_others() -> None:
    capture = read(
        "HTTP/1.1 301 Moved\r\nX-Server: no\r\nContent-Location: /no\r\nX-Crawler-Content-Type: a/b"
    )
    assert (capture.server, capture.fetch_redirect, capture.content_mime_type) == (None, None, None)


def test_the_first_of_repeated_headers_counts() -> None:
    assert read("HTTP/1.1 200 OK\r\nServer: first\r\nServer: second").server == "first"


@pytest.mark.parametrize(
    ("value", "mime"),
    [
        (b" text/html; charset=x", "text/html"),
        (b"TEXT/PLAIN", "text/plain"),
        (b"text/plain;", "text/plain"),
        (b"text", None),
        (b"", None),
        (b"text/ html", None),
        (b"\xff/\xfe", None),
        (None, None),
    ],
)
def test_media_types(value: bytes | None, mime: str | None) -> None:
    assert mime_type(value) == mime


def test_header_values_are_utf8_or_latin1() -> None:
    assert decode_value("Apaché".encode()) == "Apaché"
    assert decode_value(b"Apach\xe9") == "Apaché"
    assert decode_value(b"  ") is None
    assert decode_value(None) is None


def test_facts_of_the_warc_headers() -> None:
    capture = read(
        "HTTP/1.1 200 OK", b"x", WARC_Identified_Payload_Type="text/plain", WARC_Truncated="length"
    )
    assert (capture.content_mime_detected, capture.content_truncated) == ("text/plain", "length")
    bare = read("HTTP/1.1 200 OK", b"x")
    assert (bare.content_mime_detected, bare.content_truncated) == (None, None)


@pytest.mark.parametrize(
    ("stated", "read_as"),
    [
        (b"2023-03-20T10:00:00Z", "2023-03-20T10:00:00Z"),
        (b"2023-03-20T10:00:00.123456Z", "2023-03-20T10:00:00Z"),
        (b"2023-03-20T23:59:59+00:00", "2023-03-20T23:59:59Z"),
    ],
)
def test_dates_have_the_second_and_z(stated: bytes, read_as: str) -> None:
    assert parse_date(stated) == read_as


@pytest.mark.parametrize(
    "stated",
    [b"", b"2023-03-20", b"2023-13-20T10:00:00Z", b"2023-03-20T10:00:00", b"2023-03-20T25:00:00Z", b"now"],
)
def test_what_is_no_date_is_refused(stated: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the value is all there is to say
        parse_date(stated)


def test_a_head_that_ends_in_bare_line_feeds() -> None:
    assert split_block(b"HTTP/1.1 200 OK\nServer: x\n\nbody") == (b"HTTP/1.1 200 OK\nServer: x", b"body")


def test_a_head_that_never_ends_has_no_body() -> None:
    assert split_block(b"HTTP/1.1 200 OK\r\nServer: x\r\n") == (b"HTTP/1.1 200 OK\r\nServer: x", b"")


def test_an_empty_body_is_a_body() -> None:
    capture = read("HTTP/1.1 200 OK")
    assert (capture.body, capture.content_length, capture.digest_ok) == (b"", 0, True)
    assert capture.content_digest == "3I42H3S6NNFQ2MSVX7XZKYAYSCX5QBYJ"


def test_a_url_in_angle_brackets() -> None:
    assert read("HTTP/1.1 200 OK", url=f"<{URL}>").url == URL


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"WARC_Target_URI": ""}, LossReason.BAD_WARC_HEADER),
        ({"WARC_Date": "yesterday"}, LossReason.BAD_WARC_HEADER),
        ({"Content_Length": "many"}, LossReason.BAD_WARC_HEADER),
        ({"Content_Length": "7"}, LossReason.SHORT_RECORD),
    ],
)
def test_what_makes_no_capture_says_why(headers: dict[str, str], reason: LossReason) -> None:
    with pytest.raises(BadRecordError) as caught:
        read("HTTP/1.1 200 OK", **headers)
    assert caught.value.reason is reason
