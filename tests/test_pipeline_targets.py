"""Which URLs a release is asked for, under which keys, and which files and index parts are read for them."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.archive_tables import CAPTURES
from pipeline.keys import keys_path, read_keys, write_keys
from pipeline.parts import Output, rows_to_table, write_part
from pipeline.releases import files_of_urls
from pipeline.stages.capture import ListedFile
from pipeline.storage.folder import FolderStorage
from pipeline.targeted import keys_of
from pipeline.targets import find_targets, study_urls
from pipeline.tasks import Stage
from snapshots.shards import url_serial

RELEASE, OLD = "CC-MAIN-2024-10", "CC-MAIN-2016-44"
A, B, C, D, E, F, G = (f"http://{name}.example/robots.txt" for name in "abcdefg")


def url(host: str, scheme: str = "http") -> str:
    return f"{scheme}://{host}/robots.txt"


def captured(folder: Path, *moves: tuple[str, int, str | None]) -> Output:
    """A part of captures: URL, status and target of each."""
    rows = [
        {
            "snapshot": RELEASE,
            "url": here,
            "fetch_time": datetime(2024, 3, 4),
            "fetch_status": status,
            "fetch_redirect": target,
            "warc_filename": "x.warc.gz",
            "warc_record_offset": n,
        }
        for n, (here, status, target) in enumerate(moves)
    ]
    cells = [tuple(row.get(name) for name in CAPTURES.schema.names) for row in rows]
    stem = f"{len(list(folder.glob('*.parquet')))}"
    return write_part(FolderStorage(folder), stem, CAPTURES, rows_to_table(CAPTURES, cells))


def targets(folder: Path, asked: list[str], *outputs: Output) -> list[str]:
    found = find_targets(FolderStorage(folder), outputs, pa.array(asked, pa.string()))
    return found.to_pylist()  # type: ignore[no-any-return]


# ---- URLs and keys


def test_a_study_asks_for_the_four_urls_of_every_host_each_once() -> None:
    hosts = ["www.a.example", "a.example", "b.example:8080", "192.0.2.7"]
    urls = study_urls(hosts).to_pylist()
    assert urls == sorted(
        [url(host, scheme) for host in ("a.example", "www.a.example") for scheme in ("http", "https")]
        + [
            url(host, scheme)
            for host in ("b.example:8080", "www.b.example:8080")
            for scheme in ("http", "https")
        ]
        + [url("192.0.2.7", scheme) for scheme in ("http", "https")]
    )


def test_no_host_gives_no_url_and_no_key() -> None:
    assert study_urls([]).to_pylist() == study_urls([":80"]).to_pylist() == []
    assert keys_of([]).to_pylist() == keys_of(["", "mailto:a@example.org", "no url"]).to_pylist() == []
    assert keys_of([]).type == study_urls([]).type == pa.string()


def test_keys_are_distinct_and_sorted_as_the_index_is() -> None:
    keys = keys_of(study_urls(["b.example", "a.example", "ä.example"]).to_pylist()).to_pylist()
    assert keys == sorted(set(keys))
    assert {"example,a)/robots.txt", "example,b)/robots.txt"} <= set(keys)


def test_a_list_of_keys_is_named_by_what_it_holds_and_written_once(tmp_path: Path) -> None:
    keys, others, storage = pa.array(["a", "b"]), pa.array(["a", "c"]), FolderStorage(tmp_path)
    write_keys(storage, keys)
    path = tmp_path / keys_path(keys)
    before = path.stat().st_ino
    write_keys(storage, keys)
    assert path.stat().st_ino == before
    assert keys_path(keys) != keys_path(others)
    assert read_keys(storage, keys_path(keys)) == keys
    write_keys(storage, pa.array([], pa.string()))
    assert read_keys(storage, keys_path(pa.array([], pa.string()))).to_pylist() == []


# ---- redirects


def test_targets_are_followed_for_five_hops_over_all_parts_and_no_further(tmp_path: Path) -> None:
    hops = [(A, 301, B), (B, 302, C), (C, 303, D), (D, 307, E), (E, 308, F), (F, 301, G)]
    assert targets(tmp_path, [A], captured(tmp_path, *hops)) == [B, C, D, E, F]
    assert targets(tmp_path, [A], captured(tmp_path, *hops[1::2]), captured(tmp_path, *hops[::2])) == [
        *(B, C, D, E, F)
    ]


def test_only_redirects_from_urls_of_the_study_count(tmp_path: Path) -> None:
    part = captured(tmp_path, (B, 301, C), (A, 200, D), (A, 404, E), (A, 301, None))
    assert targets(tmp_path, [A], part) == []
    assert targets(tmp_path, [B], part) == [C]


def test_loops_end_and_what_is_asked_is_no_target(tmp_path: Path) -> None:
    part = captured(tmp_path, (A, 301, B), (B, 301, A), (C, 301, C), (D, 301, A))
    assert targets(tmp_path, [A, C, D], part) == [B]


def test_several_captures_of_one_url_lead_to_all_their_targets(tmp_path: Path) -> None:
    assert targets(tmp_path, [A], captured(tmp_path, (A, 301, B), (A, 302, C), (A, 200, None))) == [B, C]


def test_without_captures_there_are_no_targets(tmp_path: Path) -> None:
    assert targets(tmp_path, [A]) == []
    assert targets(tmp_path, [A], captured(tmp_path)) == []


# ---- files that can hold a URL


def listed(n_serials: int | None, n_files: int = 4) -> list[ListedFile]:
    return [ListedFile(RELEASE, f"{s}/{n}.warc.gz", n, n_serials) for s in range(2) for n in range(n_files)]


def test_the_shard_law_names_one_file_of_every_segment_for_a_url() -> None:
    files = files_of_urls(listed(4), pa.array([A]))
    serial = url_serial(A, 4)
    assert [file.warc_filename for file in files] == [f"0/{serial}.warc.gz", f"1/{serial}.warc.gz"]


def test_where_the_law_does_not_hold_every_file_may_hold_a_url() -> None:
    assert files_of_urls(listed(None), pa.array([A])) == listed(None)
    assert files_of_urls([], pa.array([A])) == []


# ---- what is read of an archive


@pytest.fixture
def many(archives: Any, tmp_path: Path) -> Any:
    """A release of sixty hosts in many small files and index parts."""
    answers = [archives.Answer(url(f"h{n:02d}.example"), b"User-agent: %d\n" % n) for n in range(60)]
    moved = archives.moved(url("from.example"), url("zz.test", "https"))
    shape = archives.Shape(n_files=60, n_parts=6, rows_per_group=5)
    return archives.write_archive(tmp_path / "archive", {RELEASE: [*answers, *moved]}, shape)[RELEASE]


def test_only_parts_and_row_groups_that_can_hold_a_key_are_read(
    studies: Any, many: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = studies.TargetedStudy(tmp_path / "study", ("h07.example", "h31.example"))
    asked = studies.watch(monkeypatch)
    study.run(Stage.DISCOVER)
    assert sorted(asked.paths("tail")) == sorted(many.parts), "one footer each"
    asked.questions.clear()
    study.run(Stage.CAPTURE)
    # Sorted by key, eleven hosts to a part but for from.example, which is the first: 7 is in the first part,
    # 31 in the third; each is in one of its row groups of five.
    touched = {path for path, _, _ in asked.ranges("cc-index/")}
    assert touched == {many.parts[0], many.parts[2]}
    n_bytes = sum(stop - start for _, start, stop in asked.ranges("cc-index/"))
    sizes = [(tmp_path / "archive" / path).stat().st_size for path in touched]
    assert n_bytes < 0.5 * sum(sizes)
    assert asked.paths("file") == asked.paths("tail") == []
    assert len(asked.ranges("/robotstxt/CC-MAIN")) == 2


def test_parts_of_redirect_targets_are_read_after_those_of_the_study(
    studies: Any, many: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = studies.TargetedStudy(tmp_path / "study", ("from.example",))
    study.run(Stage.DISCOVER)
    asked = studies.watch(monkeypatch)
    study.run(Stage.CAPTURE)
    order = list(dict.fromkeys(path for path, _, _ in asked.ranges("cc-index/")))
    assert order == [many.parts[0], many.parts[5]]
    study.run()
    assert study.ask("SELECT n_hops, end_url, end_reason FROM answers") == [
        (1, url("zz.test", "https"), "final")
    ]


def test_shard_mode_reads_the_files_of_the_study_and_then_those_of_its_targets(
    studies: Any, many: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = studies.TargetedStudy(tmp_path / "study", ("from.example",), "shard")
    study.run(Stage.DISCOVER)
    asked = studies.watch(monkeypatch)
    study.run(Stage.CAPTURE)
    first = {url_serial(u, 60) for u in study_urls(["from.example"]).to_pylist()}
    serials = [int(path[-13:-8]) for path in asked.paths("file")]
    assert set(serials[: 2 * len(first)]) == first
    assert set(serials[2 * len(first) :]) == {url_serial(url("zz.test", "https"), 60)} - first
    assert len(serials) == len(set(asked.paths("file"))) < 12 < len(many.warcs), "each file once"
    study.run()
    assert study.ask("SELECT end_reason, n_hops FROM answers") == [("final", 1)]
    assert study.ask("SELECT mode, n_files_planned, n_files_read FROM snapshots") == [
        ("shard", len(serials), len(serials))
    ]


def test_shard_mode_reads_every_file_where_the_law_does_not_hold(
    archives: Any, studies: Any, tmp_path: Path
) -> None:
    answers = [archives.Answer(url(f"h{n}.example"), b"User-agent: %d\n" % n) for n in range(9)]
    archives.write_archive(tmp_path / "archive", {OLD: answers})
    study = studies.TargetedStudy(tmp_path / "study", ("h4.example",), "shard")
    study.run()
    assert study.ask("SELECT mode, n_files_planned, n_files_read FROM snapshots") == [("shard", 16, 16)]
    assert study.ask("SELECT host FROM answers") == [("h4.example",)]


@pytest.mark.parametrize("sites", [("zzz.test",), (":80",)])
def test_hosts_of_which_no_part_can_tell_are_a_study_all_the_same(
    studies: Any, many: Any, tmp_path: Path, sites: tuple[str, ...]
) -> None:
    study = studies.TargetedStudy(tmp_path / "study", sites)
    summaries = study.run(*studies.DATASET)
    assert summaries[Stage.CAPTURE].n_tasks == 0
    assert many.parts
    assert study.ask("SELECT count(*) FROM captures") == [(0,)]
    assert study.ask("SELECT host, access_state FROM host_snapshots") == [(sites[0], "not_captured")]
    assert study.ask("SELECT n_files_planned, n_files_read FROM snapshots") == [(6, 6)]
