"""The command line: every verb, exit statuses, what goes to stdout and what to stderr."""

import csv
import importlib
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli import STAGES, build_parser, main
from pipeline.commands import errors
from pipeline.run import RUNNERS

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "pipeline" / "demo"
SNAPSHOT = "CC-MAIN-2024-10"
VERBS = ("run", *STAGES, "crawls", "status", "sql", "explain", "sites", "demo")
# Loaded by a verb that needs it, never by the command line itself.
HEAVY = (
    "pyarrow",
    "duckdb",
    "altair",
    "fastwarc",
    "protego",
    "tldextract",
    "httpx",
    "jinja2",
    "rich",
    "scrapy",
    "twisted",
)


def write_study(folder: Path, extra: str = "", crawls: str = f'["{SNAPSHOT}"]') -> Path:
    path = folder / "study.toml"
    path.write_text(
        f'[study]\nname = "asked"\n[archive]\nroot = "{DEMO / "archive"}"\ncrawls = {crawls}\n'
        f'[output]\nfolder = "out"\n[engine]\nworkers = 1\n{extra}',
        encoding="utf-8",
    )
    return path


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study file of one release that was run up to its models; not to be changed."""
    path = write_study(tmp_path_factory.mktemp("asked"))
    for verb in ("discover", "capture", "declare", "load", "analyse"):
        assert main([verb, str(path)]) == 0
    return path


def files_below(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in sorted(folder.rglob("*"))
        if path.name != ".lock"
    }


def test_the_verbs_are_those_of_the_design_and_the_help_lists_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    stages = {"discover", "capture", "urls", "declare", "probe", "load", "analyse", "publish", "report"}
    assert set(VERBS) == {"run", "crawls", "sql", "explain", "sites", "status", "demo"} | stages
    text = build_parser().format_help()
    assert all(re.search(rf"^    {verb} +\w", text, re.MULTILINE) for verb in VERBS)
    assert list(STAGES) == list(RUNNERS)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(f"usage: crawlcensus {verb} ")
    assert printed.err == ""


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, pipeline.cli as cli\ntry:\n cli.main(['--help'])\nfinally:\n print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    modules = done.stdout.splitlines()[-1]
    assert [name for name in HEAVY if f"'{name}'" in modules] == []
    assert modules.count("'") / 2 < 150, "bare Python has some 60 modules"


def test_explaining_a_file_loads_neither_arrow_nor_duckdb(tmp_path: Path) -> None:
    (tmp_path / "robots.txt").write_bytes(b"User-agent: *\nDisallow: /\n")
    code = "import sys, pipeline.cli as cli; cli.main(['explain', sys.argv[1]]); print(sorted(sys.modules))"
    command = [sys.executable, "-c", code, str(tmp_path / "robots.txt")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    modules = done.stdout.splitlines()[-1]
    assert [name for name in ("pyarrow", "duckdb", "altair", "fastwarc") if f"'{name}'" in modules] == []


def test_the_version_is_that_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"crawlcensus \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_no_verb_is_a_usage_error_with_the_help_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "VERB" in printed.err


@pytest.mark.parametrize(
    "arguments", [["fly"], ["run"], ["sql", "x", "y", "--format", "xml"], ["run", "s", "--fast"]]
)
def test_a_wrong_call_exits_2_with_usage_on_stderr(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "usage:" in printed.err


@pytest.mark.parametrize("name", [*errors.USAGE, *errors.FAILURE])
def test_every_error_that_is_named_exists(name: str) -> None:
    module, _, kind = name.rpartition(".")
    found = getattr(importlib.import_module(module), kind)
    assert issubclass(found, Exception)
    raised = found.__new__(found)
    assert errors.status_of(raised) == (2 if name in errors.USAGE else 1)


@pytest.mark.parametrize("error", [ValueError("x"), KeyError("x"), RuntimeError("x"), OSError("x")])
def test_an_error_of_our_own_is_not_dressed_up_as_the_users(error: Exception) -> None:
    assert errors.status_of(error) is None


def test_an_error_of_the_file_system_is_a_failure_with_its_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        (tmp_path / "gone").read_bytes()
    assert errors.status_of(caught.value) == 1


# ---- stages


@pytest.mark.parametrize("verb", ["run", *STAGES, "status"])
def test_a_study_file_that_cannot_be_used_exits_2_and_says_why(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, str(write_study(tmp_path, "[probe]\n"))]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"crawlcensus: {tmp_path / 'study.toml'}: [probe] contact: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("extra", "says"),
    [
        ('[sites]\nfile = "sites.csv"\n', "sites.csv: line 2: column host: 'no host' is no host"),
        ('[agents]\nregistry = "sites.csv"\n', "sites.csv"),
        (
            '[agents]\ntrack = ["GPTBto"]\n',
            "track: the registry has no agent 'GPTBto'. Fix: did you mean GPTBot?",
        ),
        (
            '[agents]\ntrack = ["zzz"]\n',
            "the registry has no agent 'zzz'. Fix: give a token that the registry has.",
        ),
    ],
)
def test_lists_that_cannot_be_used_stop_a_run_before_it_begins(
    extra: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sites.csv").write_text("host\nno host\n", encoding="utf-8")
    assert main(["run", str(write_study(tmp_path, extra))]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_results_go_to_stdout_and_everything_else_to_stderr(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["load", str(study)]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"database  {study.parent / 'out' / 'census.duckdb'}\n"
    assert printed.err == "load: nothing to do, all 1 tasks are done\n"


def test_a_stage_before_its_time_exits_1_and_says_what_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["capture", str(write_study(tmp_path))]) == 1
    assert "the stage discover is not complete. Run `crawlcensus discover`" in capsys.readouterr().err


def test_missing_files_exit_1_and_are_accepted_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(DEMO / "archive", tmp_path / "archive")
    path = write_study(tmp_path)
    path.write_text(path.read_text("utf-8").replace(str(DEMO / "archive"), "archive"), encoding="utf-8")
    sorted((tmp_path / "archive" / "crawl-data" / SNAPSHOT).rglob("*.warc.gz"))[0].unlink()
    assert main(["discover", str(path)]) == 0
    assert main(["capture", str(path)]) == 1
    assert "--allow-missing" in capsys.readouterr().err
    assert main(["status", str(path)]) == 1
    said = capsys.readouterr().out
    assert "capture   3 of 4 tasks done, 1 left" in said
    assert f"partial: capture {SNAPSHOT}/00000: the archive does not have crawl-data/{SNAPSHOT}/" in said
    assert main(["capture", str(path), "--allow-missing"]) == 0
    assert "Going on without them (--allow-missing)." in capsys.readouterr().err
    main(["status", str(path)])
    assert re.search(r"capture +done: 4 tasks, [\d,]+ rows, 1 tasks went without", capsys.readouterr().out)


@pytest.mark.parametrize("damage", ["receipt", "manifest"])
def test_damaged_state_exits_1_and_names_the_file(
    damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_study(tmp_path)
    assert main(["discover", str(path)]) == 0
    receipts = list((tmp_path / "out" / "receipts" / "discover").rglob("*.json"))
    broken = receipts[0] if damage == "receipt" else tmp_path / "out" / "manifest.json"
    broken.write_text("{", encoding="utf-8")
    capsys.readouterr()
    assert main(["discover", str(path)]) == 1
    said = capsys.readouterr().err
    assert f"crawlcensus: {broken} is not a {damage} (" in said
    assert "delete it and run again" in said
    broken.unlink()
    assert main(["discover", str(path)]) == 0


# ---- dry run and status


def test_a_dry_run_writes_nothing_and_prints_the_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_study(tmp_path)
    assert main(["run", str(path), "--dry-run"]) == 0
    printed = capsys.readouterr()
    assert [file.name for file in tmp_path.iterdir()] == ["study.toml"]
    lines = printed.out.splitlines()
    assert lines[0] == "discover: 1 tasks over 1 inputs, 0 done, 1 to run"
    assert re.fullmatch(rf"  [0-9a-f]{{16}}  {SNAPSHOT}  1 inputs", lines[1])
    assert lines[2].startswith("capture: planned from what discover finds")
    assert re.fullmatch(
        rf"read: {SNAPSHOT}: scan, 8 reads, [0-9.]+ kB, about 1 s \(.+\)",
        lines[3],
    )
    assert [line.split(":")[0] for line in lines[4:]] == ["declare", "load", "analyse", "publish", "report"]


def test_a_dry_run_of_a_study_that_was_run_plans_nothing_and_touches_nothing(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_below(study.parent)
    assert main(["run", str(study), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "discover: 1 tasks over 1 inputs, 1 done, 0 to run" in printed
    assert "capture: 4 tasks over 8 files, 4 done, 0 to run" in printed
    assert files_below(study.parent) == before


def test_status_says_what_is_done_what_is_left_and_what_was_lost(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = write_study(tmp_path)
    assert main(["status", str(empty)]) == 1
    stages = [stage for stage in RUNNERS if stage not in ("probe", "urls")]
    assert capsys.readouterr().out.splitlines() == [f"{stage:<9} to do" for stage in stages]
    assert not (tmp_path / "out").exists()
    assert main(["status", str(study)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[:7]] == ["done:"] * 5 + ["to"] * 2
    shutil.copytree(study.parent / "out", tmp_path / "out")
    for receipt in sorted((tmp_path / "out" / "receipts" / "capture").rglob("*.json"))[:3]:
        receipt.unlink()
    manifest = tmp_path / "out" / "manifest.json"
    stages = json.loads(manifest.read_text("utf-8"))
    del stages["stages"]["capture"]
    manifest.write_text(json.dumps(stages), encoding="utf-8")
    assert main(["status", str(empty)]) == 1
    assert "capture   1 of 4 tasks done, 3 left" in capsys.readouterr().out


def test_status_of_a_complete_study_is_0(study: Path, tmp_path: Path) -> None:
    shutil.copytree(study.parent / "out", tmp_path / "out")
    path = write_study(tmp_path)
    for verb in ("publish", "report"):
        assert main([verb, str(path)]) == 0
    assert main(["status", str(path)]) == 0


# ---- crawls


def test_crawls_of_an_archive_come_oldest_first_one_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["crawls", str(DEMO / "archive")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(line.split()[0] for line in lines)
    assert len(lines) == 6
    assert re.match(r"CC-MAIN-2016-44   2016-10-20 to 2016-10-21 +8 files  not read  ", lines[0])


def test_crawls_of_a_study_say_what_was_read_of_the_wanted_ones(
    study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["crawls", str(study)]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    held = "8 files  8/8 files read, 91 captures"
    assert re.match(rf"{SNAPSHOT}   2024-02-20 to 2024-02-21 +{held} ", line)
    wanted = '{ from = "CC-MAIN-2020-01", to = "CC-MAIN-2024-01" }'
    assert main(["crawls", str(write_study(tmp_path, crawls=wanted))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["CC-MAIN-2020-24", "CC-MAIN-2023-40"]


@pytest.mark.parametrize("source", ["nowhere", "ftp://archive.invalid/"])
def test_crawls_of_neither_study_nor_archive_exit_2(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["crawls", source]) == 2
    assert source in capsys.readouterr().err


# ---- sql

QUERY = "SELECT host, stratum FROM sites WHERE host IN ('case.example', 'choir.example') ORDER BY host"


def test_sql_answers_from_study_file_folder_and_database_alike(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = []
    for source in (study, study.parent / "out", study.parent / "out" / "census.duckdb"):
        assert main(["sql", str(source), QUERY, "--format", "csv"]) == 0
        answers.append(capsys.readouterr().out)
    assert answers == ["host,stratum\ncase.example,\nchoir.example,\n"] * 3


def test_sql_prints_a_table_json_lines_and_csv(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = "SELECT 1 AS n, NULL AS nothing, 'ä,\"b' AS text, DATE '2024-02-20' AS day"
    assert main(["sql", str(study), query, "--format", "json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {"n": 1, "nothing": None, "text": 'ä,"b', "day": "2024-02-20"}
    assert main(["sql", str(study), query, "--format", "csv"]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows == [["n", "nothing", "text", "day"], ["1", "", 'ä,"b', "2024-02-20"]]
    assert main(["sql", str(study), query]) == 0
    table = capsys.readouterr().out
    assert all(word in table for word in ("nothing", 'ä,"b', "2024-02-20"))


def test_sql_reads_the_query_from_stdin(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("SELECT count(*) AS n FROM snapshots"))
    assert main(["sql", str(study), "--format", "csv"]) == 0
    assert capsys.readouterr().out == "n\n1\n"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT colour FROM sites", "colour"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("DELETE FROM sites", "read-only"),
        ("CREATE TABLE mine AS SELECT 1", "read-only"),
        ("INSERT INTO site_weights VALUES ('a', 'b', 1, NULL)", "read-only"),
    ],
)
def test_sql_that_is_wrong_or_would_change_something_exits_1(
    query: str, says: str, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sql", str(study), query]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("crawlcensus: ")
    assert says in printed.err


def test_sql_without_a_warehouse_exits_2_and_says_what_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sql", str(write_study(tmp_path)), "SELECT 1"]) == 2
    assert "there is no warehouse yet. Run `crawlcensus run`" in capsys.readouterr().err


# ---- explain, from the study's captures


def test_a_url_is_explained_from_the_studys_captures(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = "SELECT min(host) FROM answers WHERE access_state = 'rules'"
    main(["sql", str(study), query, "--format", "csv"])
    host = capsys.readouterr().out.splitlines()[1]
    command = ["explain", f"https://{host}/page", "--study", str(study), "--json"]
    assert main(command) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["restriction"] in ("none", "some", "all")
    assert main([*command, "--snapshot", "CC-MAIN-2016-44"]) == 2
    assert f"{host} was not captured in CC-MAIN-2016-44" in capsys.readouterr().err


def test_a_url_of_a_host_without_a_file_says_how_it_was_answered(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = "SELECT min(host) FROM answers WHERE access_state = 'absent'"
    main(["sql", str(study), query, "--format", "csv"])
    host = capsys.readouterr().out.splitlines()[1]
    assert main(["explain", f"https://{host}/", "--study", str(study)]) == 2
    assert "there is no file to read, its access state is absent" in capsys.readouterr().err


def test_a_url_without_a_study_is_not_fetched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "https://example.org/robots.txt"]) == 2
    assert "nothing is fetched here" in capsys.readouterr().err
