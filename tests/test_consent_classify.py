"""The fast path equals the readable reader; its memory is bounded; a ruleset is its rows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent import fast
from consent.agents import make_registry, read_registry
from consent.classify import Classifier, read_reference
from consent.declarations import find_declaration, make_ruleset
from consent.dialects import DIALECTS, find_dialect

CORPUS = Path(os.environ.get("CENSUS_SHARED", Path(__file__).parents[2] / "shared")) / "corpus/bodies.parquet"
OWN = ("rfc9309", "google")
EVERY_NTH = 40
LINES = st.sampled_from(
    [
        *(
            "User-agent: *",
            "User-agent: a",
            "user-agent: GPTBot",
            "User-agent: b/1",
            "User-agent:",
            "Useragent c",
        ),
        *(
            "Disallow:",
            "Disallow: /",
            "Disallow: /x",
            "Disallow: /x?y",
            "Disallow: x",
            "Disallow: /*",
            "Disallow: *",
        ),
        *(
            "Allow:",
            "Allow: /",
            "Allow: /x",
            "Allow: /*x",
            "Allow: /index.html",
            "Allow: /robots.txt",
            "Disallow: /$",
        ),
        *(
            "Crawl-delay: 5",
            "Crawl-delay: x",
            "Sitemap: /s",
            "",
            "# c",
            "Disallow: /\x00y",
            "Disallow: /é",
            "junk",
        ),
    ]
)
BODIES = st.lists(LINES, max_size=14).map(lambda lines: "\n".join(lines).encode())


@pytest.mark.parametrize("dialect", OWN)
def test_the_fast_path_equals_the_reference_on_made_up_bodies(dialect: str) -> None:
    registry = read_registry()
    classifier = Classifier(dialect, registry)

    @settings(max_examples=400)
    @given(BODIES | st.binary(max_size=60))
    def check(body: bytes) -> None:
        assert classifier.read(body) == read_reference(body, dialect, registry)
        assert classifier.read(body) == read_reference(body, dialect, registry)

    check()


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists(), reason="the shared corpus is not here")
@pytest.mark.parametrize("dialect", OWN)
def test_the_fast_path_equals_the_reference_on_real_bodies(dialect: str) -> None:
    from pyarrow import parquet

    registry = read_registry()
    classifier = Classifier(dialect, registry)
    bodies = parquet.read_table(CORPUS, columns=["body"]).column("body").to_pylist()[::EVERY_NTH]
    assert [body for body in bodies if classifier.read(body) != read_reference(body, dialect, registry)] == []


def test_rfc9309_2_2_1_j_hostile_unions_are_judged_by_length() -> None:
    stack = "".join(f"User-agent: a{n}\n" for n in range(600))
    shared = "".join(f"Allow: /{n}\nDisallow: /{n}?\n" for n in range(600))
    own = "".join(f"User-agent: a{n}\nDisallow: /{'*' * (n % 9)}\n" for n in range(600))
    body = f"{stack}{shared}{own}User-agent: single\nDisallow: /1.x\nAllow: /*.x\n".encode()
    registry = make_registry(())
    for dialect in OWN:
        ruleset = read_reference(body, dialect, registry)
        assert Classifier(dialect, registry).read(body) == ruleset
        assert find_declaration(ruleset, "single").restriction == "none"
    ruleset = read_reference(body, "rfc9309", registry)
    assert [find_declaration(ruleset, f"a{n}").restriction.value for n in (0, 8, 2)] == [
        "some",
        "all",
        "some",
    ]


def test_forgetting_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = read_registry()
    bodies = [f"User-agent: a{n}\nDisallow: /{n}\nAllow: /x{n}\nCrawl-delay: {n}".encode() for n in range(60)]
    patient = Classifier("rfc9309", registry)
    expected = [patient.read(body) for body in bodies]
    monkeypatch.setattr(fast, "MEMORY_LIMIT", 20_000)
    forgetful = Classifier("rfc9309", registry)
    assert [forgetful.read(body) for body in bodies + bodies] == expected + expected


def test_a_ruleset_always_has_a_row_for_everyone() -> None:
    for body, match in (
        (b"", "none"),
        (b"User-agent: *", "wildcard"),
        (b"User-agent: a\nDisallow: /", "none"),
    ):
        rows = {row.agent: row for row in Classifier("rfc9309", make_registry(())).read(body).declarations}
        assert rows["*"].group_match == match


def test_named_agents_are_listed_in_the_spelling_of_the_registry() -> None:
    body = b"User-agent: gptbot\nUser-agent: MyBot\nDisallow: /\nUser-agent: *\nDisallow: /"
    ruleset = Classifier("rfc9309", read_registry()).read(body)
    assert [(row.agent, row.group_match.value) for row in ruleset.declarations] == [
        ("*", "wildcard"),
        ("GPTBot", "specific"),
        ("mybot", "specific"),
    ]


def test_equal_declarations_have_one_identifier() -> None:
    classifier = Classifier("rfc9309", read_registry())
    first = classifier.read(b"User-agent: a\nDisallow: /\n\nUser-agent: *\nDisallow: /x")
    second = classifier.read(b"User-agent: *\nDisallow: /y\nDisallow: /z\nUser-agent: A\nDisallow: /*\n")
    assert first.ruleset != second.ruleset
    third = classifier.read(b"# other\nUser-agent: *\nDisallow: /y\nUser-agent: A\nDisallow: /")
    assert first == third
    assert make_ruleset(reversed(first.declarations)) == first
    assert len(first.ruleset) == 16


def test_an_agent_without_a_row_gets_the_row_of_everyone() -> None:
    ruleset = Classifier("rfc9309", read_registry()).read(
        b"User-agent: *\nDisallow: /\nUser-agent: a\nDisallow:"
    )
    assert find_declaration(ruleset, "CCBot").agent == "*"
    assert find_declaration(ruleset, "A").restriction == "none"


@pytest.mark.parametrize("dialect", [dialect.name for dialect in DIALECTS])
def test_every_dialect_can_be_read_both_ways(dialect: str) -> None:
    registry = read_registry()
    body = b"User-agent: *\nDisallow: /\n"
    ruleset = Classifier(dialect, registry).read(body)
    assert ruleset == read_reference(body, dialect, registry)
    assert find_declaration(ruleset, "GPTBot").restriction == "all"


def test_an_unknown_dialect_names_the_choices() -> None:
    for call in (find_dialect, lambda name: Classifier(name, make_registry(()))):
        with pytest.raises(
            ValueError, match="no dialect is called 'rfc'; choose one of rfc9309, google, protego"
        ):
            call("rfc")
