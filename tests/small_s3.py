"""A small server that speaks as much S3 as a storage asks for, keeps its conditions, and fails on demand."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REFUSAL = "<Error><Code>{code}</Code><Message>as the test wants it</Message></Error>"


@dataclass
class SmallS3:
    """What it stores, by path, and how it fails: counts go down with each failure."""

    is_honest: bool = True
    refuses_with: tuple[int, str] | None = None
    n_lost_answers: int = 0
    n_conflicts: int = 0
    n_cut: int = 0
    keeps: str = ""
    objects: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    address: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def serve(self) -> Iterator["SmallS3"]:
        handler = type("Handler", (_Handler,), {"s3": self})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def put(self, path: str, data: bytes, by: str, is_conditional: bool) -> tuple[int, str]:
        """Status and code; atomic, as the real ones are."""
        with self._lock:
            if self.n_conflicts and is_conditional:
                self.n_conflicts -= 1
                return 409, "ConditionalRequestConflict"
            if is_conditional and self.is_honest and path in self.objects:
                return 412, "PreconditionFailed"
            self.objects[path] = (data, by)
            return 200, ""

    def takes(self, fault: str) -> bool:
        """Whether a fault is due."""
        with self._lock:
            n = int(getattr(self, fault))
            setattr(self, fault, max(0, n - 1))
            return n > 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    s3: SmallS3

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if self._is_refused():
            return
        by = self.headers.get("x-amz-meta-by", "")
        status, code = self.s3.put(self.path, data, by, self.headers.get("If-None-Match") == "*")
        if status == 200 and self.s3.takes("n_lost_answers"):
            self.close_connection = True
            return
        self._answer(status, REFUSAL.format(code=code).encode() if code else b"")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self._is_refused():
            return
        errors = (
            f"<Error><Key>{self.s3.keeps}</Key><Code>AccessDenied</Code></Error>" if self.s3.keeps else ""
        )
        self._answer(200, f"<DeleteResult>{errors}</DeleteResult>".encode())

    def do_GET(self) -> None:
        if self._is_refused():
            return
        found = self.s3.objects.get(self.path)
        if found is None:
            self._answer(404, REFUSAL.format(code="NoSuchKey").encode())
            return
        data, by = found
        span = self.headers.get("Range", "")
        if span and not data:
            self._answer(416, REFUSAL.format(code="InvalidRange").encode())
            return
        self._answer(
            200, data, {"x-amz-meta-by": by}, is_cut=self.command == "GET" and self.s3.takes("n_cut")
        )

    def do_HEAD(self) -> None:
        self.do_GET()

    def _is_refused(self) -> bool:
        self.s3.asked.append(f"{self.command} {self.path}")
        if self.s3.refuses_with is not None:
            status, code = self.s3.refuses_with
            self._answer(status, REFUSAL.format(code=code).encode())
        return self.s3.refuses_with is not None

    def _answer(
        self, status: int, data: bytes, headers: dict[str, str] | None = None, is_cut: bool = False
    ) -> None:
        self.send_response(status)
        for name, value in {"ETag": '"x"', **(headers or {}), "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if is_cut else data)
        self.close_connection = self.close_connection or is_cut
