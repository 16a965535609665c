"""consent/DIALECT.md and the tests name the same clauses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from consent.dialects import DIALECTS, find_dialect

HERE = Path(__file__).parent
DOCUMENT = (HERE.parent / "consent" / "DIALECT.md").read_text(encoding="utf-8")
CLAUSES = re.findall(r"^- \*\*(\S+)\*\* ", DOCUMENT, re.MULTILINE)
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in sorted(HERE.glob("test_consent_*.py")))


def name_test(clause: str) -> str:
    prefix = {"G": "google_", "S": "study_s_"}.get(clause[0], "rfc9309_")
    section = clause.removeprefix("G-").removeprefix("S-")
    return f"test_{prefix}{re.sub('[.-]', '_', section)}_"


def test_the_document_has_clauses_and_none_twice() -> None:
    assert len(CLAUSES) > 50
    assert len(set(CLAUSES)) == len(CLAUSES)


@pytest.mark.parametrize("clause", CLAUSES)
def test_every_clause_has_a_test_of_its_name(clause: str) -> None:
    assert f"def {name_test(clause)}" in TESTS


def test_every_clause_that_is_tested_is_written_down() -> None:
    tested = re.findall(r"def test_rfc9309_((?:\d_)+)([a-z])_", TESTS)
    assert {f"{digits.rstrip('_').replace('_', '.')}-{letter}" for digits, letter in tested} <= set(CLAUSES)


def test_every_clause_that_the_code_cites_is_written_down() -> None:
    code = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted((HERE.parent / "consent").glob("*.py"))
    )
    cited = re.findall(r"\b((?:G-)?2(?:\.\d)+-[a-z])\b", code)
    assert cited
    assert set(cited) <= set(CLAUSES)


def test_dialects_have_names_versions_and_a_default() -> None:
    assert DIALECTS[0] is find_dialect("rfc9309")
    assert all(dialect.version and dialect.summary for dialect in DIALECTS)
    assert [dialect.name for dialect in DIALECTS[:3]] == ["rfc9309", "google", "protego"]
