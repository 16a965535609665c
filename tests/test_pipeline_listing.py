"""The list of what a stage has published: in order, in batches, and as good as its digest in the manifest."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline import listing
from pipeline.layout import Layout
from pipeline.listing import Record, iter_outputs
from pipeline.manifest import Manifest, SnapshotFacts, StageEntry, read_manifest, write_manifest
from pipeline.parts import Output, PartError
from pipeline.storage.storage import Storage
from pipeline.tasks import Receipt, SkipCount, Stage, State


def part(n: int, table: str = "captures", snapshot: str = "S") -> Output:
    return Output(
        table, f"tables/{table}/snapshot={snapshot}/part-{n:06d}.parquet", n % 7, n, f"A{n}", f"B{n}"
    )


def receipt(*outputs: Output, snapshot: str = "S", state: State = State.DONE) -> Receipt:
    losses = (SkipCount(snapshot, "capture", "short_file", 2, 30),)
    missing = ("a", "b") if state is State.PARTIAL else ()
    return Receipt(
        "id", Stage.CAPTURE, "label", f"snapshot={snapshot}", state, outputs, losses, missing=missing
    )


def record(layout: Layout, *receipts: Receipt, after: str = "after") -> StageEntry:
    with Record(layout, Stage.CAPTURE) as taken:
        taken.add(receipts)
        return taken.entry(after)


@pytest.fixture
def layout(storage: Storage, tmp_path: Path) -> Layout:
    """Of a study whose output is a folder or a bucket."""
    return Layout(tmp_path / "here", output=storage.root)


@pytest.fixture
def local(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def files(layout: Layout) -> list[str]:
    return [entry.name for entry in layout.published.iter_below("")]


def test_parts_come_back_as_they_were_listed_and_in_that_order(layout: Layout) -> None:
    receipts = [receipt(part(3), part(1, "contents")), receipt(), receipt(part(2), part(3, "contents"))]
    entry = record(layout, *receipts)
    assert list(iter_outputs(layout, entry)) == [output for r in receipts for output in r.outputs]
    assert files(layout) == [entry.listing]
    assert entry.listing.startswith("lists/capture-")


def test_parts_are_found_by_table_and_by_partition(local: Layout) -> None:
    outputs = [part(n, table, s) for n in range(3) for table in ("captures", "contents") for s in ("S", "S2")]
    # One whose name has in it what a partition is called.
    outputs.append(Output("captures", "tables/captures/snapshot=T/part-snapshot=S.parquet", 1, 1))
    outputs.append(Output("contents", "tables/contents/part-1.parquet", 1, 1))
    entry = record(local, receipt(*outputs))
    for table in ("", "captures", "contents", "sites"):
        for partition in ("", "snapshot=S", "snapshot=S2", "snapshot=T", "snapshot="):
            expected = [
                output
                for output in outputs
                if table in ("", output.table) and (not partition or partition in output.path.split("/"))
            ]
            assert list(iter_outputs(local, entry, table, partition)) == expected


@pytest.mark.parametrize("n", [0, 1, listing.ROWS - 1, listing.ROWS, listing.ROWS + 1, 2 * 8192 + 3])
def test_as_many_parts_as_there_are_are_listed_in_batches(local: Layout, n: int) -> None:
    outputs = [part(i) for i in range(n)]
    entry = record(local, *(receipt(output) for output in outputs))
    assert list(iter_outputs(local, entry)) == outputs
    assert entry.n_tasks == n
    assert entry.n_rows == ({"captures": sum(i % 7 for i in range(n))} if n else {})
    if n:
        rows = [group.num_rows for group in groups(local, entry)]
        assert sum(rows) == n
        assert max(rows) <= listing.ROWS
    else:
        assert entry.listing == ""
        assert files(local) == []


def groups(layout: Layout, entry: StageEntry) -> list[pq.RowGroupMetaData]:
    metadata = pq.read_metadata(layout.folder / entry.listing)
    return [metadata.row_group(i) for i in range(metadata.num_row_groups)]


def test_no_entry_and_an_entry_without_parts_have_none(local: Layout) -> None:
    assert list(iter_outputs(local, None)) == []
    assert list(iter_outputs(local, record(local))) == []
    assert list(iter_outputs(local, StageEntry(Stage.CAPTURE, "", 0), "captures", "snapshot=S")) == []


def test_a_list_that_is_gone_or_damaged_is_not_an_empty_list(layout: Layout) -> None:
    entry = record(layout, receipt(part(1)))
    content = layout.published.read(entry.listing)
    # Its footer holds, its rows do not.
    layout.published.replace(entry.listing, b"x" * (len(content) // 3) + content[len(content) // 3 :])
    with pytest.raises(PartError, match=rf"{entry.listing} is damaged .* remove it and run .*run` again"):
        list(iter_outputs(layout, entry))
    layout.published.replace(entry.listing, b"no list")
    with pytest.raises(PartError, match=rf"{entry.listing} is damaged"):
        list(iter_outputs(layout, entry))
    layout.published.remove([entry.listing])
    with pytest.raises(PartError, match=rf"{entry.listing} is gone\. Fix: run `crawlcensus run` again"):
        list(iter_outputs(layout, entry))


def test_rows_tasks_and_losses_add_up_over_everything_that_was_added(local: Layout) -> None:
    with Record(local, Stage.CAPTURE) as taken:
        taken.add([receipt(part(3), part(5, "contents"))])
        taken.add([receipt(part(4), state=State.PARTIAL), receipt(snapshot="T", state=State.FAILED)])
        taken.add_parts([part(6, "contents")])
        facts = (SnapshotFacts("S", None, None, ""),)
        entry = taken.entry("after", facts, ("1", "2"))
    assert (entry.stage, entry.after, entry.n_tasks, entry.n_short) == (Stage.CAPTURE, "after", 3, 2)
    assert entry.n_rows == {"captures": 3 + 4, "contents": 5 + 6}
    assert entry.skips == (
        SkipCount("S", "capture", "missing_file", 2, 0),
        SkipCount("S", "capture", "short_file", 4, 60),
        SkipCount("T", "capture", "failed_task", 1, 0),
        SkipCount("T", "capture", "short_file", 2, 30),
    )
    assert (entry.snapshots, entry.versions) == (facts, ("1", "2"))


def test_of_receipts_the_parts_of_named_tables_alone_are_listed_and_all_losses_count(local: Layout) -> None:
    with Record(local, Stage.CAPTURE) as taken:
        taken.add([receipt(part(3), part(5, "contents"))], frozenset(["captures"]))
        entry = taken.entry("after")
    assert list(iter_outputs(local, entry)) == [part(3)]
    assert entry.n_rows == {"captures": 3}
    assert (entry.n_tasks, len(entry.skips)) == (1, 1)


def test_a_list_and_its_digest_change_with_everything_that_is_listed(local: Layout) -> None:
    base = (part(1), part(2))
    others = [
        (part(2), part(1)),
        (part(1),),
        (part(1), part(2), part(2)),
        (part(1), part(3)),
        (part(1), part(2, "contents")),
        (part(1), Output("captures", part(2).path, 9, 2, "A2", "B2")),
        (part(1), Output("captures", part(2).path, 2, 9, "A2", "B2")),
        (part(1), Output("captures", part(2).path, 2, 2, "", "B2")),
    ]
    entry, again = record(local, receipt(*base)), record(local, *map(receipt, base))
    assert again.listing == entry.listing, "whatever the receipts that they were of"
    found = [record(local, receipt(*outputs)) for outputs in others]
    assert len({entry.listing, *(other.listing for other in found)}) == len(others) + 1
    assert len({entry.digest, *(other.digest for other in found)}) == len(others) + 1
    assert record(local, receipt(*base), after="other").digest != entry.digest
    assert record(local, receipt(*base)).digest == entry.digest


def test_equal_lists_are_equal_bytes_in_every_place(local: Layout, tmp_path: Path) -> None:
    other, outputs = Layout(tmp_path / "other"), [part(n) for n in range(3000)]
    one, two = (record(place, *map(receipt, outputs)) for place in (local, other))
    assert one == two
    assert (local.folder / one.listing).read_bytes() == (other.folder / two.listing).read_bytes()


def test_lists_that_the_manifest_no_longer_names_are_removed_with_it_and_not_before(layout: Layout) -> None:
    discovered = StageEntry(Stage.DISCOVER, "", 1, "lists/discover-x.parquet")
    layout.published.replace(discovered.listing, b"of another stage")
    first = record(layout, receipt(part(1)))
    write_manifest(layout, Manifest({Stage.DISCOVER: discovered, Stage.CAPTURE: first}))
    second = record(layout, receipt(part(2)))
    kept = read_manifest(layout)
    assert list(iter_outputs(layout, kept.stages[Stage.CAPTURE])) == [part(1)], "until it is replaced"
    write_manifest(layout, kept.with_entry(second))
    assert [e.name for e in layout.published.iter_below("lists")] == [second.listing, discovered.listing]
    assert list(iter_outputs(layout, read_manifest(layout).stages[Stage.CAPTURE])) == [part(2)]


def test_an_entry_is_as_small_for_many_parts_as_for_one(local: Layout) -> None:
    sizes = []
    for n in (1, 5000):
        write_manifest(local, Manifest({Stage.CAPTURE: record(local, *(receipt(part(i)) for i in range(n)))}))
        sizes.append(len((local.folder / "manifest.json").read_bytes()))
    assert sizes[1] < sizes[0] + 20


def test_what_is_not_recorded_to_its_end_leaves_nothing(layout: Layout) -> None:
    outputs = [part(n) for n in range(listing.ROWS + 1)]

    def stop() -> None:
        with Record(layout, Stage.CAPTURE) as taken:
            taken.add_parts(outputs)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert files(layout) == []
    assert not [path for path in layout.folder.rglob("*") if path.is_file()]
