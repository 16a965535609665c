"""Reading over http from a real server on this machine that fails in all the ways servers do."""

import http.server
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from snapshots.archive import FileDamaged, FileMissing, Refused, open_archive
from snapshots.pace import Pace
from snapshots.remote import RemoteArchive, user_agent

CONTENT = bytes(range(256)) * 1000


@dataclass
class Server:
    """What the server is to do next (then: answer well), and what it was asked."""

    address: str = ""
    faults: list[str] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)
    agents: list[str | None] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    always: str = ""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def send(self, status: int, body: bytes, stated: int | None = None, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if stated is None else stated))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        if stated is not None:
            self.close_connection = True

    def do_GET(self) -> None:
        state = self.state
        state.ranges.append(self.headers.get("Range"))
        state.agents.append(self.headers.get("User-Agent"))
        state.times.append(time.monotonic())
        fault = state.faults.pop(0) if state.faults else state.always
        if self.path.endswith("missing"):
            self.send(404, b"<Error><Code>NoSuchKey</Code></Error>")
        elif fault.isdigit():
            self.send(int(fault), b"<Error><Code>SlowDown</Code></Error>")
        elif fault == "loop":
            self.send(302, b"", Location="/x")
        elif fault == "drop":
            self.close_connection = True
        else:
            self.send_content(fault)

    def send_content(self, fault: str) -> None:
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if fault == "no range":
            start = 0
        rest = CONTENT[start:]
        etag = '"1"' if fault != "changed" else '"2"'
        if start:
            first = start + 1 if fault == "wrong range" else start
            spans = f"bytes {first}-{len(CONTENT) - 1}/{len(CONTENT)}"
            self.send(
                206, rest[: 50_000 if fault == "cut" else None], len(rest), ETag=etag, Content_Range=spans
            )
        else:
            self.send(200, rest[: 50_000 if fault == "cut" else None], len(rest), ETag=etag)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()
    handler = type("OneHandler", (Handler,), {"state": state})
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.address = f"http://127.0.0.1:{listener.server_port}/"
    yield state
    listener.shutdown()
    thread.join()
    listener.server_close()


def archive_of(server: Server, attempts: int = 6, cooldown_s: float = 0.0) -> RemoteArchive:
    return RemoteArchive(server.address, Pace(0, cooldown_s), "https://example.org/us", attempts, 0.01)


def read(server: Server, path: str = "a/b.warc.gz") -> bytes:
    with archive_of(server) as archive:
        return archive.read(path)


def test_a_file_is_read_whole_by_one_honest_request(server: Server) -> None:
    assert read(server) == CONTENT
    assert server.ranges == [None]
    assert server.agents == [user_agent("https://example.org/us")]
    assert str(server.agents[0]).startswith("crawlcensus/")
    assert "(+https://example.org/us)" in str(server.agents[0])


def test_404_is_missing_and_asked_once(server: Server) -> None:
    with pytest.raises(FileMissing, match="missing: not in the archive"):
        read(server, "missing")
    assert len(server.ranges) == 1


@pytest.mark.parametrize("status", ["429", "500", "502", "503", "504"])
def test_busy_answers_are_tried_again(server: Server, status: str) -> None:
    server.faults = [status, status]
    assert read(server) == CONTENT
    assert len(server.ranges) == 3


def test_lost_connections_are_tried_again(server: Server) -> None:
    server.faults = ["drop", "drop"]
    assert read(server) == CONTENT


def test_a_cut_body_is_continued_where_it_was_cut(server: Server) -> None:
    server.faults = ["cut", "cut"]
    assert read(server) == CONTENT
    assert server.ranges == [None, "bytes=50000-", "bytes=100000-"]


def test_a_cut_body_and_a_busy_server_in_turn(server: Server) -> None:
    server.faults = ["cut", "503", "drop", "cut"]
    assert read(server) == CONTENT


def test_a_server_without_ranges_starts_again(server: Server) -> None:
    server.faults = ["cut", "no range"]
    assert read(server) == CONTENT


@pytest.mark.parametrize("fault", ["wrong range", "416"])
def test_a_range_that_is_not_the_one_asked_starts_again(server: Server, fault: str) -> None:
    server.faults = ["cut", fault]
    assert read(server) == CONTENT
    assert server.ranges == [None, "bytes=50000-", None]


def test_a_body_that_stays_short_is_never_handed_over(server: Server) -> None:
    server.always = "cut"
    with archive_of(server, attempts=3) as archive, pytest.raises((FileDamaged, Refused)):
        archive.read("x")
    assert len(server.ranges) == 3


def test_an_error_page_is_never_the_file(server: Server) -> None:
    server.always = "503"
    with (
        archive_of(server, attempts=3) as archive,
        pytest.raises(Refused, match="x: answered with status 503"),
    ):
        archive.read("x")
    assert len(server.ranges) == 3


def test_a_status_that_no_wait_can_cure_is_not_tried_again(server: Server) -> None:
    server.always = "400"
    with pytest.raises(Refused, match="400"):
        read(server)
    assert len(server.ranges) == 1


def test_403_stops_everything_for_the_cool_down(server: Server) -> None:
    server.faults = ["403"]
    with archive_of(server, cooldown_s=0.4) as archive:
        assert archive.read("x") == CONTENT
    assert server.times[1] - server.times[0] >= 0.4


def test_a_server_that_keeps_refusing_ends_as_refused(server: Server) -> None:
    server.always = "403"
    with archive_of(server, attempts=3) as archive, pytest.raises(Refused, match="403"):
        archive.read("x")


def test_nobody_there_ends_as_refused() -> None:
    unused = RemoteArchive("http://127.0.0.1:9/", Pace(0, 0), "https://example.org", 2, 0.01)
    with unused as archive, pytest.raises(Refused, match="ConnectError"):
        archive.read("x")


def test_an_address_is_opened_with_its_own_pace(server: Server, tmp_path: Path) -> None:
    archive = open_archive(server.address, 20, 0.1, "https://example.org/us", tmp_path / "pace.json")
    assert archive.is_remote
    started = time.monotonic()
    for _ in range(4):
        assert archive.read("x") == CONTENT
    assert time.monotonic() - started >= 3 / 20
    archive.close()


def test_a_redirect_without_end_is_refused(server: Server) -> None:
    server.always = "loop"
    with archive_of(server, attempts=1) as archive, pytest.raises(Refused, match="TooManyRedirects"):
        archive.read("x")
