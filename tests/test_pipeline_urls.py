"""The stage `urls`: the sample of a host is what brute force draws, however often the run was stopped."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pipeline.cli import main
from pipeline.commands.stages import print_plan
from pipeline.execute import TasksMissingError
from pipeline.manifest import StageMissingError
from pipeline.run import run_stages, stages_of
from pipeline.study import StudyError, read_study
from pipeline.tasks import Stage, State
from pipeline.url_drawing import find_heads, list_authorities
from pipeline.url_preview import estimate_drawing
from snapshots.archive import FolderArchive
from snapshots.footers import list_index_parts, parse_footer, read_footer
from snapshots.host_urls import planned_url_ranges
from snapshots.part_reader import GAP_REMOTE

ONE, TWO = "CC-MAIN-2024-10", "CC-MAIN-2024-18"
HOSTS = ("big.example", "small.example", "www.other.example", "port.example:8080", "none.example")
PER_HOST = 6
NEEDED = (Stage.DISCOVER, Stage.CAPTURE, Stage.DECLARE, Stage.URLS, Stage.LOAD)

BIG = [f"https://big.example/{word}/{i}?q={i % 3}" for word in ("news", "a", "Z") for i in range(9)]
PAGES = [
    *BIG,
    *(url.replace("https:", "http:") for url in BIG[:5]),
    *(url.replace("big.", "www.big.") for url in BIG[3:9]),
    *BIG[:2],
    "https://big.example/NEWS/1?q=1",
    "https://big.example/robots.txt",
    "https://www.small.example",
    "https://small.example/a#part",
    "http://small.example:80/b",
    "https://small.example:443/b",
    "https://small.example:8443/not-its-own",
    "https://other.example/x",
    "https://www.other.example/x",
    "https://www2.other.example/y",
    "http://port.example:8080/p",
    "http://port.example/no",
    "https://sub.big.example/no",
    "https://bigger.example/no",
]

EVERY = find_heads(list_authorities([urlsplit(url).netloc for url in PAGES]))


def draw(urls: list[str], host: str) -> tuple[int, list[str]]:
    """How many pages a host has, and the paths of its sample in order, by the rule in words."""
    bare = host.removeprefix("www.")
    paths = set()
    for url in urls:
        parts = urlsplit(url)
        port = parts.port if parts.port != {"http": 80, "https": 443}[parts.scheme] else None
        authority = f"{parts.hostname}:{port}" if port else parts.hostname
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        if authority in (bare, f"www.{bare}") and path != "/robots.txt":
            paths.add(path)
    ordered = sorted(paths, key=lambda path: hashlib.md5((host + path).encode()).hexdigest())
    return len(paths), ordered[:PER_HOST]


def expected(urls: list[str]) -> dict[str, tuple[int, list[str]]]:
    return {host: found for host in HOSTS if (found := draw(urls, host))[0]}


@pytest.fixture
def make(tmp_path: Path, archives: Any, pages: Any, studies: Any) -> Any:
    """Makes a study of two releases, the second with the pages of `second`."""

    def make_study(keys: str = f"per_host = {PER_HOST}", second: tuple[str, ...] = (), **cut: int) -> Any:
        root = tmp_path / "archive"
        answers = [archives.Answer(f"https://{host}/robots.txt", archives.OPEN) for host in HOSTS]
        archives.write_archive(root, {ONE: answers, TWO: answers})
        pages.write_pages(root, ONE, PAGES, **cut)
        pages.write_pages(root, TWO, second, **cut)
        return studies.TargetedStudy(tmp_path / "study", HOSTS, archive_keys=f"[urls]\n{keys}")

    return make_study


def ask_samples(study: Any, snapshot: str = ONE) -> dict[str, tuple[int, list[str]]]:
    rows = study.ask(
        "SELECT host, n_urls_seen, list(path ORDER BY place) FROM url_frames JOIN url_samples"
        f" USING (snapshot, host) WHERE snapshot = '{snapshot}' GROUP BY ALL ORDER BY host"
    )
    return {host: (n, paths) for host, n, paths in rows}


def test_the_sample_is_the_pages_with_the_smallest_hashes(make: Any) -> None:
    study = make()
    study.run(*NEEDED)
    assert ask_samples(study) == expected(PAGES)
    assert study.ask("SELECT * FROM url_snapshots ORDER BY ALL") == [
        (ONE, PER_HOST, 4, 4),
        (TWO, PER_HOST, 0, 0),
    ]
    counts = study.ask("SELECT n_urls_sampled, n_urls_seen FROM url_frames WHERE host = 'big.example'")
    assert counts == [(PER_HOST, 28)]


@pytest.mark.parametrize(("n_parts", "rows_per_group"), [(1, 100), (1, 1), (7, 2), (40, 1)])
def test_where_the_index_is_cut_changes_no_sample(make: Any, n_parts: int, rows_per_group: int) -> None:
    study = make(n_parts=n_parts, rows_per_group=rows_per_group)
    study.run(*NEEDED)
    assert ask_samples(study) == expected(PAGES)


def test_a_page_keeps_its_place_among_those_that_are_still_there(make: Any) -> None:
    study = make(second=tuple(BIG[::2]))
    study.run(*NEEDED)
    assert ask_samples(study, TWO)["big.example"] == draw(BIG[::2], "big.example")
    kept = [path for path in draw(PAGES, "big.example")[1] if f"https://big.example{path}" in BIG[::2]]
    assert ask_samples(study, TWO)["big.example"][1][: len(kept)] == kept


def test_the_other_form_of_a_host_stands_for_itself_where_the_study_has_both(make: Any) -> None:
    study = make()
    study.sites = ("big.example", "www.big.example")
    study.run(*NEEDED)
    frames = dict(study.ask("SELECT host, n_urls_seen FROM url_frames"))
    assert frames == {"big.example": 28, "www.big.example": 6}


def test_a_second_run_reads_nothing(make: Any, studies: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    study = make()
    study.run(*NEEDED)
    asked = studies.watch(monkeypatch)
    assert study.run(*NEEDED)[Stage.URLS].n_tasks_run == 0
    assert asked.paths("range", "subset=warc") == asked.paths("tail", "subset=warc") == []
    assert [path for path in asked.paths("file") if "cc-index" in path] == []


def test_a_part_is_read_once_and_only_where_a_host_may_stand(
    make: Any, studies: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make()
    study.run(Stage.DISCOVER, Stage.CAPTURE)
    asked = studies.watch(monkeypatch)
    study.run(Stage.URLS)
    ranges = asked.ranges("subset=warc")
    assert len(ranges) == len(set(ranges)) > 0
    assert asked.paths("file", "robotstxt") == []


def test_a_missing_part_stops_the_stage_until_it_is_allowed(make: Any, tmp_path: Path) -> None:
    study = make()
    study.run(Stage.DISCOVER, Stage.CAPTURE, Stage.DECLARE)
    study.run(Stage.URLS)
    parts = sorted((tmp_path / "archive").rglob(f"crawl={ONE}/subset=warc/*.parquet"))
    again = replace(study, folder=tmp_path / "again")
    again.run(Stage.DISCOVER, Stage.CAPTURE, Stage.DECLARE)
    data = parts[1].read_bytes()
    parts[1].unlink()
    with pytest.raises(TasksMissingError, match="part-00001"):
        again.run(Stage.URLS)
    again.run(Stage.URLS, Stage.LOAD, allow_missing=True)
    assert again.ask(f"SELECT n_parts_read FROM url_snapshots WHERE snapshot = '{ONE}'") == [(3,)]
    parts[1].write_bytes(data)
    again.run(Stage.URLS, Stage.LOAD)
    assert ask_samples(again) == expected(PAGES)


def test_only_the_wanted_releases_are_sampled(make: Any) -> None:
    study = make('per_host = 2\ncrawls = "last"')
    study.run(*NEEDED)
    assert study.ask("SELECT snapshot, per_host FROM url_snapshots") == [(TWO, 2)]
    study.archive_keys = f'[urls]\nper_host = 2\ncrawls = ["{ONE}"]'
    study.run(*NEEDED)
    assert study.ask("SELECT snapshot FROM url_snapshots") == [(ONE,)]
    study.archive_keys = '[urls]\nper_host = 2\ncrawls = ["CC-MAIN-1999-01"]'
    with pytest.raises(StudyError, match="CC-MAIN-1999-01 is no release of the study"):
        study.run(Stage.URLS)


def test_without_the_section_nothing_is_drawn(make: Any) -> None:
    study = make()
    study.archive_keys = ""
    assert Stage.URLS not in stages_of(study.study())
    study.run(*(stage for stage in NEEDED if stage is not Stage.URLS))
    assert study.ask("SELECT count(*) FROM url_snapshots") == [(0,)]


def test_a_study_file_that_draws_urls_names_its_hosts(make: Any) -> None:
    study = make()
    study.sites = None
    study.mode = "scan"
    with pytest.raises(StudyError, match=r"\[urls\]: URLs are drawn of the hosts of \[sites\] file"):
        read_study(study.write())


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ("", "per_host: this key is missing"),
        ("per_host = 0", "per_host: 0"),
        ("per_host = 1\ncrawls = 3", "3"),
    ],
)
def test_wrong_keys_are_named(make: Any, keys: str, what: str) -> None:
    with pytest.raises(StudyError, match=what):
        read_study(make(keys).write())


def test_the_plan_says_what_is_left(make: Any, capsys: pytest.CaptureFixture[str]) -> None:
    study = make()

    def plan() -> str:
        print_plan(study.study(), (Stage.URLS,))
        return capsys.readouterr().out

    assert "run `crawlcensus discover`" in plan()
    study.run(Stage.DISCOVER)
    capsys.readouterr()
    assert "estimated from one part" in plan()
    study.run(Stage.URLS)
    capsys.readouterr()
    assert "urls: 0 of 4 parts of the index of pages left" in plan()
    for receipt in (study.out / "receipts" / "urls").rglob("*.json"):
        receipt.unlink()
    assert "urls: 4 of 4 parts of the index of pages left, at most" in plan()


def test_a_hostile_server_changes_nothing_and_is_asked_for_nothing_twice(
    make: Any, tmp_path: Path, faulty_server: Any
) -> None:
    study = make()
    faulty_server.folder = tmp_path / "archive"
    study.root = faulty_server.address
    study.archive_keys = f"requests_per_s = 0\ncooldown_s = 0.05\n{study.archive_keys}"
    study.run(Stage.DISCOVER, Stage.CAPTURE, Stage.DECLARE)
    faulty_server.forget()
    faulty_server.faults = ["503", "drop", "", "cut", "403", "", "slow", "page"]
    done = study.run(Stage.URLS, Stage.LOAD)[Stage.URLS]
    assert ask_samples(study) == expected(PAGES)
    assert done.counts["requests"] == faulty_server.n_requests()
    faulty_server.forget()
    study.run(Stage.URLS)
    assert faulty_server.n_requests() == 0
    assert {receipt.state for receipt in study.receipts("urls")} == {State.DONE}


def test_a_run_in_several_processes_draws_the_same(make: Any, tmp_path: Path) -> None:
    study = make()
    study.run(*NEEDED)
    parallel = replace(study, folder=tmp_path / "parallel", workers=2)
    run_stages(parallel.study(), NEEDED)
    assert ask_samples(parallel) == ask_samples(study)


def test_status_names_the_stage(make: Any, capsys: pytest.CaptureFixture[str]) -> None:
    study = make()
    study.run(Stage.DISCOVER, Stage.CAPTURE)
    assert main(["status", str(study.write())]) == 1
    assert "urls      to do" in capsys.readouterr().out.splitlines()
    study.run(Stage.URLS)
    capsys.readouterr()
    main(["status", str(study.write())])
    assert "urls      done: " in capsys.readouterr().out


def test_an_older_draw_is_not_loaded(make: Any) -> None:
    """Another set of releases was discovered since: what was drawn belongs to the old one."""
    study = make()
    study.run(*NEEDED)
    study.crawls = (ONE,)
    study.run(Stage.DISCOVER, Stage.CAPTURE, Stage.DECLARE)
    with pytest.raises(StageMissingError, match="the stage urls is older than discover"):
        study.run(Stage.LOAD)
    study.run(Stage.URLS, Stage.LOAD)
    assert study.ask("SELECT snapshot FROM url_snapshots") == [(ONE,)]


def test_the_estimate_is_of_all_that_is_read(make: Any, tmp_path: Path) -> None:
    """Every row group is touched where hosts are many: then the estimate is the exact cost, list included."""
    make()
    archive = FolderArchive(tmp_path / "archive")
    paths = list_index_parts(archive, ONE, "warc")
    footers = [parse_footer(read_footer(archive, path)) for path in paths]
    exact = sum(len(planned_url_ranges(footer, EVERY, GAP_REMOTE)) for footer in footers)
    cost = estimate_drawing(archive, ONE, n_heads=10_000)
    assert abs(cost.n_requests - (1 + len(paths) + exact)) <= len(paths)
    assert estimate_drawing(archive, ONE, n_heads=1).n_requests <= 1 + len(paths) + 2
