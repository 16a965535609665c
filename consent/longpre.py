"""The three parsers of the 2024 consent study, errors included, for comparison with its figures.

Each reads a body the way the study's parser of its time did, which is often not what the body says:

- `paper` (May to December 2024) knows keys in one case only (`User-agent:`, `Allow:`, `Disallow:`); a blank
  line or a line that begins with `#` ends the group; of stacked user-agent lines the last alone gets the
  rules; a comment behind a value stays in the value; an agent is found in the exact case of its name only.
- `2025-01` (late January 2025) takes any case and cuts comments, but no group ever ends: every agent gets all
  rules down to the end of the file, twice when it is named twice.
- `head` (since March 2025) stacks agents before the first rule, crawl-delay or sitemap line of a file; behind
  it each user-agent line drops the ones before.

None of them handles a byte order mark or merges groups in another way. Where the study's code fails (agents
called `ERRORS` or `Sitemaps`) we do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from consent.declarations import Declaration, Ruleset, make_ruleset
from consent.lines import LineKind, cut_body
from consent.restriction import classify_restriction
from consent.rfc9309_reading import normalise_pattern_rfc9309
from consent.robots import parse_delay
from consent.study import restriction_longpre2024
from consent.vocabulary import GroupMatch

if TYPE_CHECKING:
    from consent.agents import Registry

WILDCARD = "*"
STEP_LIMIT = 2_000_000
"""Rules that are handed out to unregistered agents in one body; those that come later are not listed."""
REPEAT_LIMIT = 100_000
"""Rules of one agent beyond which repetitions count as two: only their being more than one matters."""


@dataclass(frozen=True, slots=True)
class StudyCompany:
    """The agents by which the study follows a company; its level is the strictest of theirs."""

    name: str
    agents: tuple[str, ...]


STUDY_COMPANIES = (
    StudyCompany("OpenAI", ("GPTBot", "ChatGPT-User")),
    StudyCompany("Google", ("Google-Extended",)),
    StudyCompany("Common Crawl", ("CCBot",)),
    StudyCompany("Anthropic", ("ClaudeBot", "CCBot")),
    StudyCompany("False Anthropic", ("anthropic-ai", "Claude-Web")),
    StudyCompany("Cohere", ("cohere-ai",)),
    StudyCompany("Meta", ("FacebookBot",)),
    StudyCompany("Internet Archive", ("ia_archiver",)),
    StudyCompany("Google Search", ("Googlebot",)),
)


class _Rule(NamedTuple):
    kind: LineKind
    value: str
    pattern: bytes


class _Span(NamedTuple):
    """Rules from `start` up to `end`, each of them `times` over."""

    start: int
    end: int
    times: int


class _Sheet:
    """What a parser has collected: rules in order, and for every agent the spans of them that it was given.

    Spans stand for the lists that the study's parsers fill per agent, whose total can be quadratic.
    """

    def __init__(self) -> None:
        self.rules: list[_Rule] = []
        self.spans: dict[str, list[_Span]] = {}
        self._current: dict[str, tuple[int, int]] = {}

    def stack(self, agent: str) -> None:
        """Give the coming rules to `agent` too, once more when it already gets them."""
        self.spans.setdefault(agent, [])
        # The study appends a repeated agent to its list again, and so every rule twice from here on.
        _, times = self._close(agent)
        self._current[agent] = (len(self.rules), times + 1)

    def release(self) -> None:
        """Give the coming rules to nobody."""
        for agent in list(self._current):
            self._close(agent)

    def add(self, kind: LineKind, value: str) -> None:
        self.rules.append(_Rule(kind, value, normalise_pattern_rfc9309(value.encode("utf-8", "replace"))))

    def _close(self, agent: str) -> tuple[int, int]:
        start, times = self._current.pop(agent, (0, 0))
        if times and start < len(self.rules):
            self.spans[agent].append(_Span(start, len(self.rules), times))
        return start, times


def read_longpre(body: bytes, version: str, registry: Registry) -> Ruleset:
    """Read `body` as the study's parser of `version` did: `paper`, `2025-01` or `head`; KeyError for others.

    `restriction_longpre2024` is the study's own verdict; `restriction` is the effect of the rules that its
    parser held. The body is decoded as UTF-8 and read up to our usual limit, which the study did not have.
    A registered agent is listed when the study would have found it. Never raises on bodies.
    """
    sheet = _Sheet()
    # Most HTML ends here. The mark of UTF-8 stays in the text, as it did for the study.
    text = cut_body(body)[0].decode("utf-8", "replace")
    _PARSERS[version](sheet, text.splitlines() if "user-agent:" in text.lower() else [])
    sheet.release()
    return make_ruleset(_iter_declarations(sheet, _find_names(sheet, registry, version == "paper"), registry))


def _read_paper(sheet: _Sheet, lines: list[str]) -> None:
    keys = (("Allow:", LineKind.ALLOW), ("Disallow:", LineKind.DISALLOW), ("Crawl-delay:", LineKind.DELAY))
    for line in map(str.strip, lines):
        if line.startswith("User-agent:"):
            sheet.release()
            sheet.stack(line[11:].strip())
        elif not line or line.startswith("#"):
            sheet.release()
        else:
            for key, kind in keys:
                if line.startswith(key):
                    sheet.add(kind, line[len(key) :].strip())


def _read_2025_01(sheet: _Sheet, lines: list[str]) -> None:
    for key, value in _iter_later_lines(lines):
        if key is LineKind.AGENT:
            sheet.stack(value.lower())
        elif key is not LineKind.OTHER:
            sheet.add(key, value)


def _read_head(sheet: _Sheet, lines: list[str]) -> None:
    has_seen_rule = False
    for key, value in _iter_later_lines(lines):
        if key is LineKind.AGENT:
            if has_seen_rule:
                sheet.release()
            sheet.stack(value.lower())
            continue
        # Never unset again: that is the fault of this version.
        has_seen_rule = True
        if key is not LineKind.OTHER:
            sheet.add(key, value)


_LATER_KEYS = (
    ("user-agent:", LineKind.AGENT),
    ("allow:", LineKind.ALLOW),
    ("disallow:", LineKind.DISALLOW),
    ("crawl-delay:", LineKind.DELAY),
    ("sitemap:", LineKind.OTHER),
)


def _iter_later_lines(lines: list[str]) -> Iterator[tuple[LineKind, str]]:
    for raw in lines:
        line = raw.partition("#")[0].strip()
        lowered = line.lower()
        for key, kind in _LATER_KEYS:
            if lowered.startswith(key):
                yield kind, line.partition(":")[2].strip()


_PARSERS: dict[str, Callable[[_Sheet, list[str]], None]] = {
    "paper": _read_paper,
    "2025-01": _read_2025_01,
    "head": _read_head,
}


def _find_names(sheet: _Sheet, registry: Registry, is_exact: bool) -> dict[str, str]:
    """Map the names under which agents are listed to the keys of their spans, registered agents first.

    With exact case, a registered agent in another case is unknown to the study: it gets what `*` gets.
    """
    listed = [key for key in sheet.spans if registry.lists(key)]
    others = [key for key in sheet.spans if key != WILDCARD and not registry.lists(key)]
    names = {registry.spelling(key): key for key in listed if not is_exact or registry.spelling(key) == key}
    for key in others:
        names.setdefault(key.lower(), key)
    return names


def _iter_declarations(sheet: _Sheet, names: dict[str, str], registry: Registry) -> Iterator[Declaration]:
    has_wildcard = WILDCARD in sheet.spans
    yield _declare(sheet, WILDCARD, WILDCARD, GroupMatch.WILDCARD if has_wildcard else GroupMatch.NONE)
    n_steps = 0
    for name, key in names.items():
        if not registry.lists(name):
            n_steps += sum(span.end - span.start for span in sheet.spans[key])
            if n_steps > STEP_LIMIT:
                return
        yield _declare(sheet, name, key, GroupMatch.SPECIFIC)


def _declare(sheet: _Sheet, name: str, key: str, match: GroupMatch) -> Declaration:
    rules = list(_iter_rules(sheet, key))
    allow = [rule for rule in rules if rule.kind is LineKind.ALLOW]
    disallow = [rule for rule in rules if rule.kind is LineKind.DISALLOW]
    delays = (parse_delay(rule.value.encode()) for rule in rules if rule.kind is LineKind.DELAY)
    return Declaration(
        agent=name,
        group_match=match,
        restriction=classify_restriction(
            [rule.pattern for rule in allow], [rule.pattern for rule in disallow]
        ),
        restriction_longpre2024=restriction_longpre2024(
            [rule.value for rule in allow], [rule.value for rule in disallow]
        ),
        crawl_delay=next((delay for delay in delays if delay is not None), None),
    )


def _iter_rules(sheet: _Sheet, key: str) -> Iterator[_Rule]:
    spans = sheet.spans.get(key, [])
    is_long = sum((span.end - span.start) * span.times for span in spans) > REPEAT_LIMIT
    for span in spans:
        times = min(span.times, 2) if is_long else span.times
        for rule in sheet.rules[span.start : span.end]:
            yield from (rule,) * times
