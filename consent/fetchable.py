"""Which of many URLs a body lets each of some agents fetch: parsed once, asked many times.

The answers are those of `consent.explain` for one agent and one URL, and of `consent.decision` for one path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from consent.decision import ROBOTS_PATH
from consent.dialects import DEFAULT, find_dialect
from consent.matching import can_match, matches, simplify
from consent.readings import READINGS, Reading
from consent.reference import WILDCARD
from consent.robots import Robots, Rule, index_groups, parse_robots
from consent.urls import find_path

PathTest = Callable[[bytes], bool]


def find_fetchable(
    body: bytes, agents: Iterable[str], urls: Sequence[str], dialect_name: str = DEFAULT
) -> dict[str, tuple[bool, ...]]:
    """For each agent, whether it may fetch each of the URLs, in their order; `*` asks for all not named.

    Each agent is a crawler of its own with that one token. Raises ValueError when no dialect has that name
    or the dialect only tells levels (`decides_urls`); never because of `body` or a URL.
    """
    reading = READINGS.get(find_dialect(dialect_name).name)
    if reading is None:
        return _ask_foreign(body, agents, urls, dialect_name)
    paths = [reading.normalise_url(url) for url in urls]
    by_rules: dict[tuple[Rule, ...], tuple[bool, ...]] = {}
    found = {}
    for agent, rules in _find_rules(body, agents, reading).items():
        if rules not in by_rules:
            by_rules[rules] = tuple(map(compile_rules(rules, reading), paths))
        found[agent] = by_rules[rules]
    return found


def find_like(body: bytes, agents: Iterable[str], other: str, dialect_name: str = DEFAULT) -> frozenset[str]:
    """Those of the agents to which a body says exactly what it says to `other`: rules of the same effect.

    Empty in dialects that only tell levels, and in Protego's, whose rules are its own.
    """
    reading = READINGS.get(find_dialect(dialect_name).name)
    if reading is None:
        return frozenset()
    asked = tuple(agents)
    rules = _find_rules(body, (*asked, other), reading)
    meant = {agent: _pairs(rules[agent], reading) for agent in rules}
    return frozenset(agent for agent in asked if meant[agent] == meant[other])


def decides_urls(dialect_name: str) -> bool:
    """Whether a dialect says of a single URL whether it may be fetched; the 2024 study's parsers do not."""
    return dialect_name in READINGS or dialect_name == "protego"


def compile_rules(rules: Iterable[Rule], reading: Reading) -> PathTest:
    """A test that says of a normalised path what `consent.decision.decide` says, quicker on many paths.

    Its work grows with the lengths that plain patterns have and with the patterns that have a `*` or an end.
    """
    plain: dict[bytes, bool] = {}
    others: list[tuple[int, bool, bytes]] = []
    for pattern, is_allow in _pairs(rules, reading):
        if b"*" in pattern or pattern.endswith(b"$"):
            # Its length decides as written; what it matches is looked for in the shorter spelling.
            others.append((len(pattern), is_allow, simplify(pattern)))
        else:
            plain[pattern] = plain.get(pattern, False) or is_allow
    lengths = sorted({len(pattern) for pattern in plain}, reverse=True)
    others.sort(reverse=True)

    def may_fetch(path: bytes) -> bool:
        if path == ROBOTS_PATH and reading.exempts_robots:
            return True
        found = next((n for n in lengths if n <= len(path) and path[:n] in plain), 0)
        rank = (found, plain[path[:found]] if found else True)
        for length, is_allow, pattern in others:
            if (length, is_allow) <= rank:
                break
            if matches(pattern, path):
                return is_allow
        return rank[1]

    return may_fetch


def _pairs(rules: Iterable[Rule], reading: Reading) -> frozenset[tuple[bytes, bool]]:
    """The patterns of the rules that can match a path, each with whether it allows."""
    own = {(rule.pattern, rule.is_allow) for rule in rules}
    extra = {(reading.expand_allow(pattern), True) for pattern, is_allow in own if is_allow}
    return frozenset((pattern, side) for pattern, side in own | extra if pattern and can_match(pattern))


# The same body is asked twice in a row: what may be fetched, and who is alike.
@lru_cache(maxsize=1)
def _parse(body: bytes, dialect_name: str) -> Robots:
    return parse_robots(body, READINGS[dialect_name])


def _find_rules(body: bytes, agents: Iterable[str], reading: Reading) -> dict[str, tuple[Rule, ...]]:
    """For each agent the rules of the groups that speak to it (clauses 2.2.1-b, -c and -d); () for none."""
    robots = _parse(body, reading.name)
    positions = index_groups(robots)
    general = positions.get(WILDCARD, ())
    return {
        agent: tuple(rule for n in positions.get(agent.lower(), general) for rule in robots.groups[n].rules)
        for agent in agents
    }


def _ask_foreign(
    body: bytes, agents: Iterable[str], urls: Sequence[str], dialect_name: str
) -> dict[str, tuple[bool, ...]]:
    if not decides_urls(dialect_name):
        raise ValueError(
            f"the dialect {dialect_name} tells levels and decides no URL; choose rfc9309 or google"
        )
    from consent.protego_reading import parse_protego

    parsed = parse_protego(body)
    whole = [f"https://host{find_path(url).decode('utf-8', 'replace')}" for url in urls]
    return {agent: tuple(parsed.can_fetch(url, agent) for url in whole) for agent in agents}
