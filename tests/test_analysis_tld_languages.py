"""The bundled table of top-level domains and languages: complete, well-formed, true where anyone can tell."""

import re
from collections import Counter
from importlib.resources import files

import duckdb
import pytest
from tldextract import TLDExtract

from analysis.breakdown_tables import TLD_LANGUAGES, Basis, read_tld_languages, register_properties

LINES = {line.tld: line for line in read_tld_languages()}


def test_lines_are_sorted_and_no_tld_stands_twice() -> None:
    tlds = [line.tld for line in read_tld_languages()]
    assert tlds == sorted(set(tlds))
    assert len(tlds) > 300


def test_every_country_code_of_the_public_suffix_list_is_there() -> None:
    suffixes = TLDExtract(suffix_list_urls=(), cache_dir=None).tlds
    codes = {
        tld for tld in (suffix.rpartition(".")[2] for suffix in suffixes) if re.fullmatch("[a-z]{2}", tld)
    }
    assert len(codes) > 240
    assert codes - set(LINES) == set()


def test_every_tld_is_one_of_the_public_suffix_list_and_in_punycode() -> None:
    suffixes = TLDExtract(suffix_list_urls=(), cache_dir=None).tlds
    tops = {suffix.rpartition(".")[2].encode("idna").decode() for suffix in suffixes if "." not in suffix}
    # These have suffixes of a second label only.
    second = {suffix.rpartition(".")[2] for suffix in suffixes}
    assert set(LINES) - tops - second == set()


@pytest.mark.parametrize(
    ("language", "tlds"),
    [
        ("German", "de at ch li"),
        ("French", "fr mc"),
        ("Portuguese", "pt br"),
        ("Spanish", "es mx ar cl"),
        ("English (US)", "us gov edu mil"),
        ("English", "uk au nz ie ca"),
        ("Japanese", "jp"),
        ("Chinese", "cn tw hk xn--fiqs8s xn--kpry57d"),
        ("Russian", "ru xn--p1ai"),
        ("Hindi", "xn--h2brj9c"),
        ("Tamil", "xn--xkc2dl3a5ee0h xn--clchc0ea0b2g2a9gcd"),
        ("Catalan", "cat"),
        ("Norwegian", "no"),
        ("Serbian", "rs xn--90a3ac"),
        ("(multilingual)", "be in za lu sg eu"),
        ("(generic)", "ai io tv co me su"),
        ("(unknown)", "aq bv"),
    ],
)
def test_a_tld_stands_for_its_language(language: str, tlds: str) -> None:
    assert {LINES[tld].language for tld in tlds.split()} == {language}


@pytest.mark.parametrize("tld", ["com", "org", "net", "info", "int", "app", "berlin"])
def test_what_is_generic_by_nature_is_not_there(tld: str) -> None:
    assert tld not in LINES


def test_the_basis_and_what_it_needs_go_together() -> None:
    for line in LINES.values():
        is_measured = line.basis in (Basis.MAJORITY, Basis.MULTILINGUAL)
        assert (line.population_percent is not None) == is_measured, line
        assert (line.language == "(generic)") == (line.basis is Basis.GENERIC_USE), line
        assert (line.language == "(multilingual)") == (line.basis in (Basis.MULTILINGUAL, Basis.UNION)), line
        assert (line.language == "(unknown)") == (line.basis is Basis.NO_POPULATION), line
        assert line.tld.startswith("xn--") == (line.basis is Basis.LABEL), line
        assert line.country is None or re.fullmatch("[A-Z]{2}", line.country), line


def test_a_majority_is_at_least_half() -> None:
    shares = [line.population_percent for line in LINES.values() if line.basis is Basis.MAJORITY]
    assert len(shares) > 150
    assert all(share is not None and 50 <= share <= 100 for share in shares)


def test_a_plain_code_is_that_of_its_country() -> None:
    odd = {
        line.tld: line.country
        for line in LINES.values()
        if re.fullmatch("[a-z]{2}", line.tld) and line.country != line.tld.upper()
    }
    assert odd == {"uk": "GB", "su": None}


def test_every_basis_is_explained_in_the_file_and_occurs() -> None:
    text = files("analysis").joinpath("tld_languages.csv").read_text(encoding="utf-8")
    explained = set(re.findall(r"^#   ([a-z_]+) ", text, re.MULTILINE))
    assert explained == {basis.value for basis in Basis}
    assert set(Counter(line.basis for line in LINES.values())) == set(Basis)


def test_the_warehouse_holds_the_lines_as_they_are() -> None:
    with duckdb.connect() as con:
        register_properties(con)
        found = con.execute(f"FROM {TLD_LANGUAGES.name} ORDER BY tld").fetchall()
        comments = con.execute(
            "SELECT count(*) FROM duckdb_columns() WHERE table_name = 'tld_languages' AND comment IS NOT NULL"
        ).fetchone()
    assert found == [tuple(line) for line in read_tld_languages()]
    assert comments == (len(TLD_LANGUAGES.columns),)
