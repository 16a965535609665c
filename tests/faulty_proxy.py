"""A server between a program and another server, which goes wrong now and then, and keeps a log of it."""

import http.client
import random
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

SLOW_DOWN = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)
# Asked to wait; done, but the answer is lost; an answer that is cut short.
REFUSED, LOST, CUT = "refused", "lost_answer", "cut_answer"
_OWN = frozenset(["connection", "transfer-encoding", "keep-alive"])


class FaultyProxy:
    """Forwards to `upstream` from `with` to its end; of the requests a share goes wrong, by a fixed seed."""

    def __init__(self, upstream: str, share: float = 0.1, seed: int = 1) -> None:
        self._upstream, self._share = urlsplit(upstream).netloc, share
        self._chance, self._lock = random.Random(seed), threading.Lock()
        self.faults: Counter[str] = Counter()
        self.n_requests = 0

    def __enter__(self) -> "FaultyProxy":
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:  # the other side has gone
                    self.close_connection = True

            def __getattr__(self, name: str) -> Any:
                if name.startswith("do_"):
                    return lambda: proxy._answer(self)
                raise AttributeError(name)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _draw(self, method: str) -> str:
        """What goes wrong with the next request, if anything."""
        with self._lock:
            self.n_requests += 1
            if self._chance.random() >= self._share:
                return ""
            fault = self._chance.choice((REFUSED, LOST, CUT) if method == "GET" else (REFUSED, LOST))
            self.faults[f"{method} {fault}"] += 1
            return fault

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        fault = self._draw(handler.command)
        if fault == REFUSED:
            _send(handler, 503, [("Content-Type", "application/xml")], SLOW_DOWN)
            return
        link = http.client.HTTPConnection(self._upstream, timeout=60)
        try:
            headers = {name: value for name, value in handler.headers.items() if name.lower() != "expect"}
            link.request(handler.command, handler.path, body, headers)
            answer = link.getresponse()
            content = answer.read()
        finally:
            link.close()
        handler.close_connection = bool(fault)
        if fault != LOST:
            cut = len(content) // 2 if fault == CUT else None
            _send(handler, answer.status, answer.getheaders(), content, cut)


def _send(
    handler: BaseHTTPRequestHandler,
    status: int,
    headers: list[tuple[str, str]],
    content: bytes,
    cut: int | None = None,
) -> None:
    """Send an answer, or its beginning alone; that of HEAD has no content, but says how much it would be."""
    handler.send_response_only(status)
    is_head = handler.command == "HEAD"
    for name, value in headers:
        if name.lower() not in _OWN and (is_head or name.lower() != "content-length"):
            handler.send_header(name, value)
    if not is_head:
        handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    if not is_head:
        handler.wfile.write(content if cut is None else content[:cut])
