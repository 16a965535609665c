"""Which parts a load reads: the new ones alone, older ones where a new capture wants them, or all of them."""

import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.archive_tables import CAPTURES, CONTENTS
from pipeline.layout import Layout
from pipeline.loading.notes import create_notes, rules_of
from pipeline.loading.parts import OLD, Parts
from pipeline.manifest import read_manifest
from pipeline.parts import Output, PartError
from pipeline.tables import TABLES
from pipeline.tasks import Stage

ROOT = Path(__file__).parents[1]
# Loads a study and is killed as soon as a function has been called: before it does anything, or after.
KILLED = """
import os, signal, sys
from pathlib import Path
from pipeline import finish, warehouse
from pipeline.loading.parts import Parts
from pipeline.run import run_stages
from pipeline.study import read_study
from pipeline.tasks import Stage

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "before the end":
    Parts.note = die
else:
    update = finish.update_warehouse
    finish.update_warehouse = lambda source: (update(source), die())
run_stages(read_study(Path(sys.argv[1])), (Stage.LOAD,))
"""


@pytest.fixture
def study(archives: Any, loaded: Any, studies: Any, tmp_path: Path) -> Any:
    """A study by scan, loaded with its first release."""
    loaded.write_releases(tmp_path / "archive", archives)
    study = studies.TargetedStudy(tmp_path / "study", loaded.HOSTS, "scan")
    loaded.load(study, loaded.OLD)
    return study


def add(study: Any, loaded: Any, *crawls: str) -> None:
    """Have the study read these releases, all but the warehouse."""
    study.crawls = crawls
    study.run(*loaded.FILES)


def n_parts(study: Any) -> int:
    return int(study.ask("SELECT count(*) FROM loading.parts")[0][0])


def said(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What loads have said on stderr of how they went."""
    lines = capsys.readouterr().err.splitlines()
    return [line for line in lines if line.startswith("load: ") and ("parts" in line or "anew" in line)]


# ---- new ones alone


def test_no_part_is_read_twice(study: Any, loaded: Any, capsys: pytest.CaptureFixture[str]) -> None:
    n_old = n_parts(study)
    add(study, loaded, loaded.OLD, loaded.MIDDLE)
    said(capsys)
    with loaded.unreadable(study):
        study.run(Stage.LOAD)
    n_all = n_parts(study)
    # All bodies declare the same: the new part of rulesets has none that is not there.
    assert said(capsys) == [f"load: {n_all - n_old - 1} new parts of {n_all} read"]
    assert loaded.rows_of(study) == loaded.rebuild(study)


def test_models_of_what_was_there_before_are_gone(study: Any, loaded: Any) -> None:
    study.run(Stage.ANALYSE)
    everything = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main'"
    macros = "SELECT function_name FROM duckdb_functions() WHERE NOT internal"
    assert ("panel",) in study.ask(everything)
    assert study.ask(macros)
    loaded.load(study, loaded.OLD, loaded.MIDDLE)
    assert {name for (name,) in study.ask(everything)} == set(TABLES) - {"contents"}
    assert study.ask(macros) == study.ask("FROM access_states") == []
    assert not {Stage.ANALYSE, Stage.PUBLISH} & set(read_manifest(Layout(study.out)).stages)


def test_a_load_that_was_done_and_not_noted_reads_nothing_again(
    study: Any, loaded: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    before = loaded.rows_of(study)
    loaded.forget(study.out, Stage.LOAD)
    said(capsys)
    study.run(Stage.LOAD)
    assert said(capsys) == [f"load: 0 new parts of {n_parts(study)} read"]
    assert loaded.rows_of(study) == before


# ---- older ones where they are wanted


@pytest.mark.parametrize("mode", ["scan", "index"])
def test_a_body_that_only_others_had_wanted_is_looked_for_in_older_parts(
    archives: Any,
    loaded: Any,
    studies: Any,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    mode: str,
) -> None:
    """The store has it since before the first load, and no capture pointed at it until the second."""
    loaded.write_releases(tmp_path / "archive", archives)
    shared, facts = {"store": 'store = "../store"'}, {"mode": mode}
    theirs = studies.TargetedStudy(tmp_path / "theirs", loaded.HOSTS, "scan", **shared)
    add(theirs, loaded, loaded.NEW)
    mine = studies.TargetedStudy(tmp_path / "mine", loaded.HOSTS, **facts, **shared)
    loaded.load(mine, loaded.OLD)
    held = {digest for (digest,) in mine.ask("SELECT content_digest FROM bodies")}
    page = archives.digest_of(archives.PAGE)
    assert page not in held
    said(capsys)
    loaded.load(mine, loaded.OLD, loaded.NEW)
    # Facts, content, readings, signals (were there some) and rulesets, of one or both of the old parts.
    n_older = re.search(r" new and ([0-9]+) older parts of ", said(capsys)[-1])
    assert n_older
    assert 5 <= int(n_older[1]) <= 10
    assert page in {digest for (digest,) in mine.ask("SELECT content_digest FROM bodies")}
    assert loaded.rows_of(mine) == loaded.rebuild(mine)


def test_parts_whose_range_holds_no_wanted_digest_are_passed_over(study: Any, tmp_path: Path) -> None:
    ranges = {"b": ("B", "D"), "e": ("E", "G"), "h": ("H", "K"), "unknown": ("", "")}
    outputs = [
        Output("contents", f"tables/contents/part-{name}.parquet", 1, 1, *ends)
        for name, ends in ranges.items()
    ]

    def names(*wanted: str) -> set[str]:
        with duckdb.connect() as con:
            create_notes(con, rules_of(study.study()))
            parts = Parts.of(con, Layout(tmp_path), outputs)
            con.execute("CREATE TEMP TABLE wanted AS SELECT unnest(?::VARCHAR[]) AS content_digest", [wanted])
            found = "".join(map(str, parts.each_with(CONTENTS, "wanted")))
            assert not list(parts.each_with(CONTENTS, "wanted", OLD))
            assert not list(parts.each_with(CAPTURES, "wanted"))
        return {name for name in ranges if f"part-{name}.parquet" in found}

    assert names("A", "C", "DD", "L") == {"b", "unknown"}
    assert names("E", "K") == {"e", "h", "unknown"}
    assert names("A", "Z") == {"unknown"}
    assert names() == set()


# ---- all of them


def test_a_release_less_builds_the_warehouse_anew(
    study: Any, loaded: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded.load(study, loaded.OLD, loaded.MIDDLE)
    said(capsys)
    loaded.load(study, loaded.MIDDLE)
    anew, read = said(capsys)
    assert anew.startswith("load: the warehouse is built anew: ")
    assert anew.endswith(" of the parts that it has read are no longer listed")
    assert read == f"load: {n_parts(study)} new parts of {n_parts(study)} read"
    assert {snapshot for (snapshot,) in study.ask("SELECT snapshot FROM captures")} == {loaded.MIDDLE}
    assert loaded.rows_of(study) == loaded.rebuild(study)


def test_other_hosts_and_agents_build_it_anew_and_are_named(
    study: Any, loaded: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    study.sites, study.archive_keys = loaded.HOSTS[:3], '[agents]\ntrack = ["GPTBot"]'
    said(capsys)
    loaded.load(study, loaded.OLD)
    assert said(capsys)[0] == (
        "load: the warehouse is built anew: other than when it was made: site list, tracked agents"
    )
    assert study.ask("SELECT count(*) FROM sites") == [(3,)]
    assert study.ask("SELECT agent FROM agents WHERE is_tracked") == [("GPTBot",)]


def test_a_warehouse_that_others_have_open_is_replaced(
    study: Any, loaded: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    code = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); print(1, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(study.out / "census.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout is not None
        reader.stdout.readline()
        said(capsys)
        loaded.load(study, loaded.OLD, loaded.NEW)
        reader.communicate("\n")
    assert "lock" in said(capsys)[0]
    assert loaded.rows_of(study) == loaded.rebuild(study)


@pytest.mark.parametrize("damage", ["other", "cut", "old"])
def test_what_is_no_warehouse_of_ours_is_replaced(study: Any, loaded: Any, damage: str) -> None:
    before, path = loaded.rows_of(study), study.out / "census.duckdb"
    if damage == "old":
        with duckdb.connect(str(path)) as con:
            con.execute("DROP SCHEMA loading CASCADE")
    else:
        path.write_bytes(b"something else" * 1000 if damage == "other" else path.read_bytes()[:9000])
    loaded.forget(study.out, Stage.LOAD)
    study.run(Stage.LOAD)
    assert loaded.rows_of(study) == before


# ---- parts that are gone or damaged


@pytest.mark.parametrize("table", ["captures", "contents", "readings"])
@pytest.mark.parametrize("content", [b"PAR1 no part PAR1", None])
def test_a_part_that_is_gone_or_damaged_is_named_with_the_way_on(
    study: Any, loaded: Any, table: str, content: bytes | None
) -> None:
    before = loaded.rows_of(study)
    part = min((study.out / "tables" / table).rglob("*.parquet"))
    if content is None:
        part.unlink()
    else:
        part.write_bytes(content)
    (study.out / "census.duckdb").unlink()
    with pytest.raises(PartError, match=rf"{part.name}.* Fix: remove it, if it is there, and run .* again"):
        study.run(Stage.LOAD)
    loaded.load(study, loaded.OLD)
    assert loaded.rows_of(study) == before


# ---- killed


@pytest.mark.parametrize("moment", ["before the end", "after the end"])
def test_a_load_that_was_killed_has_added_all_or_nothing(study: Any, loaded: Any, moment: str) -> None:
    before = loaded.rows_of(study)
    add(study, loaded, loaded.OLD, loaded.MIDDLE)
    command = [sys.executable, "-c", KILLED, str(study.write()), moment]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert Stage.LOAD not in read_manifest(Layout(study.out)).stages
    if moment == "before the end":
        assert loaded.rows_of(study) == before
    study.run(Stage.LOAD)
    assert not list(study.out.glob("*.wal"))
    assert loaded.rows_of(study) == loaded.rebuild(study)
