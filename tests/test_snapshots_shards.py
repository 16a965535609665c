"""The shard law, on real facts, and what happens where it does not hold."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshots.shards import (
    WarcName,
    choose_serials,
    files_by_serial,
    group_files,
    parse_warc_path,
    url_serial,
)

DATA = Path(__file__).parent / "data"
FACTS = list(
    csv.DictReader((DATA / "commoncrawl-shard-law-pairs.csv").read_text(encoding="utf-8").splitlines())
)
BASE = "crawl-data/CC-MAIN-2017-34/segments"


def path(segment: str, serial: int) -> str:
    return f"{BASE}/{segment}/robotstxt/CC-MAIN-20170816170516-20170816190516-{serial:05d}.warc.gz"


def old_path(segment: str, number: int) -> str:
    return f"{BASE}/{segment}/robotstxt/CC-MAIN-20160924173739-{number:05d}-ip-10-1-2-3.ec2.internal.warc.gz"


def test_there_are_28_facts() -> None:
    assert len(FACTS) == 28


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact["url"][:40])
def test_the_law_holds_on_real_files(fact: dict[str, str]) -> None:
    assert url_serial(fact["url"], int(fact["files_per_segment"])) == int(fact["serial_observed"])


def test_bytes_above_127_count_as_negative() -> None:
    h = 1
    for byte in "http://é".encode():
        h = (31 * h + int.from_bytes(bytes([byte]), "big", signed=True)) % 2**32
    assert url_serial("http://é", 1000) == (h % 2**31) % 1000


@given(st.text(), st.integers(1, 1000))
def test_any_url_has_a_serial(url: str, n_files: int) -> None:
    assert 0 <= url_serial(url, n_files) < n_files


def test_names_since_2017_22() -> None:
    name = parse_warc_path(path("1502886102309.55", 73))
    assert name == WarcName("1502886102309.55", "20170816170516", "20170816190516", 73, 73)


def test_names_before_2017_22_have_a_number_but_no_serial() -> None:
    name = parse_warc_path(old_path("1474738659496.36", 12))
    assert name == WarcName("1474738659496.36", "20160924173739", None, None, 12)


@pytest.mark.parametrize(
    "other", ["", "x.warc.gz", "segments/1/warc/CC-MAIN-20170816170516-20170816190516-00073.warc.gz"]
)
def test_other_paths_are_none(other: str) -> None:
    assert parse_warc_path(other) is None


def test_files_of_all_segments_lie_under_their_serial() -> None:
    paths = [path(segment, serial) for segment in ("2.1", "1.0") for serial in range(3)]
    shards = group_files(paths)
    assert shards.n_files_per_segment == 3
    assert shards.files[1] == (path("2.1", 1), path("1.0", 1))
    assert files_by_serial(paths) == shards.files


def test_a_segment_may_lack_a_file() -> None:
    paths = [path("1.0", 0), path("1.0", 1), path("1.0", 2), path("2.0", 0), path("2.0", 2)]
    shards = group_files(paths)
    assert shards.n_files_per_segment == 3
    assert shards.files[1] == (path("1.0", 1),)


@pytest.mark.parametrize(
    "paths",
    [
        [old_path(segment, number) for segment in ("1.0", "2.0") for number in range(3)],
        [path("1.0", 0), path("1.0", 0)],
        [path("1.0", 0), path("1.0", 5)],
        [path("1.0", 0), old_path("1.0", 1)],
        ["a/x.warc.gz", "b/y.warc.gz"],
        [],
    ],
    ids=["old names", "a serial twice", "a gap", "mixed names", "other names", "no files"],
)
def test_where_the_law_does_not_hold_files_are_grouped_in_order(paths: list[str]) -> None:
    shards = group_files(paths)
    assert shards.n_files_per_segment is None
    assert sorted(file for files in shards.files.values() for file in files) == sorted(paths)


def test_grouped_in_order_means_the_nth_file_of_each_segment() -> None:
    shards = group_files([old_path(segment, number) for segment in ("1.0", "2.0") for number in (7, 9)])
    assert shards.files == {
        0: (old_path("1.0", 7), old_path("2.0", 7)),
        1: (old_path("1.0", 9), old_path("2.0", 9)),
    }


def test_serials_are_spread_evenly() -> None:
    assert choose_serials(range(100), 4) == (0, 25, 50, 75)
    assert choose_serials(range(10), 3) == (0, 3, 6)


def test_all_serials_when_none_or_too_many_are_asked() -> None:
    assert choose_serials([2, 0, 1], None) == (0, 1, 2)
    assert choose_serials(range(3), 5) == (0, 1, 2)


def test_less_than_one_serial_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        choose_serials(range(3), 0)


@given(st.sets(st.integers(0, 2000), min_size=1), st.integers(1, 50))
def test_k_distinct_serials_whatever_their_order(serials: set[int], k: int) -> None:
    chosen = choose_serials(serials, k)
    assert len(set(chosen)) == len(chosen) == min(k, len(serials))
    assert set(chosen) <= serials
    assert chosen == choose_serials(sorted(serials, reverse=True), k)
