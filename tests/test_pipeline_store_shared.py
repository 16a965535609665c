"""A store of bodies that several studies share: what one holds no other fetches, and no result tells."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.layout import Layout
from pipeline.locking import FolderInUseError, hold_folder, hold_folders
from pipeline.store_used import forget_lost
from pipeline.tasks import Stage

FIRST, SECOND = "CC-MAIN-2024-10", "CC-MAIN-2024-18"
STORE = 'store = "../store"'
MINE = [f"h{n}.example" for n in range(12)]
THEIRS = [f"h{n}.example" for n in range(6, 20)]
REFUSED = b"User-agent: *\nDisallow: /h15\n"


def url(host: str) -> str:
    return f"http://{host}/robots.txt"


def body(n: int) -> bytes:
    return b"User-agent: *\nDisallow: /h%d\n" % n


@pytest.fixture(scope="module")
def archive(archives: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases; a host of mine was refused with the very bytes that one of theirs answered with."""
    answers = [archives.Answer(url(f"h{n}.example"), body(n)) for n in range(20)]
    answers[3] = archives.Answer(url("h3.example"), REFUSED, 403)
    answers[4] = archives.Answer(url("h4.example"), REFUSED, digest=archives.digest_of(b"another"))
    assert answers[15].body == REFUSED
    folder = tmp_path_factory.mktemp("shared")
    archives.write_archive(folder / "archive", {FIRST: answers, SECOND: [*answers[:8], answers[9]]})
    return folder / "archive"


@pytest.fixture
def place(archive: Path, tmp_path: Path) -> Path:
    (tmp_path / "archive").symlink_to(archive)
    return tmp_path


def loaded(study: Any, studies: Any) -> list[list[tuple[object, ...]]]:
    """Captures and bodies of a study that is run up to its warehouse."""
    study.run(*studies.FILES, Stage.LOAD)
    return [study.ask(f"FROM {table} ORDER BY ALL") for table in ("captures", "bodies", "readings")]


@pytest.mark.parametrize("mode", ["scan", "index"])
def test_a_second_study_fetches_only_what_the_first_does_not_hold_and_results_are_those_without_sharing(
    studies: Any, archives: Any, place: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    alone = studies.TargetedStudy(place / "alone", MINE, mode, crawls=(FIRST,))
    alone.run(*studies.DATASET)
    theirs = studies.TargetedStudy(place / "theirs", THEIRS, "index", crawls=(FIRST,), store=STORE)
    before, held = loaded(theirs, studies), theirs.stored()
    assert len(held) == len(THEIRS)
    mine = studies.TargetedStudy(place / "mine", MINE, mode, crawls=(FIRST,), store=STORE)
    asked = studies.watch(monkeypatch)
    mine.run(*studies.DATASET)
    new = {archives.digest_of(body(n)) for n in (0, 1, 2, 5)}
    # A scan reads the files whole, and stages what is new of everybody in them; nothing is new of theirs.
    assert set(mine.stored()) - set(held) == new
    assert len(mine.stored()) == len(set(mine.stored()))
    if mode == "index":
        # One of h4's record too: what it states nobody has.
        assert len(asked.ranges("/robotstxt/CC-MAIN")) == len(new) + 1
        assert asked.paths("tail") == [], "footers are shared too"
    assert mine.dataset() == alone.dataset()
    assert loaded(theirs, studies) == before


def test_the_same_study_twice_fetches_nothing_the_second_time(
    studies: Any, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = studies.TargetedStudy(place / "one", THEIRS, store=STORE)
    first = loaded(one, studies)
    asked = studies.watch(monkeypatch)
    two = studies.TargetedStudy(place / "two", THEIRS, store=STORE)
    assert loaded(two, studies) == first
    assert asked.ranges("/robotstxt/CC-MAIN") == asked.paths("tail") == []
    assert not (two.out / "tables" / "contents").exists()
    assert not (two.out / "receipts" / "fetch").exists()


def test_a_store_may_be_the_output_folder_itself_or_lie_in_it(studies: Any, place: Path) -> None:
    held = set()
    for name, store in (("plain", ""), ("same", 'store = "out"'), ("inside", 'store = "out/bodies"')):
        study = studies.TargetedStudy(place / name, MINE, store=store)
        study.run(*studies.FILES)
        assert study.run(*studies.FILES)[Stage.CAPTURE].n_tasks_run == 0
        held.add(tuple(study.stored()))
    assert len(held) == 1


# ---- a store that is another, or not what it was


@pytest.mark.parametrize("mode", ["scan", "shard", "index"])
def test_a_study_that_is_given_another_store_fills_it(studies: Any, place: Path, mode: str) -> None:
    study = studies.TargetedStudy(place / "study", MINE, mode)
    before, held = loaded(study, studies), study.stored()
    study.store = STORE
    assert loaded(study, studies) == before
    assert study.stored() == held


@pytest.mark.parametrize("mode", ["scan", "index"])
def test_a_store_that_was_removed_is_filled_again(studies: Any, place: Path, mode: str) -> None:
    study = studies.TargetedStudy(place / "study", MINE, mode, store=STORE)
    before, held = loaded(study, studies), study.stored()
    shutil.rmtree(place / "store")
    assert loaded(study, studies) == before
    assert study.stored() == held


@pytest.mark.parametrize("damage", ["gone", "cut"])
@pytest.mark.parametrize("mode", ["scan", "shard", "index"])
def test_a_store_that_has_lost_a_part_is_filled_again_for_every_study_that_read_into_it(
    studies: Any, place: Path, mode: str, damage: str
) -> None:
    one, two = (studies.TargetedStudy(place / name, MINE, mode, store=STORE) for name in ("one", "two"))
    before = [loaded(one, studies), loaded(two, studies)]
    held = set(one.stored())
    for part in (place / "store/tables/contents").iterdir():
        part.unlink() if damage == "gone" else part.write_bytes(part.read_bytes()[:-1])
    # The first to notice is killed before it has read anything again.
    assert forget_lost(Layout(one.out, place / "store")) > 0
    assert [loaded(two, studies), loaded(one, studies)] == before[::-1]
    assert set(one.stored()) == held
    assert forget_lost(Layout(one.out, place / "store")) == 0
    for study in (one, two):
        # Of h4's record nobody has what it states: in a plan without the others it is asked for once more.
        assert study.run(Stage.CAPTURE)[Stage.CAPTURE].n_tasks_run <= (mode == "index")
        assert study.run(Stage.CAPTURE)[Stage.CAPTURE].n_tasks_run == 0


def test_a_store_that_loses_a_part_says_so(
    studies: Any, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = studies.TargetedStudy(place / "study", MINE, "scan")
    before = loaded(study, studies)
    next((study.out / "tables/contents").iterdir()).unlink()
    capsys.readouterr()
    assert loaded(study, studies) == before
    assert "1 parts of the store are gone or damaged; what they held is read again" in capsys.readouterr().err


# ---- one run at a time


def test_a_second_run_on_a_store_says_who_holds_it(studies: Any, place: Path) -> None:
    first, second = (studies.TargetedStudy(place / name, MINE, store=STORE) for name in ("first", "second"))
    store = place / "store"
    with hold_folders(Layout(first.out, store)), pytest.raises(FolderInUseError) as caught:
        second.run(Stage.DISCOVER)
    assert str(caught.value).startswith(f"{store} is in use by process ")
    second.run(Stage.DISCOVER)


def test_folder_and_store_are_both_held_and_both_let_go(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "b", tmp_path / "a")
    with hold_folders(layout):
        for folder in ("a", "b"):
            with pytest.raises(FolderInUseError), hold_folder(Layout(tmp_path / folder)):
                pass
    turned, other = Layout(tmp_path / "a", tmp_path / "b"), Layout(tmp_path / "c", tmp_path / "a")
    with hold_folders(turned), pytest.raises(FolderInUseError), hold_folders(other):
        pass
    with hold_folders(layout):
        pass


def test_what_is_shared_stands_in_the_store_and_all_else_in_the_folder(tmp_path: Path) -> None:
    out, store = str(tmp_path / "out"), str(tmp_path / "store")
    layout = Layout(tmp_path / "out", tmp_path / "store")
    for table in ("contents", "index_footers"):
        assert layout.storage_of(f"tables/{table}/part-1.parquet").root == store
    for table in ("captures", "bodies", "index_files", "contents_of_others"):
        assert layout.storage_of(f"tables/{table}/part-1.parquet").root == out
    roots = {stage: layout.storage_of_stage(stage).root for stage in Stage}
    assert set(roots.values()) == {out, store}
    assert {stage for stage in Stage if roots[stage] == store} == {Stage.FOOTERS, Stage.FETCH, Stage.STORE}
    assert (layout.published.root, layout.shared.root) == (out, store)
    alone = Layout(tmp_path)
    assert alone.storage_of("tables/contents/x.parquet").root == alone.shared.root == str(tmp_path)
