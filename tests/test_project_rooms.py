"""The project as a whole: its rooms, what they may import, how long things are, and what no file may name."""

import ast
import importlib
import re
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from pipeline.cli import STAGES

ROOT = Path(__file__).parents[1]
ROOMS = ("consent", "snapshots", "crawler", "analysis", "pipeline")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
README = (ROOT / "README.md").read_text("utf-8")
SOURCES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
BUNDLED = (
    "consent/agents.csv",
    "consent/markers.toml",
    "consent/DIALECT.md",
    "analysis/sql/panel.sql",
    "analysis/tld_languages.csv",
    "analysis/templates/report.html.j2",
    "analysis/templates/dataset.md.j2",
    "analysis/templates/croissant.json",
    "pipeline/demo/study.toml",
    "pipeline/demo/sites.csv",
    "pipeline/demo/archive/collinfo.json",
    "pipeline/demo/expected/answers.csv",
    "studies/consent-in-crisis.toml",
)
# Written in pieces, so that this file does not name them.
NEVER = re.compile(
    "|".join(
        (
            "py" + r"pi\.org",
            "python" + "hosted",
            "arti" + "factory",
            r"(?:extra-)?index" + r"-url\s*[= ]\s*https?:",
            "/wo" + "rk/",
            "/ro" + "ot/",
            "/ho" + r"me/[a-z]+/",
            "/Us" + r"ers/[a-z]+/",
        )
    )
)
NOT_TEXT = {".gz", ".parquet", ".png", ".ico", ".woff2", ".duckdb"}


def list_files() -> list[Path]:
    """Every file of the repository; of a copy without git, every file that is not made by tools."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        return [
            ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()
        ]
    places = [ROOT / name for name in (*ROOMS, "studies", "tests", "docs", "benchmarks")]
    return [
        path
        for place in places
        for path in place.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]


def iter_functions() -> Iterator[tuple[str, int]]:
    """Every function of the rooms with its number of lines."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                yield f"{path.relative_to(ROOT)}:{node.name}", node.end_lineno - node.lineno + 1


def count_lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


# ---- rooms


@pytest.mark.parametrize("room", ROOMS)
def test_the_rooms_name_is_ours(room: str) -> None:
    module = importlib.import_module(room)
    assert module.__file__ == str(ROOT / room / "__init__.py")
    assert ast.get_docstring(ast.parse(Path(module.__file__).read_text("utf-8")))


@pytest.mark.parametrize("room", ROOMS)
def test_the_room_is_typed_for_those_who_import_it(room: str) -> None:
    assert (ROOT / room / "py.typed").is_file()


def test_the_tests_are_no_package() -> None:
    assert not (ROOT / "tests" / "__init__.py").exists()
    assert "--import-mode=importlib" in PROJECT["tool"]["pytest"]["ini_options"]["addopts"]


def test_the_import_contract_holds() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Contracts: [6-9] kept, 0 broken", done.stdout)


def test_the_import_contract_is_that_of_the_design() -> None:
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert layers == ["pipeline", "analysis | crawler | snapshots", "consent"]
    homes = {
        library: set(ROOMS) - set(contract["source_modules"])
        for contract in contracts
        for library in contract.get("forbidden_modules", ())
    }
    assert homes["protego"] == homes["tldextract"] == {"consent"}
    assert homes["warcio"] == homes["fastwarc"] == {"snapshots", "crawler"}
    assert homes["duckdb"] == {"pipeline", "analysis"}
    assert homes["pyarrow"] == {"pipeline", "snapshots"}
    assert homes["numpy"] == homes["pandas"] == homes["statsmodels"] == homes["lifelines"] == {"analysis"}
    assert homes["httpx"] == {"snapshots"}
    assert homes["scrapy"] == homes["playwright"] == {"crawler"}


def test_no_import_is_relative() -> None:
    relative = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


# ---- the distribution


def test_the_wheel_has_exactly_the_five_rooms_the_recipes_and_the_command() -> None:
    assert sorted(PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == sorted(ROOMS)
    assert PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"] == {
        "studies": "pipeline/studies"
    }
    assert {f"/{name}" for name in (*ROOMS, "studies")} <= set(
        PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    )
    assert PROJECT["project"]["scripts"] == {"crawlcensus": "pipeline.cli:main"}
    assert PROJECT["project"]["name"] == "crawlcensus"
    assert {"spark", "s3", "browser", "dev"} <= set(PROJECT["project"]["optional-dependencies"])


def test_what_not_everyone_needs_is_an_extra() -> None:
    plain = {re.split(r"[<>=~!\[ ]", requirement)[0] for requirement in PROJECT["project"]["dependencies"]}
    assert not plain & {"pyspark", "boto3", "scrapy-playwright", "playwright", "pytest", "mlcroissant"}
    assert "protego==" in " ".join(PROJECT["project"]["dependencies"]), "a dialect is pinned exactly"


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_data_is_in_its_room_and_in_the_repository(name: str) -> None:
    assert (ROOT / name).is_file()
    assert ROOT / name in list_files()


def test_every_dependency_is_constrained() -> None:
    pinned = {
        line.split("==")[0].strip().lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    }
    wanted = chain(PROJECT["project"]["dependencies"], PROJECT["project"]["optional-dependencies"]["dev"])
    names = {re.split(r"[<>=~!\[ ]", requirement)[0].lower().replace("_", "-") for requirement in wanted}
    assert names - pinned == set()


# ---- what people read


def test_make_has_the_targets_that_the_readme_names() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"^    make ([a-z]+)", README, re.MULTILINE)) | set(
        re.findall(r"`make ([a-z]+)`", README)
    )
    assert {"demo", "test"} <= named <= targets
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    assert targets == set(phony[1].split())


def test_the_commands_of_the_readme_are_verbs() -> None:
    verbs = {"run", *STAGES, "crawls", "status", "sql", "explain", "sites", "diff", "demo"}
    named = set(
        re.findall(r"crawlcensus ([a-z]+)\b", "\n".join(re.findall(r"^    .*$", README, re.MULTILINE)))
    )
    assert {"run", "status", "sql", "explain"} <= named <= verbs


def test_the_readme_names_every_key_of_the_study_file() -> None:
    from pipeline.corpora import CORPUS_KEYS
    from pipeline.study_keys import KEYS

    keys = [*KEYS, *CORPUS_KEYS]
    assert [key.name for key in keys if f"`{key.key}`" not in README and f"{key.key} =" not in README] == []


def test_the_changelog_has_an_entry_for_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f"\n## {PROJECT['project']['version']}" in text


def test_the_licence_is_apache_2() -> None:
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text("utf-8")


def test_no_file_names_a_package_registry_or_a_place_on_somebodys_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in list_files()
        if path.suffix not in NOT_TEXT
        for match in NEVER.finditer(path.read_bytes().decode("utf-8", "replace"))
    ]
    assert found == []


# ---- style


def test_functions_are_short() -> None:
    lengths = dict(iter_functions())
    assert {name: length for name, length in lengths.items() if length > 60} == {}
    ordered = sorted(lengths.values())
    assert statistics.median(ordered) <= 8
    assert ordered[int(len(ordered) * 0.95)] <= 35


def test_files_are_short() -> None:
    lengths = {str(path.relative_to(ROOT)): count_lines(path) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > 300} == {}
    assert statistics.median(lengths.values()) <= 120


def test_there_are_as_many_lines_of_tests_as_of_source() -> None:
    tests = sum(map(count_lines, (ROOT / "tests").glob("*.py")))
    assert tests >= sum(map(count_lines, SOURCES))


def test_everything_is_caught_in_one_place_only() -> None:
    caught = [
        f"{path.relative_to(ROOT)}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception"))
    ]
    assert caught == ["pipeline/run_task.py"]


def test_nothing_is_left_undone() -> None:
    marks = re.compile("NotImplemented" + "Error|" + r"\b(?:TO" + "DO|FIX" + r"ME|X" + r"XX)\b")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if marks.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), "a module begins with its docstring"
