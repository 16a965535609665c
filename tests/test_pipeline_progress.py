"""Progress goes to stderr: bars on a terminal, a line now and then otherwise, with rates, time and skips."""

import re
import sys

import pytest

from pipeline import progress
from pipeline.execute import StageSummary
from pipeline.progress import show_progress
from pipeline.run import describe
from pipeline.tasks import Receipt, SkipCount, Stage, State


def make_receipt(state: State = State.DONE, n_captures: int = 100) -> Receipt:
    return Receipt(
        "id",
        Stage.CAPTURE,
        "S/00000",
        "snapshot=S",
        state,
        skips=(SkipCount("S", "capture", "damaged_member", 3, 10),),
        counts={"captures": n_captures},
        missing=("gone.warc.gz",) if state is State.PARTIAL else (),
    )


def test_without_a_terminal_there_are_plain_lines_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    with show_progress("capture", 4) as shown:
        shown.add(make_receipt())
        shown.add(make_receipt(State.PARTIAL))
        shown.add(make_receipt(State.FAILED, 0))
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = printed.err.splitlines()
    assert len(lines) == 3
    assert re.fullmatch(r"capture: 1/4 tasks, 100 records, [\d,]+/s, 3 skipped, [\d,]+ s left", lines[0]), (
        lines[0]
    )
    assert "2/4 tasks, 200 records" in lines[1]
    assert "7 skipped" in lines[1]
    assert "10 skipped, 1 failed" in lines[2]


def test_plain_lines_are_few(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress("capture", 1000) as shown:
        for _ in range(1000):
            shown.add(make_receipt())
    assert capsys.readouterr().err == ""


def test_on_a_terminal_there_is_a_bar_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "160")
    with show_progress("capture", 2) as shown:
        shown.add(make_receipt())
        shown.add(make_receipt())
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "2/2" in printed.err
    assert "200 records" in printed.err
    assert "6 skipped" in printed.err


def test_a_stage_ends_with_rows_and_losses_by_reason_never_just_done() -> None:
    summary = StageSummary(Stage.CAPTURE, elapsed_s=1.25, peak_memory_mib=88.4)
    summary.add([make_receipt(), make_receipt(State.PARTIAL)], 1)
    summary.n_rows["captures"] = 1200
    assert describe(summary) == (
        "capture: 1 of 2 tasks run; 1,200 captures;"
        " lost or skipped: 6 damaged_member, 1 missing_file; 1.2 s, 88 MiB"
    )
    assert describe(StageSummary(Stage.LOAD, n_tasks=1)) == "load: nothing to do, all 1 tasks are done"
    quiet = StageSummary(Stage.DISCOVER, n_tasks=1, n_tasks_run=1)
    assert "nothing lost" in describe(quiet)
