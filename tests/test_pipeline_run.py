"""A run of a study: nothing is done twice, nothing is lost, and everything that changed is done again."""

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pytest

from pipeline.execute import StageSummary, TasksMissingError
from pipeline.layout import Layout
from pipeline.listing import iter_outputs
from pipeline.locking import FolderInUseError, hold_folder
from pipeline.manifest import StageMissingError, read_manifest
from pipeline.receipts import iter_short
from pipeline.run import RUNNERS, run_stages
from pipeline.stages import declare, store
from pipeline.study import Study, StudyError, read_study
from pipeline.tasks import Receipt, SkipCount, Stage, State

DEMO = Path(__file__).parents[1] / "pipeline" / "demo"
OLD, MIDDLE, NEW = "CC-MAIN-2023-40", "CC-MAIN-2024-10", "CC-MAIN-2026-08"
FILES = (Stage.DISCOVER, Stage.CAPTURE, Stage.DECLARE)
TABLES = (*FILES, Stage.LOAD)
EVERYTHING = tuple(stage for stage in RUNNERS if stage not in (Stage.PROBE, Stage.URLS))
DATASET = tuple(stage for stage in EVERYTHING if stage is not Stage.REPORT)


@dataclass
class Place:
    """A folder with an archive of its own and a study file, to be run in this process."""

    folder: Path
    crawls: tuple[str, ...] = (OLD, NEW)
    extra: str = ""
    workers: int = 1

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def study(self) -> Study:
        path = self.folder / "study.toml"
        path.write_text(
            f'[study]\nname = "small"\n[archive]\nroot = "archive"\ncrawls = {json.dumps(self.crawls)}\n'
            f'[output]\nfolder = "out"\n[engine]\nworkers = {self.workers}\n'
            f'[sites]\nfile = "{DEMO / "sites.csv"}"\n{self.extra}',
            encoding="utf-8",
        )
        return read_study(path)

    def run(self, *stages: Stage, allow_missing: bool = False) -> dict[Stage, StageSummary]:
        summaries = run_stages(self.study(), stages, allow_missing)
        return {summary.stage: summary for summary in summaries}

    def ask(self, query: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.out / "census.duckdb"), read_only=True) as con:
            return con.execute(query).fetchall()

    def warcs(self, snapshot: str) -> list[Path]:
        return sorted((self.archive / "crawl-data" / snapshot).rglob("*.warc.gz"))

    def remove_warcs(self) -> None:
        """Prove that nobody reads them any more."""
        for path in self.archive.rglob("*.warc.gz"):
            path.unlink()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    shutil.copytree(DEMO / "archive", tmp_path / "archive")
    return Place(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A study that has been run to its end, undisturbed, with one worker; not to be changed."""
    folder = tmp_path_factory.mktemp("finished")
    shutil.copytree(DEMO / "archive", folder / "study" / "archive")
    Place(folder / "study").run(*EVERYTHING)
    shutil.copytree(folder / "study", folder / "kept")
    return Place(folder / "kept")


@pytest.fixture
def again(finished: Place) -> Place:
    """The finished study where it was run, for a test to change."""
    folder = finished.folder.with_name("study")
    shutil.rmtree(folder)
    shutil.copytree(finished.folder, folder)
    return Place(folder)


def files_below(folder: Path, below: str = "") -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / below).rglob("*"))
        if path.is_file()
    }


def moments(folder: Path) -> dict[str, tuple[int, int]]:
    """When each file was written last, and which file it is."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.stat().st_ino)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def stored_receipts(out: Path, stage: str) -> list[Path]:
    return sorted((out / "receipts" / stage).rglob("*.json"))


def n_run(summaries: dict[Stage, StageSummary]) -> dict[Stage, int]:
    return {stage: summary.n_tasks_run for stage, summary in summaries.items()}


def assert_every_sound_body_is_there(place: Place) -> None:
    lacking = place.ask(
        "SELECT DISTINCT c.content_digest FROM captures AS c ANTI JOIN bodies USING (content_digest)"
        " WHERE c.fetch_status BETWEEN 200 AND 299 AND c.digest_ok IS DISTINCT FROM false"
    )
    assert lacking == []


def test_a_run_leaves_the_products_and_nothing_half_written(finished: Place) -> None:
    names = {path.name for path in finished.out.iterdir()} - {".lock"}
    assert names == {
        "census.duckdb",
        "dataset",
        "faults",
        "lists",
        "manifest.json",
        "receipts",
        "report",
        "report.html",
        "runs",
        "tables",
    }
    assert (finished.out / "dataset" / "datapackage.json").is_file()
    assert not [
        path for path in finished.out.rglob("*") if path.name.startswith(".") and path.name != ".lock"
    ]
    assert_every_sound_body_is_there(finished)


def test_the_receipts_are_the_plan(finished: Place) -> None:
    manifest = read_manifest(Layout(finished.out))
    assert tuple(manifest.stages) == tuple(sorted(EVERYTHING))
    for stage in FILES:
        entry, receipts = manifest.stages[stage], stored_receipts(finished.out, stage)
        assert len(receipts) == entry.n_tasks > 0
        assert not [path for path in receipts if path.name.endswith(".short.json")]
        assert entry.n_short == 0


def test_the_manifest_lists_exactly_the_parts_that_are_there(finished: Place) -> None:
    layout = Layout(finished.out)
    entries = read_manifest(layout).stages.values()
    listed = [output.path for entry in entries for output in iter_outputs(layout, entry)]
    assert len(listed) == len(set(listed))
    assert set(listed) == files_below(finished.out, "tables").keys()
    lists = {entry.listing for entry in entries if entry.listing}
    assert lists == files_below(finished.out, "lists").keys()


def test_a_run_with_nothing_to_do_does_nothing(again: Place) -> None:
    before, content = moments(again.out), files_below(again.out)
    again.remove_warcs()
    assert set(n_run(again.run(*EVERYTHING)).values()) == {0}
    after = moments(again.out)
    written = {name for name in before | after if before.get(name) != after.get(name)}
    assert {name for name in written if not name.startswith("lists/")} <= {"manifest.json"}
    assert files_below(again.out) == content, "the manifest and its lists are the same, byte for byte"


def test_every_run_says_what_it_did_and_a_run_without_work_adds_no_row(again: Place) -> None:
    rows = [json.loads(path.read_text("utf-8")) for path in sorted((again.out / "runs").glob("*.json"))]
    assert sorted(row["stage"] for row in rows) == sorted(EVERYTHING)
    assert len({row["run"] for row in rows}) == 1
    again.run(*EVERYTHING)
    assert len(list((again.out / "runs").glob("*.json"))) == len(rows)


def test_two_workers_give_the_dataset_of_one(finished: Place, tmp_path: Path) -> None:
    shutil.copytree(DEMO / "archive", tmp_path / "archive")
    other = Place(tmp_path, workers=2)
    other.run(*DATASET)
    assert files_below(other.out / "dataset") == files_below(finished.out / "dataset")
    assert files_below(other.out / "tables") == files_below(finished.out / "tables")


def test_a_new_snapshot_reads_its_own_files_alone(again: Place) -> None:
    old_parts = moments(again.out / "tables" / "captures")
    for path in (*again.warcs(OLD), *again.warcs(NEW)):
        path.unlink()
    again.crawls = (OLD, MIDDLE, NEW)
    summaries = again.run(*TABLES)
    assert n_run(summaries)[Stage.DISCOVER] == 1
    assert summaries[Stage.CAPTURE].n_tasks == 12
    assert summaries[Stage.CAPTURE].n_tasks_run == 4
    assert old_parts.items() <= moments(again.out / "tables" / "captures").items()
    assert again.ask("SELECT DISTINCT snapshot FROM captures ORDER BY 1") == [(OLD,), (MIDDLE,), (NEW,)]
    assert_every_sound_body_is_there(again)
    digests = again.ask(
        f"SELECT content_digest FROM read_parquet('{again.out}/tables/contents/*.parquet')"
        " GROUP BY 1 HAVING count(*) > 1"
    )
    assert digests == []


def test_a_snapshot_less_leaves_its_rows_out_of_the_warehouse(again: Place) -> None:
    again.remove_warcs()
    again.crawls = (NEW,)
    assert n_run(again.run(*TABLES)) == {
        Stage.DISCOVER: 0,
        Stage.CAPTURE: 0,
        Stage.DECLARE: 0,
        Stage.LOAD: 1,
    }
    assert again.ask("SELECT DISTINCT snapshot FROM captures") == [(NEW,)]
    unused = again.ask("SELECT count(*) FROM bodies ANTI JOIN captures USING (content_digest)")
    assert unused == [(0,)]


def test_tracked_agents_change_the_warehouse_and_nothing_before_it(again: Place) -> None:
    again.remove_warcs()
    again.extra = '[agents]\ntrack = ["GPTBot", "ccbot"]\n'
    summaries = n_run(again.run(*TABLES))
    assert [summaries[stage] for stage in TABLES] == [0, 0, 0, 1]
    assert not {Stage.ANALYSE, Stage.PUBLISH, Stage.REPORT} & set(read_manifest(Layout(again.out)).stages)
    assert again.ask("SELECT agent FROM agents WHERE is_tracked ORDER BY 1") == [("CCBot",), ("GPTBot",)]


def test_another_registry_declares_again_without_reading_warc_files(again: Place) -> None:
    again.remove_warcs()
    header = "agent,operator,purpose,control_token,first_listed,date_basis,honours_robots,source\n"
    registry = again.folder / "agents.csv"
    registry.write_text(header + "GPTBot,OpenAI,training,false,,,undocumented,\n", encoding="utf-8")
    again.extra = '[agents]\nregistry = "agents.csv"\n'
    summaries = again.run(*TABLES)
    assert n_run(summaries)[Stage.CAPTURE] == 0
    assert summaries[Stage.DECLARE].n_tasks_run == summaries[Stage.DECLARE].n_tasks > 0
    assert again.ask("SELECT agent FROM agents") == [("GPTBot",)]
    assert again.ask("SELECT count(DISTINCT registry_digest) FROM readings") == [(1,)]


def test_another_list_of_dialects_declares_again_without_reading_warc_files(again: Place) -> None:
    again.remove_warcs()
    again.extra = '[declare]\ndialects = ["google"]\n'
    summaries = n_run(again.run(*TABLES))
    assert summaries[Stage.CAPTURE] == 0
    assert summaries[Stage.DECLARE] > 0
    assert again.ask("SELECT DISTINCT dialect FROM readings ORDER BY 1") == [("google",), ("rfc9309",)]
    assert again.ask("SELECT dialect FROM dialects WHERE is_default") == [("rfc9309",)]
    again.extra = ""
    assert n_run(again.run(*TABLES))[Stage.DECLARE] == 0, "the receipts of the first list still stand"
    assert again.ask("SELECT count(DISTINCT dialect) FROM readings") == [(6,)]


def test_another_site_list_changes_the_warehouse_and_nothing_before_it(again: Place) -> None:
    again.remove_warcs()
    sites = again.folder / "few.csv"
    sites.write_text("host,stratum\nchoir.example,x\n", encoding="utf-8")
    study = replace(again.study(), sites_file=sites)
    summaries = {summary.stage: summary for summary in run_stages(study, TABLES)}
    assert [n_run(summaries)[stage] for stage in TABLES] == [0, 0, 0, 1]
    assert again.ask("SELECT host, stratum FROM sites") == [("choir.example", "x")]


def test_more_serials_read_only_the_files_of_the_new_ones(place: Place) -> None:
    template = Place(place.folder, (NEW,))
    two = replace(template.study(), serials=2)
    assert run_stages(two, TABLES)[1].n_tasks_run == 2
    for path in place.warcs(NEW):
        if path.name.endswith(("-00000.warc.gz", "-00002.warc.gz")):
            path.unlink()
    every = run_stages(template.study(), TABLES)
    assert (every[1].n_tasks, every[1].n_tasks_run) == (4, 2)
    assert_every_sound_body_is_there(template)


def test_a_missing_file_stops_the_run_and_is_named_with_the_way_on(place: Place) -> None:
    gone = place.warcs(OLD)[1]
    gone.unlink()
    with pytest.raises(TasksMissingError) as caught:
        place.run(*FILES)
    assert str(gone.relative_to(place.archive)) in str(caught.value)
    assert "1 of 4 tasks are not complete" in str(caught.value)
    assert "--allow-missing" in str(caught.value)
    assert Stage.CAPTURE not in read_manifest(Layout(place.out)).stages


def test_what_is_missing_by_leave_is_recorded_in_manifest_losses_and_coverage(place: Place) -> None:
    gone = place.warcs(OLD)[1]
    gone.unlink()
    place.run(*DATASET, allow_missing=True)
    layout = Layout(place.out)
    entry = read_manifest(layout).stages[Stage.CAPTURE]
    assert entry.n_short == 1
    assert SkipCount(OLD, "capture", "missing_file", 1, 0) in entry.skips
    (short,) = iter_short(layout, Stage.CAPTURE)
    assert (short.label, short.state) == (f"{OLD}/00001", State.PARTIAL)
    assert short.missing == (gone.relative_to(place.archive).as_posix(),)
    assert place.ask("SELECT snapshot, n_files_planned, n_files_read FROM snapshots ORDER BY 1") == [
        (OLD, 8, 7),
        (NEW, 8, 8),
    ]
    assert place.ask("SELECT n_records FROM losses WHERE reason = 'missing_file'") == [(1,)]
    coverage = (place.out / "dataset" / "coverage.csv").read_text("utf-8").splitlines()
    assert coverage[1].startswith(f"{OLD},scan,8,7,0.875000,")


def test_a_file_that_comes_back_is_read_with_its_bodies(place: Place, finished: Place) -> None:
    gone = place.warcs(NEW)[2]
    data = gone.read_bytes()
    gone.unlink()
    place.run(*TABLES, allow_missing=True)
    gone.write_bytes(data)
    assert place.run(*TABLES)[Stage.CAPTURE].n_tasks_run == 1
    assert_every_sound_body_is_there(place)
    query = "SELECT * EXCLUDE content FROM bodies ORDER BY ALL"
    assert place.ask(query) == finished.ask(query)


def test_captures_that_were_deleted_are_read_again_and_the_store_stays_whole(again: Place) -> None:
    part = sorted((again.out / "tables" / "captures").rglob("*.parquet"))[0]
    before = part.read_bytes()
    part.unlink()
    assert again.run(*TABLES)[Stage.CAPTURE].n_tasks_run == 1
    assert part.read_bytes() == before
    assert_every_sound_body_is_there(again)


def test_a_store_that_fails_keeps_what_was_staged_for_the_next_run(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Receipt:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(store, "_read_range", fail)
        place.run(*FILES, allow_missing=True)
    place.run(*TABLES)
    assert_every_sound_body_is_there(place)


def test_a_release_that_is_done_does_not_touch_what_another_has_staged(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(snapshot: str, staged: object) -> tuple[object, ...]:
        if snapshot == NEW:
            raise KeyboardInterrupt
        return plan(snapshot, staged)

    plan: Callable[..., tuple[object, ...]] = store.plan
    with monkeypatch.context() as patch:
        patch.setattr(store, "plan", die)
        with pytest.raises(KeyboardInterrupt):
            place.run(*FILES)
    assert place.run(*TABLES)[Stage.CAPTURE].n_tasks_run == 0
    assert_every_sound_body_is_there(place)
    assert not (place.out / "staging").exists()


def test_a_task_that_fails_stops_the_stage_with_its_reason_and_is_tried_again(
    again: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Receipt:
        raise RuntimeError("the moon is full")

    for path in stored_receipts(again.out, "declare"):
        path.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(declare, "find_dialect", fail)
        with pytest.raises(TasksMissingError, match="RuntimeError: the moon is full"):
            again.run(*FILES)
    assert again.run(*FILES)[Stage.DECLARE].n_tasks_run > 0
    states = [json.loads(path.read_text("utf-8"))["state"] for path in stored_receipts(again.out, "declare")]
    assert set(states) == {State.DONE}, "what failed has been put away"


def test_files_of_a_failed_task_count_as_planned_and_not_as_read(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.stages import capture

    def fail(data: object, *rest: object) -> object:
        if next(calls) == 0:
            raise MemoryError
        return scan(data, *rest)

    calls, scan = iter(range(100)), capture.scan_warc
    monkeypatch.setattr(capture, "scan_warc", fail)
    place.run(*TABLES, allow_missing=True)
    assert place.ask("SELECT n_files_planned, n_files_read FROM snapshots ORDER BY snapshot") == [
        (8, 6),
        (8, 8),
    ]
    assert place.ask("SELECT n_records FROM losses WHERE reason = 'failed_task'") == [(1,)]


def test_a_stage_alone_wants_the_stage_before_it(place: Place) -> None:
    for stage, before in zip(EVERYTHING[1:], EVERYTHING[:-1], strict=True):
        if stage is not Stage.REPORT:
            with pytest.raises(StageMissingError, match=f"the stage {before} is not complete"):
                place.run(stage)


def test_a_stage_whose_ground_has_changed_says_so(again: Place) -> None:
    again.crawls = (NEW,)
    again.run(Stage.DISCOVER)
    with pytest.raises(StageMissingError, match="capture is older than discover"):
        again.run(Stage.DECLARE)


def test_a_snapshot_that_the_archive_lacks_is_named_with_the_nearest(place: Place) -> None:
    place.crawls = ("CC-MAIN-2024-11",)
    with pytest.raises(StudyError, match=r"\[archive\] crawls: unknown snapshot CC-MAIN-2024-11; near: "):
        place.run(Stage.DISCOVER)


def test_an_archive_that_is_asked_without_limit_is_refused_as_a_study_error(place: Place) -> None:
    study = replace(place.study(), archive_root="https://archive.invalid/", requests_per_s=0.0)
    with pytest.raises(StudyError, match=r"\[archive\] requests_per_s: 0 cannot be used for https"):
        run_stages(study, FILES)


def test_a_path_list_that_is_damaged_fails_its_release_by_name(place: Place) -> None:
    listing = place.archive / "crawl-data" / OLD / "robotstxt.paths.gz"
    listing.write_bytes(listing.read_bytes()[:20])
    with pytest.raises(TasksMissingError, match=f"{OLD}: FileDamaged: crawl-data/{OLD}/robotstxt.paths.gz"):
        place.run(*FILES)


def test_an_archive_without_files_gives_an_empty_warehouse(place: Place) -> None:
    for snapshot in (OLD, NEW):
        listing = place.archive / "crawl-data" / snapshot / "robotstxt.paths.gz"
        listing.write_bytes(gzip.compress(b""))
    place.run(*DATASET)
    assert place.ask("SELECT count(*) FROM captures") == [(0,)]
    assert place.ask("SELECT n_files_planned FROM snapshots") == [(0,), (0,)]


def test_a_second_run_at_once_is_refused_and_says_who_holds_the_folder(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "out")
    with hold_folder(layout):
        with pytest.raises(FolderInUseError, match=r"out is in use by process \d+ on "), hold_folder(layout):
            pytest.fail("held twice")
        with pytest.raises(FolderInUseError), hold_folder(layout):
            pytest.fail("the refusal let go of the folder")
    with hold_folder(layout):
        pass
