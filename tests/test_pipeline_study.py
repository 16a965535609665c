"""The study file: what may stand in it, and an error for each thing that may not, with key and fix."""

import tomllib
from pathlib import Path

import pytest

from pipeline.key import REQUIRED
from pipeline.study import CrawlRange, Study, StudyError, read_study
from pipeline.study_keys import KEYS
from snapshots.access import AccessPolicy

SMALLEST = {"study.name": '"tiny"', "archive.root": '"archive"', "output.folder": '"out"'}
DIALECTS = ("rfc9309", "google", "protego", "longpre2024-paper", "longpre2024-2025-01", "longpre2024-head")


def write_study(folder: Path, values: dict[str, str | None] | None = None, extra: str = "") -> Path:
    """A study file from `section.key` → TOML text, on top of the smallest one (None takes a key away)."""
    (folder / "archive").mkdir(exist_ok=True)
    sections: dict[str, list[str]] = {}
    for name, text in (SMALLEST | (values or {})).items():
        section, key = name.split(".", 1)
        lines = sections.setdefault(section, [])
        if text is not None:
            lines.append(f"{key} = {text}")
    path = folder / "study.toml"
    body = "\n".join(f"[{section}]\n" + "\n".join(lines) for section, lines in sections.items())
    path.write_text(body + "\n" + extra, encoding="utf-8")
    return path


def read_with(folder: Path, name: str, text: str) -> Study:
    return read_study(write_study(folder, {name: text}))


def problems_of(path: Path) -> list[str]:
    with pytest.raises(StudyError) as caught:
        read_study(path)
    return str(caught.value).splitlines()


def test_the_smallest_study_has_three_keys_and_a_default_for_everything_else(tmp_path: Path) -> None:
    study = read_study(write_study(tmp_path))
    assert (study.name, study.title) == ("tiny", "tiny")
    assert study.archive_root == str(tmp_path / "archive")
    assert (study.crawls, study.mode, study.serials) == ("all", "auto", None)
    assert study.access == AccessPolicy(1.5, 900.0, contact="", is_inside_aws=False)
    assert (study.sites_file, study.registry, study.track) == (None, None, None)
    assert study.dialects == DIALECTS
    assert study.workers >= 1
    assert study.folder == tmp_path / "out"


@pytest.mark.parametrize("name", [key.name for key in KEYS if key.default is REQUIRED])
def test_a_required_key_that_is_missing_is_named_with_what_to_add(tmp_path: Path, name: str) -> None:
    (problem,) = problems_of(write_study(tmp_path, {name: None}))
    section, key = name.split(".")
    assert problem.startswith(f"{tmp_path / 'study.toml'}: [{section}] {key}: this key is missing.")
    assert f"Fix: add {key} = " in problem


def test_the_required_keys_are_exactly_the_three_of_the_smallest_study() -> None:
    assert {key.name for key in KEYS if key.default is REQUIRED} == set(SMALLEST)


GOOD = [
    ("study.name", '"us-gov_2.0"', "name", "us-gov_2.0"),
    ("study.title", '"US sites, 2020–2025"', "title", "US sites, 2020–2025"),
    ("study.license", '"ODbL-1.0"', "license", "ODbL-1.0"),
    ("archive.root", '"http://127.0.0.1:8000/"', "archive_root", "http://127.0.0.1:8000/"),
    ("archive.crawls", '"all"', "crawls", "all"),
    ("archive.crawls", '["CC-MAIN-2024-10"]', "crawls", ("CC-MAIN-2024-10",)),
    (
        "archive.crawls",
        '{ from = "CC-MAIN-2020-39", to = "CC-MAIN-2025-08" }',
        "crawls",
        CrawlRange("CC-MAIN-2020-39", "CC-MAIN-2025-08"),
    ),
    ("archive.crawls", '{ from = "CC-MAIN-2020-39" }', "crawls", CrawlRange("CC-MAIN-2020-39", None)),
    ("archive.crawls", '{ to = "CC-MAIN-2020-39" }', "crawls", CrawlRange(None, "CC-MAIN-2020-39")),
    ("archive.mode", '"scan"', "mode", "scan"),
    ("archive.mode", '"auto"', "mode", "auto"),
    ("archive.serials", "10", "serials", 10),
    ("archive.requests_per_s", "2", "requests_per_s", 2.0),
    ("archive.cooldown_s", "0.5", "cooldown_s", 0.5),
    ("archive.cooldown_s", "86400", "cooldown_s", 86400.0),
    ("archive.contact", '"https://example.org/us?a=b"', "contact", "https://example.org/us?a=b"),
    ("archive.contact", '"us@example.org"', "contact", "us@example.org"),
    ("archive.i_am_inside_aws", "true", "is_inside_aws", True),
    ("archive.i_am_inside_aws", "false", "is_inside_aws", False),
    ("agents.track", '["GPTBot", "CCBot"]', "track", ("GPTBot", "CCBot")),
    ("declare.dialects", '["google", "rfc9309"]', "dialects", ("rfc9309", "google")),
    ("declare.dialects", '["protego"]', "dialects", ("rfc9309", "protego")),
    ("engine.name", '"local"', "engine", "local"),
    ("engine.name", '"spark"', "engine", "spark"),
    ("engine.name", '"slurm"', "engine", "slurm"),
    ("engine.workers", "3", "workers", 3),
    ("engine.master", '"spark://host:7077"', "master", "spark://host:7077"),
    ("engine.slices", "40", "slices", 40),
    ("engine.sbatch", '["--time=04:00:00"]', "sbatch", ("--time=04:00:00",)),
]


@pytest.mark.parametrize(("key", "text", "attribute", "value"), GOOD)
def test_a_good_value_is_taken(tmp_path: Path, key: str, text: str, attribute: str, value: object) -> None:
    assert getattr(read_with(tmp_path, key, text), attribute) == value


BAD = [
    ("study.name", '"has space"'),
    ("study.name", '""'),
    ("study.name", '"../up"'),
    ("study.name", "7"),
    ("study.title", '"  "'),
    ("study.license", '"as you like"'),
    ("archive.root", '""'),
    ("archive.root", '"ftp://data.commoncrawl.org/"'),
    ("archive.crawls", '"CC-MAIN-2024-10"'),
    ("archive.crawls", "[]"),
    ("archive.crawls", '["CC-MAIN-24-10"]'),
    ("archive.crawls", '["CC-MAIN-2024-10", 7]'),
    ("archive.crawls", "{}"),
    ("archive.crawls", '{ since = "CC-MAIN-2020-39" }'),
    ("archive.crawls", '{ from = "2020" }'),
    ("archive.crawls", "2024"),
    ("archive.mode", '"fast"'),
    ("archive.mode", "true"),
    ("archive.serials", "0"),
    ("archive.serials", "-3"),
    ("archive.serials", "true"),
    ("archive.serials", "1.5"),
    ("archive.serials", '"10"'),
    ("archive.requests_per_s", "-1"),
    ("archive.requests_per_s", '"fast"'),
    ("archive.requests_per_s", "nan"),
    ("archive.requests_per_s", "inf"),
    ("archive.requests_per_s", "true"),
    ("archive.cooldown_s", "-0.1"),
    ("archive.cooldown_s", "false"),
    ("archive.cooldown_s", "inf"),
    ("archive.cooldown_s", "86401"),
    ("archive.contact", '""'),
    ("archive.contact", '"me"'),
    ("archive.contact", '"two words@example.org"'),
    ("archive.contact", r'"https://example.org/\r\nX-Other: 1"'),
    ("archive.contact", "true"),
    ("archive.i_am_inside_aws", '"yes"'),
    ("archive.i_am_inside_aws", "1"),
    ("sites.file", '""'),
    ("sites.file", "3"),
    ("agents.registry", "[]"),
    ("agents.track", "[]"),
    ("agents.track", '"GPTBot"'),
    ("agents.track", '["GPTBot", ""]'),
    ("agents.track", '["GPTBot", 3]'),
    ("declare.dialects", "[]"),
    ("declare.dialects", '["rfc9308"]'),
    ("declare.dialects", '"rfc9309"'),
    ("engine.name", '"ray"'),
    ("engine.master", "7077"),
    ("engine.slices", "0"),
    ("engine.sbatch", '"--time=04:00:00"'),
    ("engine.workers", "0"),
    ("engine.workers", '"two"'),
    ("output.folder", '""'),
    ("output.folder", "1"),
    ("output.folder", '"gs://bucket/census"'),
    ("output.folder", '"s3:///census"'),
    ("output.work", "1"),
    ("output.store", "1"),
    ("output.store", '"http://example.org/"'),
]


@pytest.mark.parametrize(("name", "text"), BAD)
def test_a_bad_value_is_named_with_file_key_what_was_found_and_the_fix(
    tmp_path: Path, name: str, text: str
) -> None:
    (problem,) = problems_of(write_study(tmp_path, {name: text}))
    section, key = name.split(".")
    assert problem.startswith(f"{tmp_path / 'study.toml'}: [{section}] {key}: ")
    rest = problem.removeprefix(f"{tmp_path / 'study.toml'}: [{section}] {key}: ")
    found = rest.split(" cannot be used. ")
    assert found[0] == repr(tomllib.loads(f"value = {text}")["value"])
    assert found[1].startswith("Fix: give ")
    assert found[1].endswith(".")


def test_every_key_has_a_bad_and_a_good_value_tried_here() -> None:
    names = {key.name for key in KEYS if not key.name.startswith(("probe.", "urls."))}
    assert {name for name, *_ in BAD} == names
    # Tried with real files below.
    files = {"sites.file", "agents.registry", "output.folder", "output.work", "output.store"}
    assert {name for name, *_ in GOOD} | files == names


def test_all_problems_come_at_once_each_on_its_line(tmp_path: Path) -> None:
    wrong: dict[str, str | None] = {"study.name": None, "archive.serials": "0", "engine.workers": '"two"'}
    problems = problems_of(write_study(tmp_path, wrong, extra="[colour]\nname = 1\n"))
    assert len(problems) == 4
    for place in ("[study] name", "[archive] serials", "[engine] workers", "[colour]"):
        assert any(place in problem for problem in problems)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("archive.serial", "serials"),
        ("archive.crawl", "crawls"),
        ("archive.request_per_s", "requests_per_s"),
        ("agents.tracked", "track"),
        ("engine.worker", "workers"),
        ("output.foldr", "folder"),
    ],
)
def test_an_unknown_key_suggests_the_nearest_one(tmp_path: Path, name: str, near: str) -> None:
    (problem,) = problems_of(write_study(tmp_path, {name: "1"}))
    section, key = name.split(".")
    assert f"[{section}] {key}: there is no such key. Fix: did you mean {near}?" in problem


def test_an_unknown_key_without_a_near_one_lists_the_known(tmp_path: Path) -> None:
    (problem,) = problems_of(write_study(tmp_path, {"engine.zzz": "1"}))
    assert "known are master, name, sbatch, slices, workers" in problem


def test_an_unknown_section_suggests_the_nearest_one(tmp_path: Path) -> None:
    (problem,) = problems_of(write_study(tmp_path, extra="[agent]\n"))
    assert "[agent]: there is no such section. Fix: did you mean agents?" in problem


def test_a_value_where_a_section_belongs_is_named(tmp_path: Path) -> None:
    path = write_study(tmp_path)
    path.write_text("sites = 'sites.csv'\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    (problem,) = problems_of(path)
    assert "[sites]: this is a value, not a section: 'sites.csv'. Fix: write [sites] on a line." in problem


def test_relative_paths_are_relative_to_the_study_file_not_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "sites.csv").write_text("host\na.example\n", encoding="utf-8")
    values: dict[str, str | None] = {"sites.file": '"lists/sites.csv"', "output.folder": '"../elsewhere"'}
    write_study(tmp_path, values)
    monkeypatch.chdir(tmp_path / "lists")
    study = read_study(Path("..") / "study.toml")
    assert study.sites_file == tmp_path / "lists" / "sites.csv"
    assert study.archive_root == str(tmp_path / "archive")
    assert study.folder == tmp_path.parent / "elsewhere"


@pytest.mark.parametrize("name", ["sites.file", "agents.registry"])
def test_a_file_that_is_not_there_is_named_with_its_whole_path(tmp_path: Path, name: str) -> None:
    (problem,) = problems_of(write_study(tmp_path, {name: '"gone.csv"'}))
    section, key = name.split(".")
    assert f"[{section}] {key}: there is no file {tmp_path / 'gone.csv'}. Fix: give the path" in problem


def test_an_archive_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    (problem,) = problems_of(write_study(tmp_path, {"archive.root": '"gone"'}))
    assert f"[archive] root: there is no folder {tmp_path / 'gone'}. Fix: give a folder" in problem


@pytest.mark.parametrize("content", [b"[study\nname = 1\n", b'[study]\nname = "\xff"\n', b"\x00"])
def test_a_file_that_is_no_toml_is_named_with_the_place(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "study.toml"
    path.write_bytes(content)
    (problem,) = problems_of(path)
    assert problem.startswith(f"{path}: not valid TOML: ")
    assert problem.endswith("Mend that line.")


def test_a_study_file_that_is_missing_or_a_folder_is_named(tmp_path: Path) -> None:
    assert "there is no such study file" in problems_of(tmp_path / "gone.toml")[0]
    assert "is a folder" in problems_of(tmp_path)[0]


def test_reading_a_study_writes_nothing(tmp_path: Path) -> None:
    read_study(write_study(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "study.toml"]
