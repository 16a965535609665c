"""`crawlcensus sites`: the list and what is said of it, the recipe, and calls that cannot be carried out."""

import hashlib
from pathlib import Path

import pytest

from pipeline import recipes
from pipeline.cli import main
from pipeline.recipes import read_recipe
from pipeline.study import check_lists, read_study
from pipeline.token_counts import CORPORA, HEADS, format_sites, make_sample, read_token_counts

NAME = "consent-in-crisis"
HEADER = "url,c4_tokens,rf_tokens,dolma_tokens"
ROWS = "a.org,17000545138,1,1\nwww.a.org,1,1,1\nb.org,0,0,5\ns2,0,0,1974278\n"


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    path = tmp_path / "counts.csv"
    path.write_text(f"{HEADER}\n{ROWS}", encoding="utf-8")
    return path


def test_the_list_goes_to_stdout_and_what_is_said_of_it_to_stderr(
    counts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sites", NAME, str(counts)]) == 0
    printed = capsys.readouterr()
    assert printed.out == format_sites(make_sample(read_token_counts(counts)))
    assert "4 rows, 1 merged with their like after www.: 3 sources" in printed.err
    assert "1 are no web hosts" in printed.err
    assert "s2: 1,974,278 tokens of Dolma" in printed.err
    assert "head of C4: 3 sources, 17,000,545,139 of 170,005,451,386 tokens = 10.00 %" in printed.err
    assert "head of Dolma: 3 sources, 1,974,285 of 1,974,278,779,400 tokens = 0.00 %" in printed.err


def test_another_file_than_the_published_one_is_a_warning_with_both_checksums(
    counts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sites", NAME, str(counts)]) == 0
    said = capsys.readouterr().err
    assert f"WARNING: {counts} is not the file that the study published" in said
    assert hashlib.sha256(counts.read_bytes()).hexdigest() in said
    assert read_recipe(NAME).counts_sha256 in said


def test_the_published_file_is_known_by_its_checksum(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "sites.csv"
    counts = shared / "reference" / "token-counts.csv"
    assert main(["sites", NAME, str(counts), "--output", str(output)]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "WARNING" not in said.err
    for text in (
        "13,989 rows, 49 merged with their like after www.: 13,940 sources",
        "3 are no web hosts",
        "stack-dedup: 117,277,704,967 tokens of Dolma",
        "3,945 sources are in a head; the other 9,995 are drawn at random",
        "18,474,389,540 of 170,005,451,386 tokens = 10.87 %",
        "67,475,607,564 of 431,169,198,316 tokens = 15.65 %",
        "430,006,034,594 of 1,974,278,779,400 tokens = 21.78 %",
    ):
        assert text in said.err
    assert len(output.read_text("utf-8").splitlines()) == 13_941


def test_an_output_file_is_replaced_whole_or_left_as_it_was(
    counts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "lists" / "sites.csv"
    for _ in range(2):
        assert main(["sites", NAME, str(counts), "--output", str(output)]) == 0
    before = output.read_bytes()
    assert capsys.readouterr().out == ""
    counts.write_text(f"{HEADER}\na.org,1,1,-1\n", encoding="utf-8")
    assert main(["sites", NAME, str(counts), "--output", str(output)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"crawlcensus: {counts}: line 2: column dolma_tokens: '-1' is no whole number")
    assert [path.name for path in output.parent.iterdir()] == ["sites.csv"]
    assert output.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "sites consent-in-crisis wants the study's file of counts."),
        (["gone.csv"], "gone.csv: there is no such file."),
        (["."], ".: there is no such file."),
        (["counts.csv", "--output", "."], ". is a folder."),
        (["counts.csv", "--output", "./counts.csv"], "counts.csv is the file of counts itself."),
        (["counts.csv", "--recipe"], "--recipe prints the study file and takes nothing else."),
        (["--recipe", "--output", "x.toml"], "--recipe prints the study file and takes nothing else."),
    ],
)
def test_a_call_that_cannot_be_carried_out_says_the_fix(
    counts: Path,
    arguments: list[str],
    says: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = counts.read_bytes()
    monkeypatch.chdir(counts.parent)
    assert main(["sites", NAME, *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(f"crawlcensus: {says}")
    assert printed.out == ""
    assert counts.read_bytes() == before


def test_another_study_than_the_bundled_ones_is_no_choice(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["sites", "my-study"])
    assert ended.value.code == 2
    assert NAME in capsys.readouterr().err


# ---- the recipe


def test_the_printed_recipe_is_a_study_file_for_the_list_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"h{n}.org,{n},{n},{n}\n" for n in range(2001))
    (tmp_path / "counts.csv").write_text(f"{HEADER}\n{rows}s2,0,0,99999\n", encoding="utf-8")
    assert main(["sites", NAME, "--recipe"]) == 0
    (tmp_path / "study.toml").write_text(capsys.readouterr().out, encoding="utf-8")
    arguments = [str(tmp_path / "counts.csv"), "--output", str(tmp_path / "sites.csv")]
    assert main(["sites", NAME, *arguments]) == 0
    study = read_study(tmp_path / "study.toml")
    check_lists(study)
    assert (study.name, study.mode, study.crawls) == (NAME, "index", "all")
    assert study.corpora == read_recipe(NAME).corpora


def test_the_recipe_states_the_studys_corpora(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sites", NAME, "--recipe"]) == 0
    assert capsys.readouterr().out == (Path(__file__).parents[1] / "studies" / f"{NAME}.toml").read_text(
        "utf-8"
    )
    corpora = {corpus.column: corpus for corpus in read_recipe(NAME).corpora}
    assert set(corpora) == set(CORPORA)
    assert {corpus.head for corpus in corpora.values()} == set(HEADS)
    assert {(corpus.sample, corpus.unit) for corpus in corpora.values()} == {("random", "tokens")}
    assert {corpus.title: corpus.total for corpus in corpora.values()} == {
        "C4": 170_005_451_386,
        "RefinedWeb": 431_169_198_316,
        "Dolma": 1_974_278_779_400,
    }


def test_the_recipe_of_the_wheel_comes_before_that_of_the_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = recipes.FOLDERS[1]
    assert recipes.FOLDERS[0].parent.name == "pipeline"
    text = (sources / f"{NAME}.toml").read_text("utf-8") + "# as installed\n"
    (tmp_path / f"{NAME}.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(recipes, "FOLDERS", (tmp_path, sources))
    assert read_recipe(NAME).text == text
    monkeypatch.setattr(recipes, "FOLDERS", (tmp_path / "gone",))
    with pytest.raises(FileNotFoundError):
        read_recipe(NAME)
