"""The URLs of hosts found in the index of pages: all of them, of no other host, and no byte read in vain."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshots.archive import FileDamaged, FolderArchive
from snapshots.footers import Footer, parse_footer, read_footer
from snapshots.host_urls import (
    URL_ROWS,
    authorities_of,
    groups_of_heads,
    heads_of,
    iter_url_rows,
    planned_url_ranges,
)

CRAWL = "CC-MAIN-2024-10"
NAMES = ["aa.example", "ex.example", "exam.example", "exam-ple.example", "examp.example", "www.zz.example"]


class CountingArchive(FolderArchive):
    """A folder that remembers which ranges were asked of it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked: list[tuple[int, int]] = []

    def read_range(self, path: str, start: int, stop: int) -> bytes:
        self.asked.append((start, stop))
        return super().read_range(path, start, stop)


def heads(*authorities: str) -> pa.Array:
    return pa.array(sorted({head for name in authorities for head in heads_of(name)}), pa.string())


def open_part(root: Path, path: str) -> tuple[CountingArchive, Footer]:
    archive = CountingArchive(root)
    footer = parse_footer(read_footer(archive, path))
    archive.asked.clear()
    return archive, footer


def find(root: Path, paths: list[str], wanted: pa.Array) -> list[str]:
    found: list[str] = []
    for path in paths:
        archive, footer = open_part(root, path)
        for _, rows in iter_url_rows(archive, path, footer, wanted):
            assert rows.schema == URL_ROWS
            found += rows["url"].to_pylist()
    return found


def test_http_and_https_with_and_without_www_share_a_head() -> None:
    assert set(heads_of("www.example.com")) >= {"com,example)"}
    assert heads_of("example.com:80")[0] == heads_of("example.com")[0] == "com,example)"
    assert heads_of("example.com:8080")[0] == "com,example:8080)"
    assert heads_of("") == ()


def test_a_host_stands_for_itself_and_its_other_form() -> None:
    assert authorities_of("example.com") == ("example.com", "www.example.com")
    assert authorities_of("www.example.com") == ("www.example.com", "example.com")
    assert authorities_of("192.0.2.1") == ("192.0.2.1",)


def test_all_urls_of_the_hosts_are_found_and_no_others(tmp_path: Path, pages: Any) -> None:
    urls = [f"https://{name}/p{i}" for name in NAMES for i in range(4)]
    urls += [f"http://{name}/p{i}" for name in NAMES for i in range(2)]
    paths = pages.write_pages(tmp_path, CRAWL, urls)
    for name in NAMES:
        wanted = sorted(url for url in urls if f"//{name}/" in url)
        assert sorted(find(tmp_path, paths, heads(name))) == wanted


def test_pages_that_were_not_answered_with_200_are_left_out(tmp_path: Path, pages: Any) -> None:
    wanted = ["https://a.example/ok"]
    others = [pages.Page(f"https://a.example/{status}", status) for status in (203, 206, 301, 404)]
    assert (
        find(tmp_path, pages.write_pages(tmp_path, CRAWL, [*wanted, *others]), heads("a.example")) == wanted
    )


def test_a_group_without_a_wanted_head_is_not_read(tmp_path: Path, pages: Any) -> None:
    urls = [f"https://h{i:02d}.example/{j}" for i in range(10) for j in range(3)]
    (path,) = pages.write_pages(tmp_path, CRAWL, urls, n_parts=1, rows_per_group=3)
    archive, footer = open_part(tmp_path, path)
    wanted = heads("h04.example", "h07.example", "h.example", "zz.example")
    assert [group.number for group in groups_of_heads(footer, wanted)] == [4, 7]
    assert sum(rows.num_rows for _, rows in iter_url_rows(archive, path, footer, wanted)) == 6
    assert archive.asked == list(planned_url_ranges(footer, wanted, gap=0))
    assert not groups_of_heads(footer, heads("zz.example"))
    assert not groups_of_heads(footer, pa.array([], pa.string()))


def test_only_the_keys_are_read_of_a_group_that_turns_out_to_have_none(tmp_path: Path, pages: Any) -> None:
    (path,) = pages.write_pages(tmp_path, CRAWL, ["https://a.example/", "https://z.example/"], n_parts=1)
    archive, footer = open_part(tmp_path, path)
    assert list(iter_url_rows(archive, path, footer, heads("m.example"))) == []
    assert archive.asked == [footer.row_groups[0].chunks["url_surtkey"]]


@pytest.mark.parametrize("statistics", [True, False])
def test_a_part_without_bounds_is_read(tmp_path: Path, pages: Any, statistics: bool) -> None:
    urls = [f"https://{name}/" for name in NAMES]
    paths = pages.write_pages(tmp_path, CRAWL, urls, write_statistics=statistics)
    assert find(tmp_path, paths, heads("exam.example")) == ["https://exam.example/"]


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["", "a", "b?c=1", "z"])), max_size=30),
    st.sets(st.sampled_from(NAMES)),
    st.integers(1, 6),
)
@settings(max_examples=25, deadline=None)
def test_the_cut_of_the_index_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    pages: Any,
    drawn: list[tuple[str, str]],
    names: set[str],
    rows_per_group: int,
) -> None:
    root = tmp_path_factory.mktemp("index")
    urls = [f"https://{name}/{path}" for name, path in drawn]
    paths = pages.write_pages(root, CRAWL, urls, n_parts=3, rows_per_group=rows_per_group)
    expected = sorted(f"https://{name}/{path}" for name, path in drawn if name in names)
    assert sorted(find(root, paths, heads(*sorted(names)))) == expected


def test_a_damaged_part_is_named(tmp_path: Path, pages: Any) -> None:
    (path,) = pages.write_pages(tmp_path, CRAWL, [f"https://a.example/{i}" for i in range(40)], n_parts=1)
    archive, footer = open_part(tmp_path, path)
    data = bytearray((tmp_path / path).read_bytes())
    start, stop = footer.row_groups[0].chunks["url_surtkey"]
    data[start:stop] = bytes(stop - start)
    (tmp_path / path).write_bytes(data)
    with pytest.raises(FileDamaged, match="part-00000"):
        list(iter_url_rows(archive, path, footer, heads("a.example")))
