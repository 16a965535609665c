"""The hot path and warcio read the same captures from the same files."""

import os
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from snapshots.captures import scan_warc
from snapshots.reference import iter_captures, read_responses

SNAPSHOT = "CC-MAIN-2023-14"
DATA = Path(__file__).parent / "data"
token = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)
value = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
answer = st.fixed_dictionaries(
    {
        "host": token,
        "status": st.sampled_from([200, 301, 302, 404, 403, 500, 503, 304]),
        "headers": st.lists(
            st.tuples(st.sampled_from(["Server", "Location", "content-type", "X-A"]), value), max_size=5
        ),
        "body": st.binary(max_size=300) | st.just(b"User-agent: *\r\n\r\nDisallow:\r\n"),
    }
)
Answer = dict[str, object]


def write_file(answers: list[Answer]) -> bytes:
    """A WARC file with a request and a response for every answer, by warcio."""
    out = BytesIO()
    writer = WARCWriter(out, gzip=True)
    for asked in answers:
        url = f"http://{asked['host']}.example/robots.txt"
        with BytesIO() as nothing, BytesIO(bytes(asked["body"])) as body:  # type: ignore[call-overload]
            for kind, payload in (("request", nothing), ("response", body)):
                head = StatusAndHeaders(f"{asked['status']} Status", asked["headers"], protocol="HTTP/1.1")
                if kind == "request":
                    head = StatusAndHeaders("GET /robots.txt HTTP/1.1", [("Host", "x")], is_http_request=True)
                record = writer.create_warc_record(
                    url, kind, payload=payload, length=len(payload.getvalue()), http_headers=head
                )
                writer.write_record(record)
                record.raw_stream.close()
    return out.getvalue()


def assert_same(data: bytes, snapshot: str) -> int:
    """Both readers give the same captures, also by warcio's own reading of HTTP; returns how many."""
    scan = scan_warc(data, snapshot)
    captures = list(scan)
    assert scan.losses == []
    assert captures == list(iter_captures(data, snapshot))
    responses = (record for record in ArchiveIterator(BytesIO(data)) if record.rec_type == "response")
    for capture, record in zip(captures, responses, strict=True):
        assert capture.url == record.rec_headers.get_header("WARC-Target-URI")
        assert str(capture.fetch_status) == record.http_headers.get_statuscode()
        assert capture.server == (record.http_headers.get_header("Server") or None)
        assert capture.body == record.raw_stream.read()
        assert record.rec_headers.get_header("WARC-Payload-Digest") == f"sha1:{capture.content_digest}"
    return len(captures)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@settings(max_examples=40, deadline=None)
@given(st.lists(answer, max_size=6))
def test_any_answers_read_the_same_by_both(answers: list[Answer]) -> None:
    data = write_file(answers)
    if data:
        assert assert_same(data, SNAPSHOT) == len(answers)


def test_the_real_record_reads_the_same_by_both() -> None:
    data = (DATA / "commoncrawl-2025-33-robotstxt-record.warc.gz").read_bytes()
    assert assert_same(data, "CC-MAIN-2025-33") == 1


@pytest.mark.skipif("CENSUS_ARCHIVE" not in os.environ, reason="CENSUS_ARCHIVE names no archive folder")
def test_files_of_an_archive_read_the_same_by_both() -> None:
    files = sorted(Path(os.environ["CENSUS_ARCHIVE"]).glob("crawl-data/*/segments/*/robotstxt/*.warc.gz"))
    assert files
    for file in files[:: max(1, len(files) // 8)]:
        assert assert_same(file.read_bytes(), SNAPSHOT) > 0


@pytest.mark.parametrize(
    "content", [b"", b"junk", b"WARC/1.0\r\n", b"WARC/1.0\r\nWARC-Type: response\r\n\r\n"]
)
def test_the_fallback_never_raises(content: bytes) -> None:
    assert all(isinstance(headers, dict) for headers, _ in read_responses(content))


def test_the_fallback_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    record = b"WARC/1.0\r\nwarc-type: response\r\nContent-Length: 2\r\n\r\nhello\r\n\r\n"
    assert [block for _, block in read_responses(record)] == [b"he"]
    assert capsys.readouterr().err == ""


@given(st.binary(max_size=100), st.integers(0, 300))
def test_the_fallback_never_raises_on_any_bytes(junk: bytes, at: int) -> None:
    record = b"WARC/1.0\r\nwarc-type: response\r\nContent-Length: 5\r\n\r\nhello\r\n\r\n"
    read_responses(record[:at] + junk + record[at:])
