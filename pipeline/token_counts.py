"""The token counts of Longpre et al. (2024): sources merged as the study did, with its heads and its sample.

The study puts `www.` before every name that lacks it and adds up what is then equal. The head of a corpus
are the 2,000 sources with most tokens; what is in no head is its random sample (arXiv 2407.14933, section 3,
and the class URLTokenLookup of the study's published code).
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from consent.hosts import is_web_host
from pipeline.csv_list import HostColumn, Row, open_list

CORPORA = ("c4_tokens", "rf_tokens", "dolma_tokens")
HEADS = ("c4_head", "rf_head", "dolma_head")
HEAD_SIZE = 2000
WWW = "www."
_NEEDED = f"Give the study's file with the columns url, {', '.join(CORPORA)}."


@dataclass(frozen=True, slots=True)
class Counted:
    """One row of the file: the host it is about, the study's name for it, and its tokens by corpus."""

    host: str
    study_url: str
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One source of the study. `host` is the spelling with more tokens, `merged_from` the other, if any."""

    study_url: str
    host: str
    merged_from: str
    tokens: tuple[int, ...]
    is_domain: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """The study's sources by `study_url`, and the head of each corpus as a set of those."""

    sources: tuple[Source, ...]
    heads: tuple[frozenset[str], ...]

    def stratum_of(self, source: Source) -> str:
        """`head` for a source in any head, else `random`."""
        return "head" if any(source.study_url in head for head in self.heads) else "random"

    def head_tokens(self, corpus: int) -> int:
        """The tokens that the head of a corpus holds of it."""
        head = self.heads[corpus]
        return sum(source.tokens[corpus] for source in self.sources if source.study_url in head)


def read_token_counts(path: Path) -> tuple[Counted, ...]:
    """The rows of the file, in its order. Raises ListError for anything that cannot be used."""
    rows = open_list(path, "url", _NEEDED)
    wrong = set(rows.columns) ^ {"url", *CORPORA}
    if wrong:
        what = "there is no column" if wrong - set(rows.columns) else "this is no column of the file"
        named = ", ".join(sorted(wrong - set(rows.columns) or wrong))
        raise Row(path, 1, {}).error(f"{what}: {named} (found: {', '.join(rows.columns)}). {_NEEDED}")
    hosts = HostColumn("url")
    return tuple(
        Counted(hosts.read(row), _study_url(row), tuple(_tokens(row, corpus) for corpus in CORPORA))
        for row in rows
    )


def _study_url(row: Row) -> str:
    url = row.cells["url"]
    return url if url.startswith(WWW) else WWW + url


def _tokens(row: Row, corpus: str) -> int:
    text = row.cells[corpus].strip()
    if not (text.isascii() and text.isdecimal()):
        raise row.error(f"column {corpus}: {row.cells[corpus]!r} is no whole number from 0. Mend that cell.")
    return int(text)


def make_sample(counts: Iterable[Counted], head_size: int = HEAD_SIZE) -> Sample:
    """Merge the rows and find the heads; equal counts come in the order of `study_url`."""
    spellings: dict[str, list[Counted]] = {}
    for counted in counts:
        spellings.setdefault(counted.study_url, []).append(counted)
    sources = tuple(_merge(study_url, spellings[study_url]) for study_url in sorted(spellings))
    return Sample(sources, tuple(_find_head(sources, n, head_size) for n in range(len(CORPORA))))


def _merge(study_url: str, spellings: Sequence[Counted]) -> Source:
    """A host stands in the file once, so there are two spellings at most, and the bare one is shorter."""
    first, *others = sorted(spellings, key=lambda counted: (-sum(counted.tokens), len(counted.host)))
    tokens = tuple(map(sum, zip(*(counted.tokens for counted in spellings), strict=True)))
    return Source(
        study_url, first.host, " ".join(other.host for other in others), tokens, is_web_host(first.host)
    )


def _find_head(sources: Iterable[Source], corpus: int, size: int) -> frozenset[str]:
    """`sources` come in the order of `study_url`, which the sort keeps among equals."""
    ranked = sorted(sources, key=lambda source: -source.tokens[corpus])
    return frozenset(source.study_url for source in ranked[:size])


def format_sites(sample: Sample) -> str:
    """The site list of a study as CSV, by host."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("host", *CORPORA, *HEADS, "stratum", "is_domain", "study_url", "merged_from"))
    for source in sorted(sample.sources, key=lambda source: source.host):
        flags = [int(source.study_url in head) for head in sample.heads]
        notes = (sample.stratum_of(source), int(source.is_domain), source.study_url, source.merged_from)
        writer.writerow((source.host, *source.tokens, *flags, *notes))
    return text.getvalue()
