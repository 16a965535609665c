"""One pace of requests for threads and processes."""

import json
import logging
import multiprocessing
import threading
import time
from pathlib import Path

import pytest

from snapshots.pace import FORGET_AFTER_S, Pace

TOLERANCE = 0.6  # a busy machine may wake the first one late, which brings the others nearer to it


def send(path: Path, n_requests: int, times: "multiprocessing.Queue[float]") -> None:
    pace = Pace(50, 0, path)
    for _ in range(n_requests):
        times.put(pace.wait())


def test_requests_are_spaced_evenly() -> None:
    pace = Pace(50, 0)
    times = [pace.wait() for _ in range(6)]
    assert times[-1] - times[0] >= TOLERANCE * 5 / 50


def test_no_limit_never_waits() -> None:
    pace = Pace(0, 0)
    started = time.monotonic()
    for _ in range(100):
        pace.wait()
    assert time.monotonic() - started < 0.5


def test_processes_share_one_pace(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    times: multiprocessing.Queue[float] = context.Queue()
    workers = [context.Process(target=send, args=(tmp_path / "pace", 6, times)) for _ in range(2)]
    for worker in workers:
        worker.start()
    sent = sorted(times.get(timeout=30) for _ in range(12))
    for worker in workers:
        worker.join()
    assert sent[-1] - sent[0] >= TOLERANCE * 11 / 50


def test_a_refusal_holds_back_everyone_also_those_who_sleep(tmp_path: Path) -> None:
    path = tmp_path / "pace"
    first, second = Pace(5, 0.5, path), Pace(5, 0.5, path)
    sent_at = first.wait()
    woken: list[float] = []
    sleeper = threading.Thread(target=lambda: woken.append(second.wait()))
    sleeper.start()
    time.sleep(0.05)
    first.refuse(sent_at)
    refused_at = time.time()
    sleeper.join()
    assert woken[0] - refused_at >= 0.45


def test_after_a_refusal_the_rate_is_half_and_half_again(tmp_path: Path) -> None:
    pace = Pace(50, 0, tmp_path / "pace")
    pace.refuse(pace.wait())
    times = [pace.wait() for _ in range(4)]
    assert times[-1] - times[0] >= TOLERANCE * 3 / 25
    pace.refuse(time.time())
    assert json.loads((tmp_path / "pace").read_text())["slowdown"] == 4


def test_refusals_of_requests_under_way_count_once() -> None:
    pace = Pace(0, 0)
    sent_at = [pace.wait() for _ in range(5)]
    for moment in sent_at:
        pace.refuse(moment)
    assert pace._memory.slowdown == 2


def test_a_refusal_is_told_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Pace(0, 0.01).refuse(time.time())
    assert len(caplog.records) == 1
    assert "nothing is sent for 0 s, then at 1/2 of the rate" in caplog.text


def test_an_old_refusal_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "pace"
    old = time.time() - FORGET_AFTER_S - 1
    path.write_text(json.dumps({"next_at": old, "refused_at": old, "slowdown": 8}))
    Pace(1, 0, path).wait()
    assert json.loads(path.read_text())["slowdown"] == 1


@pytest.mark.parametrize("text", ["", "{", "[]", '{"next_at": "x"}'])
def test_a_pace_file_that_a_crash_cut_starts_anew(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pace"
    path.write_text(text)
    started = time.monotonic()
    Pace(1, 0, path).wait()
    assert time.monotonic() - started < 0.5
