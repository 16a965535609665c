"""Builds the benchmark's input: a miniature Common Crawl of robots.txt answers, equal for equal seeds.

The layout is Common Crawl's: collinfo.json, robotstxt.paths.gz and WARC files whose serial follows the shard
law; each file a warcinfo record, then a request and a response record per capture, one gzip member each.
"""

import argparse
import base64
import gzip
import hashlib
import json
import random
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from bodies import Bodies, corpus_folder, html_page, make_bodies

SNAPSHOT = "CC-MAIN-2024-33"
VERSION = 1  # part of the cache key: raise it when the bytes change
N_SEGMENTS, N_SERIALS = 4, 10
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


class Workload(NamedTuple):
    """A built workload: its folder (a Common Crawl layout), files in order, and what it holds."""

    root: Path
    files: tuple[Path, ...]
    n_captures: int
    n_bytes: int
    n_text: int
    n_digests: int
    origin: str


def build(work: Path, n_captures: int, seed: int = 1) -> Workload:
    """The workload under `work`, built unless it is there already."""
    corpus = corpus_folder()
    root = work / f"scan-v{VERSION}-{n_captures}-{seed}-{'real' if corpus else 'made-up'}"
    if not (root / "workload.json").is_file():
        kinds = _kinds(n_captures, seed)
        bodies = make_bodies(kinds.count("text"), seed, corpus)
        _write(root, _answers(kinds, bodies, seed), bodies, seed)
    facts = json.loads((root / "workload.json").read_text())
    return Workload(root, tuple(root / name for name in facts.pop("files")), **facts)


def _kinds(n_captures: int, seed: int) -> list[str]:
    kinds = [kind for kind, share, _ in MIX for _ in range(round(share * n_captures))]
    kinds += ["error"] * (n_captures - len(kinds))
    random.Random(f"kinds {seed}").shuffle(kinds)
    return kinds[:n_captures]


def _answers(kinds: list[str], bodies: Bodies, seed: int) -> list[Answer]:
    """One host per answer, except that every redirect leads from http to the https answer of a text host."""
    rng, picks = random.Random(f"answers {seed}"), iter(bodies.picks)
    hosts = [_host(i, rng) for i in range(len(kinds))]
    text = [i for i, kind in enumerate(kinds) if kind == "text"]
    targets = rng.sample(text, min(kinds.count("redirect"), len(text)))
    secure, sources = set(targets), iter(targets)
    answers = []
    for i, kind in enumerate(kinds):
        host = hosts[next(sources, i)] if kind == "redirect" else hosts[i]
        is_secure = kind != "redirect" and (i in secure or rng.random() < 0.6)
        url = f"http{'s' if is_secure else ''}://{host}/robots.txt"
        answers.append(Answer(url, host, kind, next(picks) if kind == "text" else None))
    return answers


def _host(number: int, rng: random.Random) -> str:
    name = "".join(rng.choices("abcdefghilmnoprstuvz", k=rng.randint(4, 14)))
    prefix, suffix = (
        rng.choice(("www.", "www.", "", "blog.")),
        rng.choice(("com", "com", "org", "de", "co.uk")),
    )
    return f"{prefix}{name}{number:x}.{suffix}"


def url_serial(url: str, n_files: int) -> int:
    """Common Crawl's shard law: Hadoop's Text.hashCode of the URL modulo the number of files per segment."""
    h = 1
    for byte in url.encode():
        h = (31 * h + (byte - 256 if byte > 127 else byte)) & 0xFFFFFFFF
    return (h & 0x7FFFFFFF) % n_files


def _write(root: Path, answers: list[Answer], bodies: Bodies, seed: int) -> None:
    """Writes the layout; workload.json comes last, so that a build that was cut short is built again."""
    by_file: dict[tuple[int, int], list[Answer]] = {
        (s, k): [] for s in range(N_SEGMENTS) for k in range(N_SERIALS)
    }
    rng = random.Random(f"segments {seed}")
    for answer in answers:
        by_file[rng.randrange(N_SEGMENTS), url_serial(answer.url, N_SERIALS)].append(answer)
    names = []
    for (segment, serial), members in by_file.items():
        name = (
            f"crawl-data/{SNAPSHOT}/segments/{1722640454000 + segment}.{segment:02d}/robotstxt/"
            f"CC-MAIN-2024080612{segment:02d}00-2024080615{segment:02d}00-{serial:05d}.warc.gz"
        )
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(_warc_file(members, bodies, random.Random(f"{name} {seed}")))
        names.append(name)
    _write_lists(root, names)
    n_text = Counter(answer.kind for answer in answers)["text"]
    facts = {
        "files": names,
        "n_captures": len(answers),
        "n_bytes": sum((root / name).stat().st_size for name in names),
        "n_text": n_text,
        "n_digests": len(set(bodies.picks)),
        "origin": bodies.origin,
    }
    (root / "workload.json").write_text(json.dumps(facts, indent=1))


def _write_lists(root: Path, names: list[str]) -> None:
    info = {
        "id": SNAPSHOT,
        "name": "August 2024 Index",
        "timegate": "",
        "cdx-api": "",
        "from": "2024-08-03T00:00:00",
        "to": "2024-08-16T00:00:00",
    }
    (root / "collinfo.json").write_text(json.dumps([info]))
    paths = "".join(name + "\n" for name in names).encode()
    (root / "crawl-data" / SNAPSHOT / "robotstxt.paths.gz").write_bytes(gzip.compress(paths, mtime=0))


def _warc_file(answers: list[Answer], bodies: Bodies, rng: random.Random) -> bytes:
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


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--captures", type=int, default=50_000)
    print(build(**{"work": (a := parser.parse_args()).work, "n_captures": a.captures})._replace(files=()))
