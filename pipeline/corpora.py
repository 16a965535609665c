"""The corpora of a study: `[corpora.COLUMN]` says what a weight column of the site list stands for."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from pipeline.key import Key, Problem, is_number, is_text
from pipeline.sites import HEAD_SUFFIX, Site, SiteList

SECTION = "corpora"
HOSTS = "hosts"
"""The corpus that every study has: each host weighs 1."""
# Weights that are shares of a whole may add up to a hair more than 1.
SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Corpus:
    """What the study file says of one weight column; None where it says nothing.

    `head` is the flag column of hosts taken for certain, `sample` the stratum of hosts drawn at random that
    stand for all others, `total` the weight of the whole corpus, listed hosts or not, in `unit`.
    """

    column: str
    title: str | None = None
    head: str | None = None
    sample: str | None = None
    total: float | None = None
    unit: str | None = None


def _is_total(value: object) -> bool:
    return is_number(value) and float(str(value)) > 0


CORPUS_KEYS = (
    Key(SECTION, "title", None, "a line of text", is_text),
    Key(SECTION, "head", None, f"the name of a column of [sites] file that ends in {HEAD_SUFFIX}", is_text),
    Key(SECTION, "sample", None, "a value of the column stratum of [sites] file", is_text),
    Key(SECTION, "total", None, "a number above 0: the weight of the whole corpus", _is_total),
    Key(SECTION, "unit", None, 'a word for what the weights count, such as "tokens"', is_text),
)


def check_corpora(document: Mapping[str, object]) -> Iterator[Problem]:
    """Everything wrong with the sections of corpora as such; the site list is not read."""
    content = document.get(SECTION, {})
    if not isinstance(content, Mapping):
        fix = f"write [{SECTION}.COLUMN] on a line, by the name of a weight column"
        yield Problem(SECTION, "", f"this is a value, not a section: {content!r}", fix)
        return
    for column, section in content.items():
        if not isinstance(section, Mapping):
            what = f"this is a value, not a section: {section!r}"
            yield Problem(SECTION, column, what, f"write [{SECTION}.{column}] on a line, and the keys below")
        elif column == HOSTS:
            what = "this corpus is built in and takes no keys, since each host weighs 1 in it"
            yield Problem(_place(column), "", what, "remove the section, or name a weight column")
        else:
            yield from _check_keys(column, section)


def _check_keys(column: str, section: Mapping[str, object]) -> Iterator[Problem]:
    keys = {key.key: key for key in CORPUS_KEYS}
    for name, value in section.items():
        if name not in keys:
            yield Problem(_place(column), name, "there is no such key", _nearest(name, keys))
        elif not keys[name].check(value):
            what = f"{value!r} cannot be used"
            yield Problem(_place(column), name, what, f"give {keys[name].expected}")


def read_corpora(document: Mapping[str, object]) -> tuple[Corpus, ...]:
    """The corpora of a checked study file, by column; empty when it has no such section."""
    content = document.get(SECTION, {})
    assert isinstance(content, Mapping), "the document has been checked"
    return tuple(_corpus(column, section) for column, section in sorted(content.items()))


def _corpus(column: str, section: Mapping[str, object]) -> Corpus:
    def text(name: str) -> str | None:
        return str(section[name]).strip() if name in section else None

    total = float(str(section["total"])) if "total" in section else None
    return Corpus(column, text("title"), text("head"), text("sample"), total, text("unit"))


def check_listed(corpora: Iterable[Corpus], listed: SiteList) -> Iterator[Problem]:
    """What of the corpora the site list contradicts."""
    for corpus in corpora:
        if corpus.column not in listed.corpora:
            what = f"[sites] file has no weight column {corpus.column!r}"
            yield Problem(_place(corpus.column), "", what, _nearest(corpus.column, listed.corpora))
            continue
        yield from _check_head(corpus, listed)
        yield from _check_sample(corpus, listed.sites)
        yield from _check_total(corpus, listed.sites)


def _check_head(corpus: Corpus, listed: SiteList) -> Iterator[Problem]:
    if corpus.head is not None and corpus.head not in listed.heads:
        what = f"[sites] file has no flag column {corpus.head!r}"
        yield Problem(_place(corpus.column), "head", what, _nearest(corpus.head, listed.heads))


def _check_sample(corpus: Corpus, sites: Iterable[Site]) -> Iterator[Problem]:
    if corpus.sample is None:
        return
    drawn = [site for site in sites if site.stratum == corpus.sample]
    twice = [site.host for site in drawn if corpus.head in site.heads]
    if not drawn:
        what = f"no host of [sites] file has the stratum {corpus.sample!r}"
        strata = {site.stratum for site in sites if site.stratum}
        yield Problem(_place(corpus.column), "sample", what, _nearest(corpus.sample, strata))
    elif twice:
        what = f"{twice[0]} ({len(twice)} in all) is in the sample and has {corpus.head} = 1 too"
        fix = "take each host for certain or draw it, never both: mend [sites] file"
        yield Problem(_place(corpus.column), "sample", what, fix)


def _check_total(corpus: Corpus, sites: Iterable[Site]) -> Iterator[Problem]:
    weights = (weight for site in sites for column, weight in site.weights if column == corpus.column)
    listed = math.fsum(weights)
    if corpus.total is not None and listed * (1 - SLACK) > corpus.total:
        what = f"{corpus.total:.15g} is less than the listed hosts weigh together, {listed:.15g}"
        fix = "give the weight of the whole corpus, in the unit of the column"
        yield Problem(_place(corpus.column), "total", what, fix)


def _place(column: str) -> str:
    return f"{SECTION}.{column}"


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = get_close_matches(name, names, 1)
    listed = f"there are {', '.join(names)}" if names else "there is none"
    return f"did you mean {near[0]}?" if near else f"remove it, or add it to the others; {listed}"
