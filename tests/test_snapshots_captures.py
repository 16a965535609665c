"""Captures of a WARC file: what is sound is handed over, what is not is counted."""

import gzip
from base64 import b32encode
from hashlib import sha1
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshots.captures import scan_warc
from snapshots.losses import LossReason
from snapshots.members import MAX_MEMBER_BYTES, find_starts
from snapshots.records import Capture

SNAPSHOT = "CC-MAIN-2023-14"
DATA = Path(__file__).parent / "data"
N_HOSTS = 6


def write_record(kind: str, url: str, second: int, block: bytes, payload: bytes) -> bytes:
    """A WARC record as one gzip member."""
    headers = {
        "WARC-Type": kind,
        "WARC-Date": f"2023-03-20T10:00:{second:02d}Z",
        "WARC-Record-ID": f"<urn:uuid:{kind}-{second}>",
        "WARC-Target-URI": url,
        "WARC-Payload-Digest": "sha1:" + b32encode(sha1(payload).digest()).decode(),
        "Content-Type": f"application/http; msgtype={kind}",
        "Content-Length": str(len(block)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return gzip.compress(f"WARC/1.0\r\n{lines}\r\n".encode() + block + b"\r\n\r\n", mtime=0)


def write_file(n_hosts: int = N_HOSTS) -> bytes:
    """A WARC file as the archive writes it: warcinfo, then a request and a response per host."""
    members = [write_record("warcinfo", "", 0, b"isPartOf: test\r\n", b"")]
    for i in range(n_hosts):
        url = f"https://host{i}.example/robots.txt"
        asked = f"GET /robots.txt HTTP/1.1\r\nHost: host{i}.example\r\n\r\n".encode()
        members.append(write_record("request", url, i, asked, b""))
        body = f"User-agent: bot{i}\nDisallow: /{i * 7919}\n".encode()
        block = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + body
        members.append(write_record("response", url, i, block, body))
    return b"".join(members)


FILE = write_file()
STARTS = find_starts(FILE)
RESPONSE_STARTS = STARTS[2::2]


def scan(data: bytes | memoryview) -> tuple[list[Capture], dict[LossReason, tuple[int, int]]]:
    """The captures, and of each reason of loss how many records and bytes."""
    result = scan_warc(data, SNAPSHOT)
    captures = list(result)
    return captures, {loss.reason: (loss.n_records, loss.n_bytes) for loss in result.losses}


WHOLE, _ = scan(FILE)


def with_bytes(position: int, new: bytes) -> bytes:
    return FILE[:position] + new + FILE[position + len(new) :]


def response_member(i: int) -> bytes:
    start = RESPONSE_STARTS[i]
    return FILE[start : [*STARTS, len(FILE)][STARTS.index(start) + 1]]


def replace_member(i: int, member: bytes) -> bytes:
    start = RESPONSE_STARTS[i]
    return FILE[:start] + member + FILE[start + len(response_member(i)) :]


def edit_member(i: int, old: bytes, new: bytes) -> bytes:
    content = gzip.decompress(response_member(i))
    assert old in content
    return replace_member(i, gzip.compress(content.replace(old, new), mtime=0))


def hosts(captures: list[Capture]) -> list[str | None]:
    return [capture.host for capture in captures]


def all_but(*missing: int) -> list[str]:
    return [f"host{i}.example" for i in range(N_HOSTS) if i not in missing]


def test_a_whole_file_gives_every_response_and_no_loss() -> None:
    captures, losses = scan(FILE)
    assert hosts(captures) == all_but()
    assert losses == {}
    assert all(capture.digest_ok for capture in captures)


def test_offset_and_length_are_those_of_the_gzip_member() -> None:
    for i, capture in enumerate(WHOLE):
        assert capture.warc_record_offset == RESPONSE_STARTS[i]
        start, end = capture.warc_record_offset, capture.warc_record_offset + capture.warc_record_length
        assert gzip.decompress(FILE[start:end]).startswith(b"WARC/1.0\r\n")
        again, _ = scan(FILE[start:end])
        assert again[0].url == capture.url


def test_a_memoryview_reads_like_bytes() -> None:
    assert scan(memoryview(FILE)) == scan(FILE)


def test_the_real_record_of_2025_33() -> None:
    data = (DATA / "commoncrawl-2025-33-robotstxt-record.warc.gz").read_bytes()
    result = scan_warc(data, "CC-MAIN-2025-33", shard=(905, 1000))
    (capture,) = result
    assert capture.url == "http://commoncrawl.org"
    assert (capture.host, capture.scheme) == ("commoncrawl.org", "http")
    assert capture.fetch_time == "2025-08-04T14:54:08Z"
    assert (capture.fetch_status, capture.fetch_redirect) == (301, "https://commoncrawl.org/")
    assert capture.content_digest == "HLNR6AWVWYCU3YAENY3HYHLIPNWN66X7"
    assert capture.digest_ok is True
    assert (capture.content_mime_type, capture.content_length) == ("text/html", 162)
    assert (capture.server, capture.content_truncated) == ("nginx", None)
    assert (capture.warc_record_offset, capture.warc_record_length) == (0, 570)
    assert capture.head.startswith(b"HTTP/1.1 301 Moved Permanently\r\n")
    assert (result.losses, result.n_records, result.n_law_checked, result.n_misplaced) == ([], 1, 1, 0)


def test_a_capture_in_the_wrong_file_is_kept_and_counted() -> None:
    data = (DATA / "commoncrawl-2025-33-robotstxt-record.warc.gz").read_bytes()
    result = scan_warc(data, "CC-MAIN-2025-33", shard=(904, 1000))
    assert len(list(result)) == 1
    assert (result.n_law_checked, result.n_misplaced) == (1, 1)


def test_no_byte_at_all() -> None:
    assert scan(b"") == ([], {LossReason.EMPTY_FILE: (0, 0)})


@pytest.mark.parametrize(
    "data", [b"<?xml version='1.0'?><Error><Code>SlowDown</Code></Error>", b"WARC/1.0\r\n\r\n", b"\x00" * 99]
)
def test_what_is_no_gzip_file_is_one_loss(data: bytes) -> None:
    assert scan(data) == ([], {LossReason.NOT_GZIP: (0, len(data))})


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("n_kept", [1, 2, 5, 11, 40, 150, -9, -8, -4, -1])
def test_a_cut_inside_any_member_is_told_and_costs_that_member(start: int, n_kept: int) -> None:
    end = [*STARTS, len(FILE)][STARTS.index(start) + 1]
    cut = (start if n_kept > 0 else end) + n_kept
    captures, losses = scan(FILE[:cut])
    assert captures == [capture for capture in WHOLE if capture.warc_record_offset < start]
    assert sum(n_bytes for _, n_bytes in losses.values()) == cut - start


def test_a_cut_between_members_leaves_sound_captures_only() -> None:
    for start in STARTS[1:]:
        captures, losses = scan(FILE[:start])
        assert captures == [capture for capture in WHOLE if capture.warc_record_offset < start]
        assert losses == {}


def test_a_cut_at_the_end_is_a_short_file() -> None:
    _, losses = scan(FILE[:-5])
    assert list(losses) == [LossReason.SHORT_FILE]


@pytest.mark.parametrize("place", [12, 60, 200, -12, -8, -3])
def test_a_flipped_byte_in_deflate_data_or_trailer_costs_one_member(place: int) -> None:
    start, length = RESPONSE_STARTS[2], len(response_member(2))
    position = start + place if place > 0 else start + length + place
    captures, losses = scan(with_bytes(position, bytes([FILE[position] ^ 0x10])))
    assert hosts(captures) == all_but(2)
    assert losses == {LossReason.DAMAGED_MEMBER: (1, length)}


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_broken_gzip_header_costs_one_member(place: int) -> None:
    position = RESPONSE_STARTS[2] + place
    captures, losses = scan(with_bytes(position, bytes([FILE[position] ^ 0xFF])))
    assert hosts(captures) == all_but(2)
    assert losses == {LossReason.STRAY_BYTES: (0, len(response_member(2)))}


def test_equal_members_with_one_broken_header_are_not_taken_for_one() -> None:
    member = response_member(0)
    broken = b"\x00" + member[1:]
    captures, losses = scan(member + broken + member)
    assert len(captures) == 2
    assert losses == {LossReason.STRAY_BYTES: (0, len(member))}


def test_a_broken_request_costs_no_capture_but_is_counted() -> None:
    captures, losses = scan(with_bytes(STARTS[3] + 30, b"\xff\xff\xff"))
    assert hosts(captures) == all_but()
    assert losses[LossReason.DAMAGED_MEMBER][0] == 1


@pytest.mark.parametrize(
    "junk", [b"garbage", b"\x00" * 512, b"<Error/>", b"\x1f\x8b", b"\x1f\x8b\x08\x00junk"]
)
def test_garbage_between_members_is_counted_and_costs_no_capture(junk: bytes) -> None:
    start = RESPONSE_STARTS[3]
    captures, losses = scan(FILE[:start] + junk + FILE[start:])
    assert hosts(captures) == all_but()
    assert sum(n_bytes for _, n_bytes in losses.values()) == len(junk)


def test_a_hole_in_the_file_costs_the_members_it_touches() -> None:
    start = RESPONSE_STARTS[1]
    captures, losses = scan(FILE[: start + 50] + FILE[RESPONSE_STARTS[3] + 50 :])
    assert hosts(captures) == all_but(1, 2, 3)
    assert losses[LossReason.DAMAGED_MEMBER][0] >= 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"WARC/1.0\r\n", b"WARX/1.0\r\n"),
        (b"WARC-Target-URI", b"WARC-Target-XXX"),
        (b"WARC-Date: 2023", b"WARC-Date: once"),
        (b"WARC-Date", b"WARC-Dote"),
        (b"\r\nContent-Length: ", b"\r\nContent-Length: x"),
    ],
)
def test_one_bad_warc_header_costs_one_record(old: bytes, new: bytes) -> None:
    captures, losses = scan(edit_member(2, old, new))
    assert hosts(captures) == all_but(2)
    assert losses[LossReason.BAD_WARC_HEADER][0] == 1


def test_a_block_shorter_than_its_content_length_is_a_loss_and_swallows_nothing() -> None:
    length = len(WHOLE[2].head) + 4 + WHOLE[2].content_length
    captures, losses = scan(
        edit_member(2, b"Content-Length: %d" % length, b"Content-Length: %d" % (length + 500))
    )
    assert hosts(captures) == all_but(2)
    assert losses[LossReason.SHORT_RECORD][0] == 1


def test_a_request_that_claims_too_many_bytes_swallows_no_response() -> None:
    start, end = STARTS[3], STARTS[4]
    content = gzip.decompress(FILE[start:end])
    longer = content.replace(b"\r\nContent-Length: ", b"\r\nContent-Length: 9")
    captures, _ = scan(FILE[:start] + gzip.compress(longer, mtime=0) + FILE[end:])
    assert hosts(captures) == all_but()


def test_a_block_longer_than_its_content_length_is_no_match_for_its_digest() -> None:
    length = len(WHOLE[2].head) + 4 + WHOLE[2].content_length
    captures, losses = scan(
        edit_member(2, b"Content-Length: %d" % length, b"Content-Length: %d" % (length - 3))
    )
    assert hosts(captures) == all_but()
    assert captures[2].digest_ok is False
    assert list(losses) == [LossReason.STRAY_BYTES]


def test_a_response_that_is_no_http_is_a_loss() -> None:
    captures, losses = scan(edit_member(2, b"HTTP/1.1 200", b"FTTP/1.1 200"))
    assert hosts(captures) == all_but(2)
    assert losses[LossReason.BAD_HTTP][0] == 1


def test_a_record_of_another_kind_is_counted() -> None:
    captures, losses = scan(edit_member(2, b"WARC-Type: response", b"WARC-Type: revisit"))
    assert hosts(captures) == all_but(2)
    assert losses[LossReason.OTHER_RECORD][0] == 1


def test_header_names_in_lower_case_are_read_by_the_fallback() -> None:
    captures, losses = scan(edit_member(2, b"WARC-Type: response", b"warc-type: response"))
    assert hosts(captures) == all_but()
    assert captures[2].content_digest == WHOLE[2].content_digest
    assert losses == {}


def test_a_changed_body_is_kept_and_flagged() -> None:
    captures, losses = scan(edit_member(2, b"User-agent: bot2", b"User-agent: b0t2"))
    assert captures[2].digest_ok is False
    assert captures[2].content_digest != WHOLE[2].content_digest
    assert losses == {}


def test_several_records_in_one_member_are_all_read() -> None:
    joined = gzip.compress(gzip.decompress(FILE), mtime=0)
    captures, losses = scan(joined)
    assert hosts(captures) == all_but()
    assert {capture.warc_record_offset for capture in captures} == {0}
    assert losses == {}


def test_a_member_with_a_file_name_in_its_header_is_read() -> None:
    out = BytesIO()
    with gzip.GzipFile("name.warc", "wb", fileobj=out) as file:
        file.write(gzip.decompress(response_member(2)))
    captures, losses = scan(replace_member(2, out.getvalue()))
    assert hosts(captures) == all_but()
    assert losses == {}


def test_a_body_that_looks_like_a_member_does_not_split_its_record() -> None:
    body = b"\x1f\x8b\x08\x00" * 50
    old = b"User-agent: bot2\nDisallow: /15838\n"
    content = gzip.decompress(response_member(2)).replace(old, body[: len(old)])
    captures, losses = scan(replace_member(2, gzip.compress(content, compresslevel=0, mtime=0)))
    assert hosts(captures) == all_but()
    assert captures[2].body == body[: len(old)]
    assert losses == {}


def test_a_member_that_never_ends_inflating_is_bounded() -> None:
    bomb = gzip.compress(bytes(MAX_MEMBER_BYTES + (1 << 17)), mtime=0)
    captures, losses = scan(replace_member(2, bomb))
    assert hosts(captures) == all_but(2)
    assert losses[LossReason.OVERSIZED_MEMBER] == (1, len(bomb))


def test_a_body_of_megabytes_is_read_whole() -> None:
    body = b"Disallow: /%d\n" * 400_000
    block = b"HTTP/1.1 200 OK\r\n\r\n" + body
    large = write_record("response", "https://large.example/robots.txt", 9, block, body)
    for data in (large + FILE, FILE + large):
        captures, losses = scan(data)
        assert len(captures) == N_HOSTS + 1
        found = next(capture for capture in captures if capture.host == "large.example")
        assert (found.body, found.digest_ok, found.warc_record_length) == (body, True, len(large))
        assert losses == {}


def test_what_a_damaged_file_gives_is_what_its_sound_members_give() -> None:
    damaged = with_bytes(RESPONSE_STARTS[0] + 40, b"\x00\x00\x00")
    captures, _ = scan(damaged)
    assert captures == WHOLE[1:]


def test_an_empty_member_is_no_record() -> None:
    captures, losses = scan(replace_member(2, gzip.compress(b"", mtime=0)))
    assert hosts(captures) == all_but(2)
    assert losses[LossReason.BAD_WARC_HEADER][0] == 1


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_is_damaged_no_wrong_capture_and_no_silent_loss(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["cut", "flip", "insert", "delete"]))
    at = data.draw(st.integers(0, len(FILE) - 1))
    some = data.draw(st.binary(min_size=1, max_size=40))
    damaged = {
        "cut": FILE[:at],
        "flip": with_bytes(at, bytes([FILE[at] ^ (some[0] or 1)])),
        "insert": FILE[:at] + some + FILE[at:],
        "delete": FILE[:at] + FILE[at + len(some) :],
    }[kind]
    captures, losses = scan(damaged)
    known = {(capture.url, capture.body) for capture in WHOLE}
    assert {(capture.url, capture.body) for capture in captures} <= known
    assert len(captures) == N_HOSTS or losses or at in (0, *STARTS)
