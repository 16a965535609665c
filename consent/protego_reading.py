"""What Scrapy makes of a body: Protego, pinned, asked for the rules that it holds for each agent.

Protego looks for a file's user-agent values inside the name of the crawler, at the start of any word of it,
and takes the longest: `Claude` speaks to ClaudeBot. The rules that it keeps are patterns with `*` and a last
`$`; the longest that matches decides and Allow wins ties, so what they leave open follows from the patterns
in the same closed form as for our own readings. Its oddities are in the patterns: a `$` brings a second rule
with `%24` in its place, an absolute URL gets a `/` in front, `index.html` stands for its folder too.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from protego import Protego

from consent.declarations import Declaration, Ruleset, make_ruleset
from consent.lines import cut_body
from consent.restriction import classify_restriction
from consent.study import restriction_longpre2024
from consent.vocabulary import GroupMatch, Restriction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from protego._ruleset import _Rule, _RuleSet

    from consent.agents import Registry

PROTEGO_VERSION = "0.7.0"
"""The version that this module reads the inside of; its answers change between versions, so it is data."""

WILDCARD = "*"
STEP_LIMIT = 1_000_000
"""The most of agents times lines, group by group, that Protego is given: it keeps every rule once per agent.

The largest of 29,533 real files, a list of 601 agents, comes to 181 thousand.
"""

# What Protego makes of `/robots.txt$` beside the anchored rule; rules on the file itself change nothing.
_OWN_FILE = "/robots.txt%24"
_Judged = dict[tuple["_Rule", ...], tuple[Restriction, Restriction]]


def read_protego(body: bytes, registry: Registry) -> Ruleset:
    """Read `body` as Scrapy does. Never raises on bodies.

    `restriction_longpre2024` is the study's rule on the patterns that Protego keeps: without empty values and
    without the order of the file. A registered agent is listed when any user-agent value speaks to it. Raises
    RuntimeError when another version of Protego is installed.
    """
    rule_sets = parse_protego(body)._user_agents
    names = {registry.spelling(value): value for value in _list_found(list(rule_sets))}
    # Asking Protego for each registered agent would cost agents times values per body; this costs one look-up
    # per value, and the tests hold it to Protego's own answers.
    index = _index_names(tuple(agent.agent for agent in registry.agents))
    names |= _find_inside(list(rule_sets), index)
    judged: _Judged = {}
    rows = [_declare(WILDCARD, rule_sets.get(WILDCARD), judged)]
    rows += [_declare(name, rule_sets[value], judged) for name, value in names.items() if value != WILDCARD]
    return make_ruleset(rows)


def parse_protego(body: bytes) -> Protego:
    """Give Protego's own parse of `body`: UTF-8 without its mark, undecodable octets left out.

    So does Scrapy today; for years it left the mark in, which lost the first group. What is read ends at our
    usual limit, and earlier where Protego would take quadratic time and memory.
    """
    _check_version()
    text = cut_body(body)[0].decode("utf-8-sig", "ignore")
    return Protego.parse(_cut_hostile(text) if "agent" in text.lower() else "")


def _cut_hostile(text: str) -> str:
    lines = text.splitlines()
    if len(lines) ** 2 <= STEP_LIMIT:
        return text
    n_steps = n_agents = 0
    has_ended = False
    for number, line in enumerate(lines):
        start = line.lstrip()[:9].lower()
        if start.startswith("user"):
            n_agents = 1 if has_ended else n_agents + 1
            has_ended = False
        # Only what surely ends the list of agents, so that the count is never below what Protego keeps.
        has_ended = has_ended or start.startswith(("allow:", "disallow:"))
        n_steps += n_agents
        if n_steps > STEP_LIMIT:
            return "\n".join(lines[:number])
    return text


def _declare(name: str, rules: _RuleSet | None, judged: _Judged) -> Declaration:
    if rules is None:
        return Declaration(name, GroupMatch.NONE, Restriction.NONE, Restriction.NONE, None)
    # Agents of one group hold the same rules, which need judging once.
    held = tuple(rules._rules)
    if held not in judged:
        judged[held] = _judge(held)
    match = GroupMatch.WILDCARD if name == WILDCARD else GroupMatch.SPECIFIC
    return Declaration(name, match, *judged[held], rules.crawl_delay)


def _judge(held: tuple[_Rule, ...]) -> tuple[Restriction, Restriction]:
    patterns = [(rule.field, rule.value._pattern) for rule in held]
    allow = [pattern for field, pattern in patterns if field == "allow" and pattern != _OWN_FILE]
    disallow = [pattern for field, pattern in patterns if field != "allow" and pattern != _OWN_FILE]
    effect = classify_restriction(map(str.encode, allow), map(str.encode, disallow))
    return effect, restriction_longpre2024(allow, disallow)


def _list_found(values: list[str]) -> list[str]:
    """List the user-agent values that Protego finds when a crawler of just that name asks.

    Not those with outer white space (left where a `*` was taken out), and not one letter behind a `*`.
    """
    last = values.index(WILDCARD) if WILDCARD in values else len(values)
    return [
        value for at, value in enumerate(values) if value == value.strip() and (len(value) > 1 or at < last)
    ]


def _find_inside(values: list[str], index: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """Give each registered agent the user-agent value of the file that speaks to it; none for the others.

    The longest value wins; of equally long ones the first of the file, so that `*` may tie with one letter.
    """
    found: dict[str, str] = {}
    for value in values:
        for name in index.get(value, ()):
            if len(value) > len(found.get(name, "")):
                found[name] = value
    return found


@lru_cache(maxsize=8)
def _index_names(names: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Map every text that Protego would find in some of `names` to those; `*` to all of them."""
    index: dict[str, tuple[str, ...]] = {WILDCARD: names}
    for name in names:
        for part in _iter_parts(name.strip().lower()):
            index[part] = (*index.get(part, ()), name)
    return index


def _iter_parts(name: str) -> Iterable[str]:
    starts = [
        at for at in range(len(name)) if at == 0 or not (name[at - 1].isalnum() or name[at - 1] in "-_")
    ]
    return dict.fromkeys(name[start:end] for start in starts for end in range(start + 1, len(name) + 1))


@lru_cache(maxsize=1)
def _check_version() -> None:
    installed = version("protego")
    if installed != PROTEGO_VERSION:
        raise RuntimeError(f"Protego {installed} is installed; install protego=={PROTEGO_VERSION}")
