"""Small hosts on loopback that tests may probe, and the studies that do."""

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from pipeline.layout import Layout
from pipeline.listing import iter_outputs
from pipeline.manifest import read_manifest
from pipeline.study import Study, read_study
from pipeline.tasks import Stage

PAGE = b"<title>A page</title><p>Some words that are the same for all who ask for this page of this host.</p>"
ROBOTS = b"User-agent: *\nDisallow: /private\n"
DEAD_PORT = 9
ARMS = ("honest", "honest2", "token:GPTBot")
ALL_AT_ONCE = {"request_gap_s": "0", "domain_interval_s": "0", "block_gap_s": "0", "audit_share": "0"}


class Asked(NamedTuple):
    """One request as the server saw it."""

    host: str
    path: str
    agent: str


class Sites(ThreadingHTTPServer):
    """Serves every name alike: robots.txt, a home page with a link, that page, and 404 for the rest.

    Hosts whose name begins with `block` refuse GPTBot, those with `busy` ask everyone for patience, those
    with `sick` answer 500. When `stop_after` requests have been answered, the next ones wait for `go`.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[Asked] = []
        self.stop_after: int | None = None
        self.go, self.is_waiting = threading.Event(), threading.Event()

    def requests(self, host: str) -> list[Asked]:
        """Those of one host."""
        return [asked for asked in self.asked if asked.host == host]

    def note(self, asked: Asked) -> None:
        """Count a request, and hold it back when it is one too many."""
        self.asked.append(asked)
        if self.stop_after is not None and len(self.asked) > self.stop_after:
            self.is_waiting.set()
            self.go.wait(30)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Those who ask may be killed."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Sites

    def do_GET(self) -> None:
        asked = Asked(self.headers["Host"], self.path, self.headers["User-Agent"])
        self.server.note(asked)
        status, body = _answer(asked)
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if self.path == "/robots.txt" else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def _answer(asked: Asked) -> tuple[int, bytes]:
    name = asked.host.partition(".")[0].rstrip("0123456789")
    if name == "busy":
        return 429, b"too fast"
    if name == "sick":
        return 500, b"oh"
    if name == "block" and "GPTBot" in asked.agent:
        return 403, b"no"
    found = {"/robots.txt": ROBOTS, "/": PAGE + b'<a href="/deep">more</a>', "/deep": PAGE}
    return (200, found[asked.path]) if asked.path in found else (404, b"not here")


@contextmanager
def serve() -> Iterator[Sites]:
    """A running server."""
    with Sites() as sites:
        thread = threading.Thread(target=sites.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield sites
        finally:
            sites.go.set()
            sites.shutdown()
            thread.join()


@dataclass
class ProbeStudy:
    """A study that probes `hosts` on one server; a host that begins with `dead` is nowhere."""

    folder: Path
    port: int
    hosts: Sequence[str] = ("open.test", "block.test")
    identities: Sequence[str] = ARMS
    schedule: dict[str, str] = field(default_factory=ALL_AT_ONCE.copy)
    probe_keys: str = ""
    root: str = "archive"
    more: str = ""

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def file(self) -> Path:
        return self.folder / "study.toml"

    def write(self) -> Path:
        """Write study file, site list and test network; returns the study file's path."""
        (self.folder / "archive").mkdir(parents=True, exist_ok=True)
        (self.folder / "sites.csv").write_text("\n".join(["host", *self.hosts, ""]), encoding="utf-8")
        names = {*self.hosts, "canary.test"}
        rows = [f"{h},127.0.0.1,{DEAD_PORT if h.startswith('dead') else self.port}" for h in sorted(names)]
        (self.folder / "net.csv").write_text("\n".join(["host,address,port", *rows, ""]), encoding="utf-8")
        lines = [
            f'[study]\nname = "probed"\n[archive]\nroot = "{self.root}"\n[output]\nfolder = "out"',
            '[sites]\nfile = "sites.csv"\n[engine]\nworkers = 1',
            f'[probe]\ncontact = "https://census.example/"\nidentities = {json.dumps(self.identities)}',
            f'test_network = "net.csv"\n{self.probe_keys}\n[probe.schedule]',
            *(f"{key} = {value}" for key, value in self.schedule.items()),
            self.more,
        ]
        self.file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return self.file

    def study(self) -> Study:
        return read_study(self.write())

    def ledgers(self) -> list[Path]:
        return sorted(self.out.glob("probe/run=*/ledger*.sqlite"))

    def rows(self) -> list[dict[str, Any]]:
        """Every published observation that a manifest lists, of all runs."""
        layout = Layout(self.out)
        outputs = iter_outputs(layout, read_manifest(layout).stages[Stage.PROBE], "observations")
        parts = [pq.read_table(self.out / output.path, partitioning=None) for output in outputs]
        return [row for part in parts for row in part.to_pylist()]

    def states(self) -> dict[str, str]:
        """Where each host stands."""
        found: dict[str, str] = {}
        for ledger in self.ledgers():
            with sqlite3.connect(ledger) as con:
                found.update(con.execute("SELECT host, state FROM hosts").fetchall())
            con.close()
        return found

    def blocks(self) -> dict[str, set[int]]:
        """The blocks of which each host has observations."""
        found: dict[str, set[int]] = {host: set() for host in self.hosts}
        for row in self.rows():
            found.setdefault(row["host"], set()).add(row["block"])
        return found

    def let_time_pass(self) -> None:
        """Make everything due that waits for its time."""
        for ledger in self.ledgers():
            with sqlite3.connect(ledger) as con:
                con.execute("UPDATE blocks SET due = 0")
                con.execute("UPDATE sites SET next_at = 0")
            con.close()


def asked_twice(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[Any, ...], int]:
    """Questions with more than one observation; empty when nothing was asked twice."""
    keys = ("run", "host", "identity", "block", "target", "hop", "url")
    counts = Counter(tuple(row[key] for key in keys) for row in rows)
    return {key: n for key, n in counts.items() if n > 1}
