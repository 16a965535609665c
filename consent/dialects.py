"""The named readings of robots.txt, each with the version that is stored with what it declares."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """One reading. `version` changes whenever the same bytes may be read differently than before."""

    name: str
    version: str
    summary: str


DEFAULT = "rfc9309"

DIALECTS = (
    Dialect("rfc9309", "1", "RFC 9309 by its grammar and text; tokens extended to whole values"),
    Dialect("google", "1", "Google's open-source matcher, with its tolerance of typos and versions in names"),
    Dialect("protego", "0.7.0", "Protego, the parser of Scrapy, as released under this version"),
    Dialect("longpre2024-paper", "1", "the parser with which the 2024 consent study was published"),
    Dialect("longpre2024-2025-01", "1", "the same study's parser as of January 2025"),
    Dialect("longpre2024-head", "1", "the same study's parser as it last stood"),
)


def find_dialect(name: str) -> Dialect:
    """Give the dialect called `name`; raises ValueError, naming the choices, when there is none."""
    for dialect in DIALECTS:
        if dialect.name == name:
            return dialect
    choices = ", ".join(dialect.name for dialect in DIALECTS)
    raise ValueError(f"no dialect is called {name!r}; choose one of {choices}")
