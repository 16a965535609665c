"""The arms that the project is compared with: inflating, iterating, and the usual ways to read robots.txt."""

import zlib
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from urllib.robotparser import RobotFileParser

from fastwarc.warc import ArchiveIterator, WarcRecordType
from protego import Protego
from warcio.archiveiterator import ArchiveIterator as WarcioIterator

from consent.agents import read_registry

N_AGENTS = 60
GZIP_HEADER = 10

CanFetch = Callable[[str, str], bool]


def inflate(path: Path, library: ModuleType = zlib) -> int:
    """Inflates every gzip member in one call each; the members' equal headers say where they begin."""
    data = path.read_bytes()
    view, header, decompress = memoryview(data), data[:GZIP_HEADER], library.decompress
    start, n_members = 0, 0
    while start >= 0:
        after = data.find(header, start + GZIP_HEADER)
        decompress(view[start : after if after >= 0 else len(data)], 31)
        start, n_members = after, n_members + 1
    return (n_members - 1) // 2  # a warcinfo record, then a request and a response per capture


def has_isal() -> bool:
    """Whether ISA-L is installed."""
    return find_spec("isal") is not None


def inflate_isal(path: Path) -> int:
    """The same with ISA-L, the fastest inflater that Python has a package for."""
    from isal import isal_zlib

    return inflate(path, isal_zlib)


def iterate_fastwarc(path: Path) -> int:
    """Iterates the response records and reads nothing of them."""
    return sum(1 for _ in ArchiveIterator(str(path), record_types=WarcRecordType.response, parse_http=False))


def iterate_fastwarc_http(path: Path) -> int:
    """As FastWARC is used by default: with the HTTP headers parsed."""
    return sum(1 for _ in ArchiveIterator(str(path), record_types=WarcRecordType.response))


def read_fastwarc(path: Path) -> int:
    """What any verifying reader needs at least: WARC headers, block and SHA-1 of every response."""
    from hashlib import sha1

    n_captures = 0
    for record in ArchiveIterator(str(path), record_types=WarcRecordType.response, parse_http=False):
        dict(record.headers.items_bytes())
        block = record.reader.read()
        sha1(block[block.find(b"\r\n\r\n") + 4 :]).digest()
        n_captures += 1
    return n_captures


def naive_protego(path: Path) -> int:
    """warcio, Protego per record, can_fetch per agent."""
    return _ask_all(path, _parse_protego, is_choosy=False)


def naive_protego_200(path: Path) -> int:
    """The same for status 200 alone: other answers have no rules to ask."""
    return _ask_all(path, _parse_protego, is_choosy=True)


def naive_urllib(path: Path) -> int:
    """warcio, urllib.robotparser per record, can_fetch per agent."""
    return _ask_all(path, _parse_urllib, is_choosy=False)


def _parse_protego(text: str) -> CanFetch:
    return Protego.parse(text).can_fetch  # type: ignore[no-any-return]


def _parse_urllib(text: str) -> CanFetch:
    parser = RobotFileParser()
    parser.parse(text.splitlines())
    return lambda url, agent: parser.can_fetch(agent, url)


def _ask_all(path: Path, parse: Callable[[str], CanFetch], is_choosy: bool) -> int:
    """Asks for the root page and every agent; a choosy reader skips what is not an answer with status 200."""
    agents = asked_agents()
    rows: list[tuple[str, str, bool]] = []
    n_captures = 0
    for url, status, body in _responses(path):
        n_captures += 1
        if status == "200" or not is_choosy:
            can_fetch, root = parse(body.decode("utf-8", "replace")), url.removesuffix("robots.txt")
            rows += [(url, agent, can_fetch(root, agent)) for agent in agents]
    return n_captures


def _responses(path: Path) -> Iterator[tuple[str, str, bytes]]:
    with path.open("rb") as file:
        for record in WarcioIterator(file):
            if record.rec_type == "response":
                url = record.rec_headers.get_header("WARC-Target-URI")
                yield url, record.http_headers.get_statuscode(), record.content_stream().read()


def asked_agents() -> Sequence[str]:
    """The first 60 agents of the registry: what the naive way asks for."""
    return [agent.agent for agent in read_registry().agents[:N_AGENTS]]
