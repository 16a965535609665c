"""Tasks and receipts: an identity of work, and a proof that is worth nothing without its parts."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from consent.markers import MARKERS_VERSION
from pipeline.context import Context, ruler_versions
from pipeline.layout import Layout, write_text_atomic
from pipeline.listing import Record
from pipeline.manifest import (
    Manifest,
    ManifestError,
    SnapshotFacts,
    StageEntry,
    StageMissingError,
    read_manifest,
    write_manifest,
)
from pipeline.parts import Output
from pipeline.receipts import ReceiptError, parse_receipt, read_receipt, write_receipt
from pipeline.stages import capture, declare, discover, store
from pipeline.stages.capture import MAX_FILES_PER_TASK, ListedFile
from pipeline.storage.folder import remove_temporaries, temporary_name
from pipeline.tables import SCHEMA_VERSION
from pipeline.tasks import Receipt, SkipCount, Stage, State, Task

TASK = Task(Stage.CAPTURE, "label", "snapshot=S", ("a", "b"), ("1", "2"), ("0", "4"))
NAMES = {State.DONE: f"{TASK.task_id}.json", State.PARTIAL: f"{TASK.task_id}.short.json"}
HOWEVER_IT_ENDED = pytest.mark.parametrize("state", NAMES)


def make_receipt(folder: Path, n_bytes: int = 5, state: State = State.PARTIAL) -> Receipt:
    """A receipt of TASK with one part of five bytes, which may state another length."""
    part = folder / "tables/captures/part-x.parquet"
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes(b"12345")
    return Receipt(
        TASK.task_id,
        TASK.stage,
        TASK.label,
        TASK.partition,
        state,
        (Output("captures", "tables/captures/part-x.parquet", 3, n_bytes),),
        (SkipCount("S", "capture", "damaged_member", 2, 77),),
        {"captures": 3},
        (Output("contents", "staging/part-x-0.parquet", 1, 9),),
        ("gone.warc.gz",),
        "",
        1.25,
        88.5,
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"stage": Stage.DECLARE},
        {"partition": "snapshot=T"},
        {"inputs": ("a",)},
        {"inputs": ("b", "a")},
        {"inputs": ("ab",)},
        {"versions": ("1", "3")},
        {"arguments": ("1", "4")},
        {"arguments": ()},
    ],
    ids=str,
)
def test_a_task_id_changes_with_everything_that_decides_its_rows(changed: dict[str, object]) -> None:
    other = replace(TASK, **changed)  # type: ignore[arg-type]
    assert other.task_id != TASK.task_id


def test_a_task_id_does_not_change_with_the_label_or_between_processes() -> None:
    assert replace(TASK, label="other").task_id == TASK.task_id
    assert TASK.task_id == "0d0dfbe67743e1a0"


def test_capture_tasks_depend_on_the_versions_of_schema_reader_and_markers() -> None:
    (task,) = capture.plan([ListedFile("CC-MAIN-2024-10", "a.warc.gz", 3, 4)])
    assert task.versions == (SCHEMA_VERSION, capture.CAPTURE_VERSION, MARKERS_VERSION)
    assert (task.inputs, task.arguments) == (("a.warc.gz",), ("3", "4"))
    assert (task.label, task.partition) == ("CC-MAIN-2024-10/00003", "snapshot=CC-MAIN-2024-10")


def test_declare_tasks_depend_on_every_dialect_with_its_version_and_on_the_registry(tmp_path: Path) -> None:
    contents = [Output("contents", "tables/contents/part-abc.parquet", 1, 9)]
    context = Context(tmp_path, "archive", dialects=("rfc9309", "google"))
    (task,) = declare.plan(context, contents)
    assert task.label == "abc"
    assert task.versions[0] == SCHEMA_VERSION
    names = [version.split("@")[0] for version in task.versions[1:]]
    assert names == ["rfc9309", "google", "markers", "registry"]
    (fewer,) = declare.plan(replace(context, dialects=("rfc9309",)), contents)
    registry = tmp_path / "agents.csv"
    header = "agent,operator,purpose,control_token,first_listed,date_basis,honours_robots,source\n"
    registry.write_text(header + "Bot,Someone,training,false,,,undocumented,\n", encoding="utf-8")
    (other,) = declare.plan(replace(context, registry=registry), contents)
    assert len({task.task_id, fewer.task_id, other.task_id}) == 3
    assert ruler_versions(context) == task.versions[1:]


def test_discover_tasks_depend_on_the_release_and_on_how_many_serials_are_read() -> None:
    every, two = discover.plan(["S", "T"], None), discover.plan(["S", "T"], 2)
    assert len({task.task_id for task in (*every, *two)}) == 4
    assert [task.task_id for task in discover.plan(["T"], None)] == [every[1].task_id]


def test_capture_plans_one_task_a_serial_in_order_and_cuts_long_ones() -> None:
    files = [ListedFile("S", f"{n:04d}", n % 2, 2) for n in range(2 * MAX_FILES_PER_TASK + 2)]
    tasks = capture.plan(files[::-1])
    assert [task.label for task in tasks] == ["S/00000", "S/00000+128", "S/00001", "S/00001+128"]
    assert sorted(path for task in tasks for path in task.inputs) == [file.warc_filename for file in files]
    assert max(len(task.inputs) for task in tasks) == MAX_FILES_PER_TASK
    assert capture.plan([]) == ()


def test_a_plan_of_more_snapshots_keeps_the_ids_of_the_fewer() -> None:
    old = [ListedFile("S", "s.warc.gz", 0, 1)]
    new = [*old, ListedFile("T", "t.warc.gz", 0, 1)]
    assert {task.task_id for task in capture.plan(old)} < {task.task_id for task in capture.plan(new)}


def test_store_plans_nothing_when_nothing_was_staged() -> None:
    assert store.plan("S", []) == ()


def path_of(folder: Path, state: State) -> Path:
    """Where the receipt of TASK stands."""
    return folder / "receipts" / "capture" / "snapshot=S" / NAMES[state]


@HOWEVER_IT_ENDED
def test_a_receipt_comes_back_as_it_was_stored(tmp_path: Path, state: State) -> None:
    layout, receipt = Layout(tmp_path), make_receipt(tmp_path, state=state)
    assert write_receipt(layout, receipt) == receipt
    assert read_receipt(layout, TASK) == receipt
    assert read_receipt(layout, replace(TASK, label="other label")) == receipt
    assert receipt.n_rows == 3


@HOWEVER_IT_ENDED
def test_a_receipt_is_stored_under_stage_and_task_as_the_same_bytes_each_time(
    tmp_path: Path, state: State
) -> None:
    path = path_of(tmp_path, state)
    write_receipt(Layout(tmp_path), make_receipt(tmp_path, state=state))
    first = path.read_bytes()
    write_receipt(Layout(tmp_path), make_receipt(tmp_path, state=state))
    assert path.read_bytes() == first
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_receipt_of_a_task_without_a_partition_stands_under_all(tmp_path: Path) -> None:
    task = replace(TASK, stage=Stage.DECLARE, partition="")
    receipt = Receipt(task.task_id, task.stage, "", "", State.DONE)
    write_receipt(Layout(tmp_path), receipt)
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert path == tmp_path / "receipts" / "declare" / "all" / f"{task.task_id}.json"
    assert read_receipt(Layout(tmp_path), task) == receipt


def test_a_task_without_a_receipt_has_none(tmp_path: Path) -> None:
    write_receipt(Layout(tmp_path), make_receipt(tmp_path))
    assert read_receipt(Layout(tmp_path), replace(TASK, versions=("1", "3"))) is None


@HOWEVER_IT_ENDED
def test_a_receipt_whose_part_is_gone_does_not_count(tmp_path: Path, state: State) -> None:
    layout, receipt = Layout(tmp_path), make_receipt(tmp_path, state=state)
    write_receipt(layout, receipt)
    (tmp_path / receipt.outputs[0].path).unlink()
    assert read_receipt(layout, TASK) is None


@HOWEVER_IT_ENDED
@pytest.mark.parametrize("n_bytes", [4, 6])
def test_a_receipt_whose_part_is_short_or_long_does_not_count(
    tmp_path: Path, n_bytes: int, state: State
) -> None:
    layout = Layout(tmp_path)
    write_receipt(layout, make_receipt(tmp_path, n_bytes, state))
    assert read_receipt(layout, TASK) is None


@HOWEVER_IT_ENDED
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\xff\xfe",
        b'{"outputs": [{}]}',
    ],
    ids=repr,
)
def test_a_damaged_receipt_is_named_with_what_to_do(tmp_path: Path, content: bytes, state: State) -> None:
    layout = Layout(tmp_path)
    write_receipt(layout, make_receipt(tmp_path, state=state))
    path = path_of(tmp_path, state)
    path.write_bytes(content)
    with pytest.raises(ReceiptError, match="is not a receipt") as caught:
        read_receipt(layout, TASK)
    assert str(path) in str(caught.value)
    assert "delete it and run again" in str(caught.value)


@pytest.mark.parametrize("key", ["state", "stage", "task_id", "skips"])
def test_a_receipt_with_a_field_that_is_wrong_is_named(tmp_path: Path, key: str) -> None:
    layout = Layout(tmp_path)
    write_receipt(layout, make_receipt(tmp_path))
    path = path_of(tmp_path, State.PARTIAL)
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored[f"{key}_" if key == "task_id" else key] = "colour"
    path.write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(ReceiptError, match="is not a receipt"):
        parse_receipt(layout.published, path.relative_to(tmp_path).as_posix())


ENTRY = StageEntry(
    Stage.CAPTURE,
    "after",
    2,
    "lists/capture-0123456789abcdef.parquet",
    {"captures": 3},
    (SkipCount("S", "capture", "short_file", 1, 0),),
    1,
    (SnapshotFacts("S", "2024-01-01T00:00:00+00:00", None, "a note", 4, 3),),
    ("1",),
)


def test_a_manifest_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    manifest = Manifest({Stage.CAPTURE: ENTRY})
    write_manifest(Layout(tmp_path), manifest)
    assert read_manifest(Layout(tmp_path)) == manifest
    assert read_manifest(Layout(tmp_path)).stages[Stage.CAPTURE].digest == ENTRY.digest


def test_a_folder_without_a_manifest_or_with_one_of_another_schema_has_an_empty_one(tmp_path: Path) -> None:
    assert read_manifest(Layout(tmp_path)) == Manifest()
    (tmp_path / "manifest.json").write_text('{"schema_version": "0", "stages": {"x": 1}}', encoding="utf-8")
    assert read_manifest(Layout(tmp_path)) == Manifest()


@pytest.mark.parametrize("change", [{"format": 1}, {"format": None}])
def test_a_manifest_of_an_older_format_is_read_as_an_empty_one(
    tmp_path: Path, change: dict[str, object]
) -> None:
    layout = Layout(tmp_path)
    write_manifest(layout, Manifest({Stage.CAPTURE: ENTRY}))
    path = tmp_path / "manifest.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    del stored["stages"]["capture"]["listing"]
    path.write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(ManifestError, match=r"manifest\.json is not a manifest .*delete it and run again"):
        read_manifest(layout)
    path.write_text(json.dumps(stored | change), encoding="utf-8")
    assert read_manifest(layout) == Manifest()


def test_a_stage_that_is_required_must_be_there_and_rest_on_what_stands_now() -> None:
    with pytest.raises(StageMissingError, match=r"stage capture is not complete\. Run `crawlcensus capture`"):
        Manifest().require(Stage.CAPTURE)
    discovered = StageEntry(Stage.DISCOVER, "", 1)
    standing = replace(ENTRY, after=discovered.digest)
    manifest = Manifest({Stage.DISCOVER: discovered, Stage.CAPTURE: standing})
    assert manifest.require(Stage.CAPTURE, after=Stage.DISCOVER) == standing
    changed = manifest.with_entry(replace(discovered, n_tasks=2))
    with pytest.raises(StageMissingError, match="capture is older than discover"):
        changed.require(Stage.CAPTURE, after=Stage.DISCOVER)


def test_losses_of_receipts_add_up_by_reason_and_missing_files_are_one(tmp_path: Path) -> None:
    def sum_skips(*receipts: Receipt) -> tuple[SkipCount, ...]:
        with Record(Layout(tmp_path), Stage.CAPTURE) as record:
            record.add(receipts)
            return record.entry("after").skips

    receipt = replace(make_receipt(tmp_path), partition="snapshot=S")
    assert sum_skips(receipt, receipt) == (
        SkipCount("S", "capture", "damaged_member", 4, 154),
        SkipCount("S", "capture", "missing_file", 2, 0),
    )
    failed = Receipt("id", Stage.CAPTURE, "S/1", "snapshot=S", State.FAILED, error="gone")
    assert sum_skips(failed) == (SkipCount("S", "capture", "failed_task", 1, 0),)
    assert sum_skips() == ()


def test_text_replaces_a_file_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    for text in ("one\n", "two\n"):
        write_text_atomic(path, text)
        assert path.read_bytes() == text.encode()
    assert [file.name for file in path.parent.iterdir()] == ["file.txt"]


def test_what_killed_runs_left_half_written_is_removed_at_any_depth(tmp_path: Path) -> None:
    deep = tmp_path / "tables" / "captures" / "snapshot=S"
    deep.mkdir(parents=True)
    kept = deep / "part-x.parquet"
    kept.write_bytes(b"1")
    for place in (deep / "part-y.parquet", tmp_path / "manifest.json"):
        temporary_name(place).write_bytes(b"half")
    assert remove_temporaries(tmp_path) == 2
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [kept]
