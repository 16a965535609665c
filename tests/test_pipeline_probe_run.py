"""The probe as a stage of a run: between declare and load, into the warehouse, and nothing without it."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.cli import main
from pipeline.layout import Layout
from pipeline.listing import iter_outputs
from pipeline.manifest import StageMissingError, read_manifest
from pipeline.run import RUNNERS, run_stages, stages_of
from pipeline.study import StudyError, read_study
from pipeline.tasks import Stage

ARCHIVE = Path(__file__).parents[1] / "pipeline" / "demo" / "archive"
ONE_RELEASE = 'crawls = ["CC-MAIN-2024-10"]'
BEFORE = (Stage.DISCOVER, Stage.CAPTURE, Stage.DECLARE)
AFTER = (Stage.LOAD, Stage.ANALYSE, Stage.PUBLISH)
HOSTS = ("open.test", "block.test", "dead.test")


def read_tables(dataset: Path) -> dict[str, bytes]:
    """Every published table as CSV, by its name."""
    return {path.name: path.read_bytes() for path in dataset.glob("*.csv")}


def make_place(probes: Any, folder: Path, port: int) -> Any:
    root = f'{ARCHIVE}"\n{ONE_RELEASE}\nmode = "scan'
    return probes.ProbeStudy(folder, port, HOSTS, root=root)


def ask(place: Any, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(place.out / "census.duckdb"), read_only=True) as con:
        return con.execute(query).fetchall()


def run(place: Any, *stages: Stage) -> dict[Stage, int]:
    """Tasks run by stage."""
    study = place.study()
    return {summary.stage: summary.n_tasks_run for summary in run_stages(study, stages or stages_of(study))}


def take_probe_away(place: Any) -> None:
    """Make the study one without `[probe]`."""
    text = place.write().read_text("utf-8")
    place.file.write_text(text[: text.index("[probe]")], encoding="utf-8")


@pytest.fixture(scope="module")
def sites(probes: Any) -> Iterator[Any]:
    with probes.serve() as server:
        yield server


@pytest.fixture(scope="module")
def finished(sites: Any, probes: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A study that was run to its dataset, its probe too; kept as it was, and a copy to be changed."""
    place = make_place(probes, tmp_path_factory.mktemp("ran") / "study", sites.server_port)
    run(place, *BEFORE, Stage.PROBE, *AFTER)
    shutil.copytree(place.folder, place.folder.with_name("kept"))
    return place


@pytest.fixture
def again(finished: Any) -> Any:
    """The study as it was after its run, for a test to change."""
    shutil.rmtree(finished.folder)
    shutil.copytree(finished.folder.with_name("kept"), finished.folder)
    return finished


def test_the_probe_stands_between_declare_and_load_where_the_study_file_has_it(again: Any) -> None:
    assert stages_of(again.study()) == tuple(stage for stage in RUNNERS if stage is not Stage.URLS)
    take_probe_away(again)
    without = stages_of(read_study(again.file))
    assert without == tuple(stage for stage in RUNNERS if stage not in (Stage.PROBE, Stage.URLS))
    assert list(RUNNERS).index(Stage.PROBE) == list(RUNNERS).index(Stage.DECLARE) + 1
    assert list(RUNNERS).index(Stage.LOAD) == list(RUNNERS).index(Stage.PROBE) + 1


def test_the_warehouse_holds_what_was_observed(again: Any) -> None:
    (n_rows,) = ask(again, "SELECT count(*) FROM observations")[0]
    assert n_rows == len(again.rows()) > 0
    facts = ask(again, "SELECT identity, markers, sketch, started_at FROM observations WHERE target = 'home'")
    assert all(identity in again.identities for identity, *_ in facts)
    assert all(isinstance(markers, list) and isinstance(sketch, list) for _, markers, sketch, _ in facts)
    assert ask(again, "SELECT DISTINCT agent FROM live_declarations ORDER BY 1") == [("*",), ("GPTBot",)]


def test_every_kind_of_answer_is_classified_once_by_the_one_definition(again: Any) -> None:
    kinds = ask(again, "SELECT status, stage, detail FROM outcome_kinds ORDER BY ALL")
    assert (403, "generic_deny", "forbidden") in kinds
    assert (0, "transport_fail", "tcp_refused") in kinds
    assert len(set(kinds)) == len(kinds)


def test_the_verdicts_tell_who_is_blocked_although_robots_txt_allows_it(again: Any) -> None:
    query = "SELECT host, declared, verdict, is_undeclared FROM verdicts WHERE agent = 'GPTBot' ORDER BY host"
    assert ask(again, query) == [
        ("block.test", "allow", "blocks_token", True),
        ("dead.test", "unreadable", "down", False),
        ("open.test", "allow", "open", False),
    ]


def test_a_dry_run_of_everything_has_the_plan_of_the_probe(
    again: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(again.file), "--dry-run"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("probe: ")]
    assert lines[0] == "probe: 3 hosts of 3 sites; arms: honest, honest2, token:GPTBot"
    assert "3/3 hosts over, 0 blocks due; the campaign is complete" in lines[-1]


def test_a_second_run_does_nothing(again: Any) -> None:
    assert set(run(again, *BEFORE, Stage.PROBE, *AFTER).values()) == {0}
    assert main(["status", str(again.file)]) == 1, "the report was not written"


def test_new_observations_go_into_the_warehouse_and_nothing_before_it_is_done_again(again: Any) -> None:
    again.hosts = (*HOSTS, "open2.test")
    try:
        done = run(again, *BEFORE, Stage.PROBE)
        with pytest.raises(StageMissingError, match="load is older than declare or probe"):
            run(again, Stage.ANALYSE)
        done |= run(again, Stage.LOAD, Stage.ANALYSE)
    finally:
        again.hosts = HOSTS
    assert [done[stage] for stage in BEFORE] == [0, 0, 0]
    assert (done[Stage.PROBE], done[Stage.LOAD], done[Stage.ANALYSE]) == (1, 1, 1)
    assert ask(again, "SELECT count(DISTINCT host) FROM observations") == [(4,)]


def test_every_call_that_published_something_is_a_run(again: Any) -> None:
    rows = ask(again, "SELECT n_rows, n_tasks_run FROM runs WHERE stage = 'probe'")
    assert len(rows) == 1
    assert rows[0][0] >= len(again.rows())


def test_without_the_section_nothing_of_the_probe_is_left_in_the_products(
    again: Any, tmp_path: Path, probes: Any
) -> None:
    take_probe_away(again)
    done = {
        summary.stage: summary.n_tasks_run
        for summary in run_stages(read_study(again.file), (*BEFORE, *AFTER))
    }
    assert list(done.values()) == [0, 0, 0, 1, 1, 1]
    assert ask(again, "SELECT count(*) FROM observations") == [(0,)]
    never = make_place(probes, tmp_path, 1)
    take_probe_away(never)
    run_stages(read_study(never.file), (*BEFORE, *AFTER))
    assert read_tables(again.out / "dataset") == read_tables(never.out / "dataset")
    assert Stage.PROBE not in read_manifest(Layout(never.out)).stages
    assert not (never.out / "probe").exists()


def test_the_archives_part_goes_on_while_the_probe_has_not_begun(
    probes: Any, tmp_path: Path, sites: Any
) -> None:
    place = make_place(probes, tmp_path, sites.server_port)
    assert list(run(place, *BEFORE, Stage.LOAD).values())[-1] == 1
    assert ask(place, "SELECT count(*) FROM observations") == [(0,)]


def test_a_stage_probe_of_a_study_without_it_says_what_to_add(again: Any) -> None:
    take_probe_away(again)
    with pytest.raises(StudyError, match=r"\[probe\]: there is no such section"):
        run_stages(read_study(again.file), (Stage.PROBE,))


def test_a_part_that_is_gone_is_published_again_from_its_ledger(again: Any) -> None:
    part = next((again.out / "tables" / "observations").rglob("*.parquet"))
    content = part.read_bytes()
    part.unlink()
    run(again, Stage.PROBE)
    assert part.read_bytes() == content


def test_the_manifest_lists_exactly_the_parts_that_are_there(again: Any) -> None:
    layout = Layout(again.out)
    entries = read_manifest(layout).stages.values()
    listed = [output.path for entry in entries for output in iter_outputs(layout, entry)]
    there = [str(path.relative_to(again.out)) for path in (again.out / "tables").rglob("*.parquet")]
    assert sorted(listed) == sorted(there)
