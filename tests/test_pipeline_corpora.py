"""The corpora of a study: what the study file may say, what the list must hold, what is loaded."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.corpora import CORPUS_KEYS, Corpus
from pipeline.study import Study, StudyError, check_lists, read_study
from pipeline.tasks import Stage

SITES = "host,stratum,c4,c4_head,is_domain\na.example,head,60,1,\nb.example,random,2.5,0,\ncode,head,30,1,0\n"
ALL = 'title = "C4"\nhead = "c4_head"\nsample = "random"\ntotal = 1000\nunit = "tokens"'


def write_study(folder: Path, corpora: str, sites: str | None = SITES) -> Path:
    (folder / "archive").mkdir(exist_ok=True)
    file = ""
    if sites is not None:
        (folder / "sites.csv").write_text(sites, encoding="utf-8")
        file = '[sites]\nfile = "sites.csv"\n'
    text = f'[study]\nname = "x"\n[archive]\nroot = "archive"\n[output]\nfolder = "out"\n{file}{corpora}\n'
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return folder / "study.toml"


def problems_of(path: Path) -> list[str]:
    with pytest.raises(StudyError) as caught:
        check_lists(read_study(path))
    return [line.removeprefix(f"{path}: ") for line in str(caught.value).splitlines()]


def checked(path: Path) -> Study:
    study = read_study(path)
    check_lists(study)
    return study


# ---- what the study file may say


def test_a_study_without_corpora_has_none(tmp_path: Path) -> None:
    assert checked(write_study(tmp_path, "")).corpora == ()


def test_every_key_is_taken(tmp_path: Path) -> None:
    study = checked(write_study(tmp_path, f"[corpora.c4]\n{ALL}"))
    assert study.corpora == (Corpus("c4", "C4", "c4_head", "random", 1000.0, "tokens"),)
    assert {line.split()[0] for line in ALL.splitlines()} == {key.key for key in CORPUS_KEYS}


def test_every_key_may_be_missing_and_corpora_come_by_column(tmp_path: Path) -> None:
    sites = 'host,z,"a.b"\nx.example,1,2\n'
    study = checked(write_study(tmp_path, '[corpora.z]\ntotal = 1.5\n[corpora."a.b"]', sites))
    assert study.corpora == (Corpus("a.b"), Corpus("z", total=1.5))


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("title = 3", "a line of text"),
        ('title = " "', "a line of text"),
        ("head = true", "the name of a column of [sites] file that ends in _head"),
        ("sample = []", "a value of the column stratum of [sites] file"),
        ("total = 0", "a number above 0: the weight of the whole corpus"),
        ("total = -5", "a number above 0: the weight of the whole corpus"),
        ("total = inf", "a number above 0: the weight of the whole corpus"),
        ("total = true", "a number above 0: the weight of the whole corpus"),
        ('total = "many"', "a number above 0: the weight of the whole corpus"),
        ('unit = ""', 'a word for what the weights count, such as "tokens"'),
    ],
)
def test_a_bad_value_is_named_with_corpus_key_and_fix(tmp_path: Path, text: str, fix: str) -> None:
    (problem,) = problems_of(write_study(tmp_path, f"[corpora.c4]\n{text}"))
    assert problem.startswith(f"[corpora.c4] {text.split()[0]}: ")
    assert problem.endswith(f" cannot be used. Fix: give {fix}.")


@pytest.mark.parametrize(
    ("corpora", "says"),
    [
        ("[corpora.c4]\ntotals = 1", "[corpora.c4] totals: there is no such key. Fix: did you mean total?."),
        ("[corpora]\nc4 = 3", "[corpora] c4: this is a value, not a section: 3. Fix: write [corpora.c4] on"),
        ("[corpora.hosts]\ntotal = 9", "[corpora.hosts]: this corpus is built in and takes no keys"),
        ("[corpra.c4]\ntotal = 1", "[corpra]: there is no such section. Fix: did you mean corpora?"),
    ],
)
def test_what_is_no_key_of_a_corpus_is_named(tmp_path: Path, corpora: str, says: str) -> None:
    (problem,) = problems_of(write_study(tmp_path, corpora))
    assert problem.startswith(says)


def test_a_value_for_all_corpora_is_named(tmp_path: Path) -> None:
    path = write_study(tmp_path, "")
    path.write_text("corpora = ['c4']\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    (problem,) = problems_of(path)
    assert problem.startswith(
        "[corpora]: this is a value, not a section: ['c4']. Fix: write [corpora.COLUMN]"
    )


def test_corpora_want_a_list_of_sites(tmp_path: Path) -> None:
    (problem,) = problems_of(write_study(tmp_path, "[corpora.c4]", sites=None))
    assert problem == (
        "[corpora]: its sections speak of columns of [sites] file, and there is none. Fix: add [sites] file."
    )


# ---- what the list must hold


@pytest.mark.parametrize(
    ("corpora", "says"),
    [
        ("[corpora.c4s]", "[corpora.c4s]: [sites] file has no weight column 'c4s'. Fix: did you mean c4?."),
        ("[corpora.c4_head]", "[corpora.c4_head]: [sites] file has no weight column 'c4_head'."),
        (
            '[corpora.c4]\nhead = "c5_head"',
            "[corpora.c4] head: [sites] file has no flag column 'c5_head'. Fix: did you mean c4_head?.",
        ),
        ('[corpora.c4]\nhead = "c4"', "[corpora.c4] head: [sites] file has no flag column 'c4'."),
        (
            '[corpora.c4]\nsample = "tail"',
            "[corpora.c4] sample: no host of [sites] file has the stratum 'tail'. Fix: remove it, or add it"
            " to the others; there are head, random.",
        ),
        (
            '[corpora.c4]\nhead = "c4_head"\nsample = "head"',
            "[corpora.c4] sample: a.example (2 in all) is in the sample and has c4_head = 1 too. Fix: take",
        ),
        (
            "[corpora.c4]\ntotal = 92",
            "[corpora.c4] total: 92 is less than the listed hosts weigh together, 92.5. Fix: give the weight",
        ),
    ],
)
def test_what_the_list_contradicts_is_named_with_key_and_fix(tmp_path: Path, corpora: str, says: str) -> None:
    (problem,) = problems_of(write_study(tmp_path, corpora))
    assert problem.startswith(says)


def test_a_total_may_be_what_is_listed_even_where_shares_add_up_to_a_hair_more(tmp_path: Path) -> None:
    checked(write_study(tmp_path, "[corpora.c4]\ntotal = 92.5"))
    shares = "host,share\n" + "".join(f"h{n}.example,0.1\n" for n in range(10)) + "last.example,1e-13\n"
    checked(write_study(tmp_path, "[corpora.share]\ntotal = 1", shares))


# ---- what is loaded


@pytest.fixture
def study(studies: Any, archives: Any, tmp_path: Path) -> Any:
    """A study of a small archive that would even answer for the source that is no host."""
    names = ("a.example", "b.example", "code")
    answers = [
        archives.Answer(f"http://{name}/robots.txt", b"User-agent: *\nDisallow: /\n") for name in names
    ]
    archives.write_archive(tmp_path / "archive", {"CC-MAIN-2024-10": answers})

    class Weighted(studies.TargetedStudy):  # type: ignore[misc]
        corpora = f"[corpora.c4]\n{ALL}\n"

        def write(self) -> Path:
            file: Path = super().write()
            (file.parent / "sites.csv").write_text(SITES, encoding="utf-8")
            file.write_text(file.read_text("utf-8") + self.corpora, encoding="utf-8")
            return file

    return Weighted(tmp_path / "study", ())


def test_corpora_weights_and_what_is_no_host_are_in_the_warehouse(study: Any) -> None:
    study.run()
    assert study.ask("FROM corpora ORDER BY corpus") == [
        ("c4", "C4", "tokens", 1000.0, "c4_head", "random"),
        ("hosts", "Hosts", "hosts", None, None, None),
    ]
    assert study.ask("FROM site_weights ORDER BY host") == [
        ("a.example", "c4", 60.0, True),
        ("b.example", "c4", 2.5, False),
        ("code", "c4", 30.0, True),
    ]
    assert study.ask("SELECT host, is_domain FROM sites ORDER BY host") == [
        ("a.example", True),
        ("b.example", True),
        ("code", False),
    ]


@pytest.mark.parametrize("mode", ["index", "scan"])
def test_a_source_that_is_no_host_is_not_looked_up_and_in_no_model(
    study: Any, studies: Any, mode: str
) -> None:
    study.mode = mode
    study.run(*studies.MODELS)
    for relation in ("answers", "host_snapshots", "site_groups", "panel"):
        assert study.ask(f"SELECT DISTINCT host FROM {relation} ORDER BY host") == [
            ("a.example",),
            ("b.example",),
        ], relation
    assert study.ask(
        "SELECT stratum, sum(n_hosts), sum(weight) FROM declared_levels"
        " WHERE agent = 'GPTBot' AND corpus = 'c4' GROUP BY ALL ORDER BY ALL"
    ) == [("(all)", 2, 62.5), ("head", 1, 60), ("random", 1, 2.5)]
    looked_up = study.ask("SELECT DISTINCT host FROM captures ORDER BY host")
    assert (("code",) in looked_up) == (mode == "scan")


def test_a_changed_section_is_loaded_again_and_nothing_is_read_again(study: Any) -> None:
    study.run()
    study.corpora = study.corpora.replace("1000", "2000")
    summaries = study.run()
    again = {stage for stage, summary in summaries.items() if summary.n_tasks_run}
    assert again == {Stage.LOAD, Stage.ANALYSE}
    assert study.ask("SELECT total_weight FROM corpora WHERE corpus = 'c4'") == [(2000.0,)]


def test_a_study_without_a_list_has_the_hosts_alone(study: Any) -> None:
    study.sites, study.corpora, study.mode = None, "", "scan"
    study.run()
    assert study.ask("SELECT corpus FROM corpora") == [("hosts",)]
    assert study.ask("SELECT DISTINCT is_domain FROM sites") == [(True,)]
