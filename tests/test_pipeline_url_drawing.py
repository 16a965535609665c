"""Drawing pages: hosts and paths are those that the readers of URLs find, and merging parts loses nothing."""

import hashlib
from collections import Counter
from itertools import pairwise

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.urls import find_path
from pipeline.url_drawing import FRAMES, SAMPLES, draw_pages, find_heads, list_authorities
from pipeline.url_tables import URL_ROWS
from snapshots.host_urls import URL_ROWS as FOUND
from snapshots.urls import split_url

HOSTS = ("a.example", "www.b.example", "c.example:8080", "[2001:db8::1]", "xn--bcher-kva.example")
SCHEMES = st.sampled_from(["http", "https", "HTTPS"])
NAMES = st.sampled_from(
    [*HOSTS, "www.a.example", "A.example", "b.example", "user:pw@a.example", "other.example"]
)
PORTS = st.sampled_from(["", ":80", ":443", ":8080", ":"])
PATHS = st.text(alphabet="ab/?;=&#%.@:", max_size=8).map(lambda text: text and "/" + text)
ODD = st.sampled_from(["?q", "#x", "/", "/robots.txt", "//double", "/a@b:80", "/ä", ""])


@st.composite
def urls(draw: st.DrawFn) -> str:
    name = draw(NAMES)
    port = draw(PORTS) if not name.endswith((":8080", "]")) else ""
    return f"{draw(SCHEMES)}://{name}{port}{draw(PATHS | ODD)}"


def connect() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def reduce(found: list[list[tuple[str, str]]], per_host: int) -> pa.Table:
    """What the row groups of one part give; each is a list of keys and URLs."""
    groups = [
        (number, pa.Table.from_pylist([_row(*pair) for pair in rows], schema=FOUND))
        for number, rows in enumerate(found)
    ]
    with connect() as con:
        con.register("authorities", list_authorities(HOSTS))
        return draw_pages(con, "S", "part", groups, per_host)


def _row(key: str, url: str) -> dict[str, object]:
    return {"url_surtkey": key, "url": url, "fetch_status": 200}


def merge(parts: pa.Table, per_host: int) -> tuple[dict[str, int], dict[str, list[str]]]:
    with connect() as con:
        con.register("parts", parts)
        frames = con.execute(FRAMES.format(parts="parts", per_host=per_host)).fetchall()
        samples = con.execute(SAMPLES.format(parts="parts", per_host=per_host)).fetchall()
    drawn: dict[str, list[str]] = {}
    for _, host, _, path, _ in samples:
        drawn.setdefault(host, []).append(path)
    return {host: n for _, host, n, _ in frames}, drawn


def pages_of(found: list[str]) -> dict[str, set[str]]:
    """The pages of each host by the project's two readers of single URLs."""
    stands_for = {authority: host for _, authority, host in _authorities()}
    pages: dict[str, set[str]] = {}
    for url in found:
        authority = split_url(url)[1]
        path = find_path(url).decode()
        if authority in stands_for and path != "/robots.txt":
            pages.setdefault(stands_for[authority], set()).add(path)
    return pages


def _authorities() -> list[tuple[str, str, str]]:
    return [tuple(row.values()) for row in list_authorities(HOSTS).to_pylist()]  # type: ignore[misc]


@given(st.lists(urls(), max_size=60))
@settings(max_examples=25, deadline=None)
def test_host_and_path_are_those_of_the_url(found: list[str]) -> None:
    n_pages, drawn = merge(reduce([[(url, url) for url in found]], 100), 100)
    expected = pages_of(found)
    assert {host: set(paths) for host, paths in drawn.items()} == expected
    assert n_pages == {host: len(paths) for host, paths in expected.items()}


@given(st.lists(st.integers(0, 40), max_size=60), st.lists(st.integers(0, 60), max_size=4), st.integers(1, 8))
@settings(max_examples=25, deadline=None)
def test_cuts_lose_no_page_and_count_none_twice(numbers: list[int], cuts: list[int], per_host: int) -> None:
    """Pages of one key stand together, as in an index; a cut may part them."""
    rows = sorted((f"example,a)/{n // 3}", f"https://a.example/{n // 3}?{n % 3}") for n in numbers)
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    pieces = [rows[a:b] for a, b in pairwise(bounds) if a < b]
    n_pages, drawn = merge(reduce(pieces, per_host), per_host)
    paths = {url.removeprefix("https://a.example") for _, url in rows}
    ordered = sorted(paths, key=lambda path: hashlib.md5(f"a.example{path}".encode()).hexdigest())
    assert n_pages == ({"a.example": len(paths)} if paths else {})
    assert drawn.get("a.example", []) == ordered[:per_host]


def test_a_row_group_keeps_no_more_than_is_drawn_besides_its_edges() -> None:
    rows = [(f"example,a)/{n:04d}", f"https://a.example/{n:04d}") for n in range(1000)]
    kept = reduce([rows], 10)
    assert kept.schema == URL_ROWS.schema
    assert kept.num_rows <= 12
    assert set(kept["n_inner"].to_pylist()) == {998}


def test_nothing_found_gives_nothing() -> None:
    assert reduce([], 5).num_rows == 0
    assert merge(URL_ROWS.schema.empty_table(), 5) == ({}, {})
    assert find_heads(list_authorities([])).to_pylist() == []


def test_every_authority_stands_for_one_host() -> None:
    rows = _authorities()
    owners = {(authority, host) for _, authority, host in rows}
    assert len(owners) == len({authority for authority, _ in owners})
    assert ("example,b)", "b.example", "www.b.example") in rows


def test_each_page_is_as_likely_as_any_other() -> None:
    """600 hosts with the same twenty pages, five drawn of each: every page comes in a quarter of them."""
    columns = "'S' AS snapshot, 'h' || h || '.example' AS host, '/' || p AS path, path AS url"
    with connect() as con:
        con.execute(f"CREATE TABLE parts AS SELECT {columns} FROM range(600) AS h (h), range(20) AS p (p)")
        drawn = con.execute(SAMPLES.format(parts="parts", per_host=5)).fetchall()
    counts = Counter(path for _, _, _, path, _ in drawn)
    # 150 expected, standard deviation 10.6.
    assert len(counts) == 20
    assert min(counts.values()) > 150 - 4 * 10.6
    assert max(counts.values()) < 150 + 4 * 10.6


@pytest.mark.parametrize("n", [1, 3])
def test_a_draw_holds_the_smaller_draw(n: int) -> None:
    rows = [(f"example,a)/{i}", f"https://a.example/{i}") for i in sorted(map(str, range(30)))]
    larger, smaller = (merge(reduce([rows], k), k)[1]["a.example"] for k in (10, n))
    assert larger[:n] == smaller
