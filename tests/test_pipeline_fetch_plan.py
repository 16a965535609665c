"""The plan of bodies to fetch: where each is fetched, how the plan is cut, and how long it is kept."""

from datetime import datetime
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline import fetch_plan
from pipeline.archive_tables import CAPTURES, CONTENTS
from pipeline.fetch_plan import choose_places, plan_fetches, write_plan
from pipeline.known import find_unseen
from pipeline.layout import Layout
from pipeline.parts import Output, rows_to_table, write_part
from pipeline.receipts import write_receipt
from pipeline.stages.fetch import PLANNED, Place, as_wanted, read_wanted, spans_of
from pipeline.tasks import Receipt, Stage, State, Task

FIRST, SECOND = "CC-MAIN-2024-10", "CC-MAIN-2024-18"
LOOKUPS = "0123456789abcdef"


class Captures:
    """Parts of `captures` in a folder, written row by row."""

    def __init__(self, folder: Path) -> None:
        self.layout = Layout(folder)
        self.outputs: list[Output] = []

    def add(self, *rows: dict[str, Any]) -> None:
        base = {"snapshot": FIRST, "url": "http://a.example/robots.txt", "fetch_time": datetime(2024, 3, 4)}
        base |= {"fetch_status": 200, "warc_filename": "a.warc.gz", "source": "index"}
        base |= {"warc_record_offset": 0, "warc_record_length": 100}
        cells = [tuple((base | row).get(name) for name in CAPTURES.schema.names) for row in rows]
        stem = f"tables/captures/snapshot={FIRST}/part-{len(self.outputs)}"
        table = rows_to_table(CAPTURES, cells)
        self.outputs.append(write_part(self.layout.published, stem, CAPTURES, table))

    def plan(self, lookups: str = LOOKUPS) -> tuple[Task, ...]:
        return plan_fetches(self.layout, self.outputs, lookups)

    def places(self, *digests: str) -> dict[str, Place]:
        rows = choose_places(self.layout, self.outputs, pa.array(digests, pa.string()))
        return {wanted.content_digest: wanted.place for wanted in as_wanted(rows)}

    def store(
        self, name: str, *digests: str, stage: Stage = Stage.STORE, state: State = State.DONE
    ) -> Output:
        """Bodies in the store, as a task of that name has left them."""
        table = rows_to_table(CONTENTS, [(digest, b"") for digest in sorted(digests)])
        part = write_part(self.layout.shared, f"tables/contents/part-{name}", CONTENTS, table)
        partition = f"snapshot={FIRST}" if stage is Stage.FETCH else ""
        write_receipt(self.layout, Receipt(name, stage, name, partition, state, (part,)))
        return part

    def digests(self, tasks: tuple[Task, ...]) -> list[str]:
        return [w.content_digest for task in tasks for w in read_wanted(self.layout.published, task)]


@pytest.fixture
def captures(tmp_path: Path) -> Captures:
    return Captures(tmp_path)


# ---- what is wanted, and from where


def test_wanted_are_the_distinct_digests_of_successes_that_the_store_lacks(captures: Captures) -> None:
    captures.add(
        {"content_digest": "B"}, {"content_digest": "A", "fetch_status": 299}, {"content_digest": None}
    )
    captures.add(
        {"content_digest": "B"}, *({"content_digest": f"N{s}", "fetch_status": s} for s in (199, 300, 404))
    )
    assert find_unseen(captures.layout, captures.outputs).to_pylist() == ["A", "B"]
    captures.store("1", "B", "Z")
    assert find_unseen(captures.layout, captures.outputs).to_pylist() == ["A"]
    assert find_unseen(captures.layout, []).to_pylist() == []


def test_a_body_is_fetched_where_the_most_others_are_then_where_it_is_smallest(captures: Captures) -> None:
    captures.add(
        {"content_digest": "A", "warc_filename": "lonely.warc.gz", "warc_record_length": 1},
        {"content_digest": "A", "warc_filename": "crowded.warc.gz", "warc_record_length": 900},
        {"content_digest": "B", "warc_filename": "crowded.warc.gz", "warc_record_offset": 900},
        {"content_digest": "C", "warc_filename": "y.warc.gz", "warc_record_length": 7},
        {"content_digest": "C", "warc_filename": "x.warc.gz", "warc_record_length": 8},
        {"content_digest": "D", "warc_filename": "z.warc.gz"},
        {"content_digest": "D", "warc_filename": "w.warc.gz"},
    )
    found = captures.places("A", "B", "C", "D")
    assert {digest: place.warc_filename[0] for digest, place in found.items()} == {
        **{"A": "c", "B": "c"},  # together
        "C": "y",  # smallest
        "D": "w",  # first by name
    }


def test_files_are_crowded_by_wanted_bodies_and_not_by_copies_or_bodies_that_are_held(
    captures: Captures,
) -> None:
    captures.add(
        *(
            {"content_digest": "HELD", "warc_filename": "b.warc.gz", "warc_record_offset": n}
            for n in range(9)
        ),
        *(
            {"content_digest": "A", "warc_filename": "b.warc.gz", "warc_record_offset": 100 + n}
            for n in range(9)
        ),
        {"content_digest": "A", "warc_filename": "c.warc.gz"},
        {"content_digest": "B", "warc_filename": "c.warc.gz", "warc_record_offset": 200},
    )
    assert {place.warc_filename for place in captures.places("A", "B").values()} == {"c.warc.gz"}


def test_up_to_three_other_places_are_kept_in_their_order(captures: Captures) -> None:
    captures.add(
        *(
            {
                "content_digest": "A",
                "warc_filename": f"{n}.warc.gz",
                "warc_record_length": 10 + n,
                "snapshot": SECOND,
            }
            for n in (5, 3, 1, 4, 2)
        ),
        {"content_digest": "B"},
    )
    rows = choose_places(captures.layout, captures.outputs, pa.array(["A", "B"]))
    assert rows.schema.equals(PLANNED)
    found = {wanted.content_digest: wanted for wanted in as_wanted(rows)}
    assert found["A"].place == Place(SECOND, "1.warc.gz", 0, 11)
    assert found["A"].other_places == tuple(Place(SECOND, f"{n}.warc.gz", 0, 10 + n) for n in (2, 3, 4))
    assert found["B"].other_places == ()


def test_a_refusal_and_a_record_without_length_are_no_places(captures: Captures) -> None:
    captures.add(
        {"content_digest": "A", "warc_record_length": 900},
        {"content_digest": "A", "fetch_status": 404, "warc_filename": "b.warc.gz", "warc_record_length": 1},
        {"content_digest": "A", "warc_record_length": 0, "warc_record_offset": 5},
        {"content_digest": "B", "warc_record_length": None},
    )
    rows = as_wanted(choose_places(captures.layout, captures.outputs, pa.array(["A", "B"])))
    assert rows == [("A", Place(FIRST, "a.warc.gz", 0, 900), ())]


def test_what_stands_nowhere_is_not_wanted(captures: Captures) -> None:
    captures.add(
        {"content_digest": "B", "warc_record_length": None}, {"content_digest": "C", "warc_record_length": 0}
    )
    assert captures.plan() == captures.plan() == ()
    captures.add({"content_digest": "A"})
    (task,) = captures.plan()
    captures.store(task.task_id, "A", stage=Stage.FETCH)
    assert captures.plan() == (task,)


def test_ranges_of_one_file_that_are_close_together_are_one_request() -> None:
    places = [("a", 0, 10), ("a", 10, 10), ("a", 50, 10), ("b", 60, 10)]
    rows = pa.Table.from_pylist(
        [
            {"content_digest": str(n), "snapshot": FIRST, "warc_filename": path, "other_places": []}
            | {"warc_record_offset": offset, "warc_record_length": length}
            for n, (path, offset, length) in enumerate(places)
        ],
        PLANNED,
    )
    spans = [(p, a, b, [w.content_digest for w in found]) for p, a, b, found in spans_of(as_wanted(rows), 0)]
    assert spans == [("a", 0, 20, ["0", "1"]), ("a", 50, 60, ["2"]), ("b", 60, 70, ["3"])]
    near = [(p, a, b) for p, a, b, _ in spans_of(as_wanted(rows), 30)]
    assert near == [("a", 0, 60), ("b", 60, 70)]


# ---- how it is cut


def places_of(captures: Captures, tasks: tuple[Task, ...]) -> list[list[Place]]:
    return [[w.place for w in read_wanted(captures.layout.published, task)] for task in tasks]


def many(n_files: int, n_each: int, **facts: Any) -> list[dict[str, Any]]:
    return [
        {
            "content_digest": f"{f:03d}{n:03d}",
            "warc_filename": f"{f:03d}.warc.gz",
            "warc_record_offset": 100 * n,
            **facts,
        }
        for f in range(n_files)
        for n in range(n_each)
    ]


def test_tasks_are_cut_between_files_and_never_across_releases(
    captures: Captures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_plan, "ROWS_PER_TASK", 10)
    captures.add(*many(7, 4))
    captures.add(
        *({**row, "content_digest": f"s{row['content_digest']}", "snapshot": SECOND} for row in many(2, 3))
    )
    tasks = captures.plan()
    pieces = places_of(captures, tasks)
    assert [len(piece) for piece in pieces] == [12, 12, 4, 6]
    assert [task.partition for task in tasks] == [
        f"snapshot={name}" for name in (FIRST, FIRST, FIRST, SECOND)
    ]
    files = [{place.warc_filename for place in piece} for piece in pieces[:3]]
    assert not any(a & b for a, b in pairwise(files))
    assert (places := list(chain.from_iterable(pieces))) == sorted(places)
    assert len(set(captures.digests(tasks))) == 34


def test_a_task_holds_no_more_bytes_and_rows_than_it_may(
    captures: Captures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_plan, "BYTES_PER_TASK", 1000)
    captures.add(*many(6, 4))
    assert [len(piece) for piece in places_of(captures, captures.plan())] == [12, 12]
    monkeypatch.setattr(fetch_plan, "MAX_ROWS_PER_TASK", 5)
    assert [len(piece) for piece in places_of(captures, captures.plan("other"))] == [5, 5, 5, 5, 4]


def test_nothing_lacking_gives_no_plan_and_no_file(captures: Captures) -> None:
    assert captures.plan() == ()
    captures.add({"content_digest": "A"})
    captures.store("1", "A")
    assert captures.plan() == ()
    assert not (captures.layout.folder / "plans").exists()


# ---- how long it is kept


def test_a_plan_is_kept_while_it_is_being_worked_off(
    captures: Captures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_plan, "ROWS_PER_TASK", 2)
    captures.add(*many(3, 2))
    first, *rest = tasks = captures.plan()
    assert len(tasks) == 3
    captures.store(first.task_id, *captures.digests((first,)), stage=Stage.FETCH)
    assert captures.plan() == tasks
    # Of a partial task, what it has stored is not lacking, and the rest is still planned.
    captures.store(rest[0].task_id, captures.digests((rest[0],))[0], stage=Stage.FETCH, state=State.PARTIAL)
    assert captures.plan() == tasks
    for task in rest:
        captures.store(task.task_id, *captures.digests((task,)), stage=Stage.FETCH)
    assert captures.plan() == tasks, "and its receipts say what it has lost"
    assert len(list((captures.layout.folder / "plans").iterdir())) == 1


def test_a_plan_whose_lost_bodies_stay_unseen_is_not_made_again(captures: Captures) -> None:
    captures.add({"content_digest": "A"}, {"content_digest": "B", "warc_record_offset": 100})
    (task,) = captures.plan()
    captures.store(task.task_id, "A", stage=Stage.FETCH)
    assert captures.plan() == (task,)


def test_a_plan_is_replaced_when_others_have_stored_what_it_was_still_to_fetch(captures: Captures) -> None:
    captures.add(*many(1, 4))
    (task,) = captures.plan()
    captures.store("others", "000001", "000002")
    (new,) = captures.plan()
    assert new != task
    assert captures.digests((new,)) == ["000000", "000003"]
    assert captures.plan() == (new,)


def test_a_plan_is_replaced_when_what_it_had_stored_is_gone(captures: Captures) -> None:
    captures.add(*many(1, 2))
    (task,) = captures.plan()
    part = captures.store(task.task_id, "000000", "000001", stage=Stage.FETCH)
    (captures.layout.folder / part.path).unlink()
    assert captures.plan() == (task,), "it is to be done again"


def test_other_look_ups_have_other_plans(captures: Captures) -> None:
    captures.add({"content_digest": "A"})
    (task,) = captures.plan("first")
    (other,) = captures.plan("second")
    assert other.inputs != task.inputs
    assert other.task_id != task.task_id
    captures.store("others", "A")
    assert captures.plan("third") == ()


def test_equal_plans_have_equal_names_and_bytes(captures: Captures, tmp_path: Path) -> None:
    captures.add(*many(3, 3))
    again = Captures(tmp_path / "again")
    again.add(*reversed(many(3, 3)))
    assert captures.plan() == again.plan()
    rows = choose_places(captures.layout, captures.outputs, pa.array(["000000"]))
    path = write_plan(captures.layout, rows, LOOKUPS)
    assert path.startswith(f"plans/fetch-{LOOKUPS}-")
    contents = [
        {p.name: p.read_bytes() for p in (c.layout.folder / "plans").glob("*")} for c in (captures, again)
    ]
    assert contents[1].items() <= contents[0].items()
