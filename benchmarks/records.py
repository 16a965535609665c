"""WARC records as the archive writes them: a request and a response per capture, one gzip member each."""

import base64
import gzip
import hashlib
import random
from typing import NamedTuple
from uuid import UUID

from bodies import Bodies, html_page

SNAPSHOT = "CC-MAIN-2024-33"
STAMP = "2024-08-06T12:{:02d}:{:02d}Z"
REQUEST = (
    "GET /robots.txt HTTP/1.1\r\nUser-Agent: CCBot/2.0 (https://commoncrawl.org/faq/)\r\n"
    "Accept: text/html,text/plain;q=0.9,*/*;q=0.8\r\nAccept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: br,gzip\r\n"
)

# kind of answer, share of captures, status line; what is left over answers 500
MIX = (
    ("text", 0.62826, "200 OK"),
    ("html-404", 0.25, "404 Not Found"),
    ("redirect", 0.05, "301 Moved Permanently"),
    ("refused", 0.03, "403 Forbidden"),
    ("unavailable", 0.02, "503 Service Unavailable"),
    ("html-200", 0.02, "200 OK"),
    ("error", 0.0, "500 Internal Server Error"),
)
STATUS = {kind: status for kind, _, status in MIX}


class Answer(NamedTuple):
    """One capture before it is written; body is the number of a text body, None for a page."""

    url: str
    host: str
    kind: str
    body: int | None


def warc_file(answers: list[Answer], bodies: Bodies, rng: random.Random) -> bytes:
    """A whole file: a warcinfo record, then request and response of every answer."""
    members = [
        _record(
            "warcinfo", rng, [("Content-Type", "application/warc-fields")], b"isPartOf: " + SNAPSHOT.encode()
        )
    ]
    for answer in answers:
        members += _exchange(answer, bodies, rng)
    return b"".join(members)


def _exchange(answer: Answer, bodies: Bodies, rng: random.Random) -> tuple[bytes, bytes]:
    """The gzip members of the request and the response."""
    body = _body(answer, bodies, rng)
    kind = "text/plain" if answer.kind == "text" else "text/html"
    common = [("WARC-IP-Address", f"192.0.2.{rng.randrange(1, 255)}"), ("WARC-Target-URI", answer.url)]
    request = f"{REQUEST}Host: {answer.host}\r\nConnection: Keep-Alive\r\n\r\n".encode()
    block = _http_head(answer, kind, len(body), rng) + body
    digests = [
        ("WARC-Payload-Digest", _sha1(body)),
        ("WARC-Block-Digest", _sha1(block)),
        ("WARC-Identified-Payload-Type", kind),
    ]
    return (
        _record("request", rng, [("Content-Type", "application/http; msgtype=request"), *common], request),
        _record(
            "response",
            rng,
            [("Content-Type", "application/http; msgtype=response"), *common, *digests],
            block,
        ),
    )


def _body(answer: Answer, bodies: Bodies, rng: random.Random) -> bytes:
    if answer.body is not None:
        return bodies.distinct[answer.body]
    return html_page(int(STATUS[answer.kind][:3]), answer.host, rng)


def _http_head(answer: Answer, kind: str, length: int, rng: random.Random) -> bytes:
    server = rng.choice(("nginx", "Apache", "cloudflare", "Microsoft-IIS/10.0", "LiteSpeed"))
    lines = [
        f"HTTP/1.1 {STATUS[answer.kind]}",
        f"Server: {server}",
        "Date: Tue, 06 Aug 2024 12:00:00 GMT",
        f"Content-Type: {kind}",
        f"X-Crawler-Content-Length: {length // 3}",
        f"Content-Length: {length}",
        "Connection: keep-alive",
    ]
    if answer.kind == "redirect":
        lines.append(f"Location: https://{answer.host}/robots.txt")
    if server == "cloudflare":
        lines += [f"CF-RAY: {rng.getrandbits(64):016x}-IAD", "CF-Cache-Status: DYNAMIC"]
    if rng.random() < 0.5:
        lines += [
            f'ETag: "{rng.getrandbits(48):x}"',
            "Last-Modified: Mon, 01 Jul 2024 08:00:00 GMT",
            "Cache-Control: max-age=3600",
        ]
    if rng.random() < 0.5:
        lines += [
            "Vary: Accept-Encoding",
            "X-Crawler-Content-Encoding: gzip",
            "Strict-Transport-Security: max-age=31536000",
        ]
    return "\r\n".join([*lines, "", ""]).encode()


def _record(record_type: str, rng: random.Random, headers: list[tuple[str, str]], block: bytes) -> bytes:
    stamp = STAMP.format(rng.randrange(60), rng.randrange(60))
    lines = [
        "WARC/1.0",
        f"WARC-Type: {record_type}",
        f"WARC-Date: {stamp}",
        f"WARC-Record-ID: <urn:uuid:{UUID(int=rng.getrandbits(128))}>",
        f"Content-Length: {len(block)}",
        *(f"{name}: {value}" for name, value in headers),
        "",
        "",
    ]
    return gzip.compress("\r\n".join(lines).encode() + block + b"\r\n\r\n", 6, mtime=0)


def _sha1(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()
