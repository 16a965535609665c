"""Bodies that two runs have both stored, as runs on one bucket may: no result tells."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.tasks import Stage

FIRST, SECOND = "CC-MAIN-2024-10", "CC-MAIN-2024-18"
HOSTS = [f"h{n}.example" for n in range(8)]
BODY = b"User-agent: *\nDisallow: /h%d\n\nUser-agent: GPTBot\nDisallow: /\nContent-Signal: ai-train=no\n"
TABLES = ("captures", "bodies", "readings", "rulesets", "signals")


@pytest.fixture
def place(archives: Any, tmp_path: Path) -> Path:
    """Of eight hosts, two change their file between the releases."""
    first = [archives.Answer(f"http://{host}/robots.txt", BODY % n) for n, host in enumerate(HOSTS)]
    second = [archives.Answer(f"http://{host}/robots.txt", BODY % max(n, 2)) for n, host in enumerate(HOSTS)]
    archives.write_archive(tmp_path / "archive", {FIRST: first, SECOND: second})
    return tmp_path


def loaded(study: Any) -> list[list[tuple[object, ...]]]:
    study.run(Stage.LOAD)
    return [study.ask(f"FROM {table} ORDER BY ALL") for table in TABLES]


@pytest.mark.parametrize("mode", ["scan", "index"])
@pytest.mark.parametrize("is_loaded_between", [False, True])
def test_bodies_that_are_in_the_store_twice_are_in_the_warehouse_once(
    studies: Any, place: Path, mode: str, is_loaded_between: bool
) -> None:
    """As if both had begun before either had stored anything."""
    alone = studies.TargetedStudy(place / "alone", HOSTS, mode, crawls=(FIRST, SECOND))
    alone.run(*studies.FILES)
    one, two = (
        studies.TargetedStudy(place / crawl, HOSTS, mode, crawls=(crawl,), store='store = "store"')
        for crawl in (FIRST, SECOND)
    )
    for study in (one, two):
        study.run(*studies.FILES)
    if is_loaded_between:
        loaded(one)
    shutil.copytree(two.folder / "store", one.folder / "store", dirs_exist_ok=True)
    assert len(one.stored()) > len(set(one.stored())) == len(HOSTS)
    one.crawls = (FIRST, SECOND)
    one.run(*studies.FILES)
    assert len(one.stored()) > len(set(one.stored())), "nothing is stored again, and nothing removed"
    assert loaded(one) == loaded(alone)
