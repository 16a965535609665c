"""`crawlcensus diff` on real releases of the demo: another registry, fewer captures, other weights."""

import csv
import gzip
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from consent.agents import BUNDLED
from pipeline.cli import main
from pipeline.commands.demo import BUNDLE
from pipeline.run import run_stages, stages_of
from pipeline.study import read_study

DROPPED = "CC-MAIN-2023-40"
Run = Callable[[str], Path]


def other_registry(bundle: Path) -> None:
    """GPTBot is listed a year earlier."""
    text = BUNDLED.read_text("utf-8")
    assert text.count("2023-08-07") >= 1
    lines = [
        line.replace("2023-08-07", "2022-08-07") if line.startswith("GPTBot,") else line
        for line in text.splitlines()
    ]
    (bundle / "agents.csv").write_text("\n".join(lines) + "\n", "utf-8")
    study = bundle / "study.toml"
    study.write_text(
        study.read_text("utf-8").replace("[agents]\n", '[agents]\nregistry = "agents.csv"\n'), "utf-8"
    )


def fewer_captures(bundle: Path) -> None:
    """The last WARC file of a release is no longer listed."""
    path = bundle / "archive" / "crawl-data" / DROPPED / "robotstxt.paths.gz"
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    path.write_bytes(gzip.compress(b"".join(lines[:-1]), mtime=0))


def other_weights(bundle: Path) -> None:
    """The first host of the site list weighs ten times as much in C4."""
    path = bundle / "sites.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0]["c4_tokens"] += "0"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def nothing(bundle: Path) -> None:
    """The bundled study as it is."""


CHANGES = {one.__name__: one for one in (nothing, other_registry, fewer_captures, other_weights)}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs the demo after a change of its files, once; gives its output folder."""
    made: dict[str, Path] = {}

    def run(change: str) -> Path:
        if change not in made:
            bundle = tmp_path_factory.mktemp(change) / "bundle"
            shutil.copytree(BUNDLE, bundle)
            CHANGES[change](bundle)
            study = read_study(bundle / "study.toml")
            run_stages(study, stages_of(study)[:-1], allow_missing=True)
            made[change] = study.folder
        return made[change]

    return run


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("change", "kind", "told"),
    [
        ("other_registry", "registry", "agent GPTBot: first_listed 2023-08-07 → 2022-08-07"),
        ("fewer_captures", "input", f"capture removed in {DROPPED}"),
        ("other_weights", "input", "weight in c4_tokens changed"),
    ],
)
def test_every_difference_has_its_cause(
    change: str, kind: str, told: str, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "all.csv"
    status = main(["diff", str(run("nothing")), str(run(change)), "--output", str(output)])
    said = capsys.readouterr().out
    rows = read_rows(output)
    assert status == 1
    assert {cause.split(":")[0] for row in rows for cause in row["causes"].split("; ")} == {kind}
    assert any(told in row["causes"] for row in rows if row["table"] == "head_start")
    assert told in said
    assert f"because of: {kind} (" in said


def test_every_lost_answer_is_listed(run: Run, tmp_path: Path) -> None:
    output = tmp_path / "all.csv"
    main(["diff", str(run("nothing")), str(run("fewer_captures")), "--output", str(output)])
    sides = [
        {(row["host"], row["snapshot"]) for row in read_rows(run(change) / "dataset" / "answers.csv")}
        for change in ("nothing", "fewer_captures")
    ]
    removed = [row for row in read_rows(output) if (row["table"], row["change"]) == ("answers", "removed")]
    assert len(removed) == len(sides[0] - sides[1]) > 0


def test_equal_releases_end_with_0_and_say_so(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run("nothing")
    assert main(["diff", str(folder), str(folder / "dataset")]) == 0
    assert "of both releases are equal" in capsys.readouterr().out


def test_the_limit_is_that_of_the_examples_of_a_table(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    lengths = []
    for limit in ("0", "1", "2"):
        main(["diff", str(run("nothing")), str(run("other_weights")), "--limit", limit])
        lengths.append(capsys.readouterr().out.count(" → "))
    assert lengths[0] < lengths[1] < lengths[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no-such", "{folder}"], "no datapackage.json"),
        (["{folder}", "{folder}", "--limit", "-1"], "--limit -1"),
        (["{folder}", "{folder}", "--output", "no/such/folder/all.csv"], "no such folder"),
    ],
)
def test_a_wrong_call_ends_with_2_and_the_fix(
    arguments: list[str], message: str, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(run("nothing"))
    assert main(["diff", *(argument.format(folder=folder) for argument in arguments)]) == 2
    assert message in capsys.readouterr().err


def test_the_help_needs_no_heavy_import() -> None:
    code = "import sys; from pipeline.cli import build_parser; build_parser(); print('duckdb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
