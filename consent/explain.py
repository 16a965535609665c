"""Why a body says what it says to a crawler: which groups speak, which rule decides, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from consent.decision import decide
from consent.dialects import DEFAULT, find_dialect
from consent.matching import matches_all
from consent.readings import READINGS, Reading
from consent.reference import WILDCARD, judge
from consent.restriction import is_usable
from consent.robots import Group, Rule, parse_robots
from consent.vocabulary import GroupMatch, Restriction


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a body says to one crawler, and where.

    `agent` is the first asked token that a group names, else the first asked. `line` is where the deciding
    rule stands, counted from 1: the rule for the URL, or without a URL the rule that makes the level; None
    when there is none. `allowed` is None without a URL, and in dialects that only tell levels. `rules` are
    the lines of the groups that speak, in the form "Disallow: /x"; `group_lines` are their user-agent lines.
    `why` says it in words.
    """

    agent: str
    group_match: GroupMatch
    restriction: Restriction
    restriction_longpre2024: Restriction
    crawl_delay: float | None
    line: int | None
    allowed: bool | None
    rules: tuple[tuple[int, str], ...]
    group_lines: tuple[int, ...]
    why: str


def explain(
    body: bytes, agents: Sequence[str], url: str | None = None, dialect_name: str = DEFAULT
) -> Explanation:
    """Explain what `body` says to the one crawler that answers to all of `agents`.

    Raises ValueError when no agent is given or no dialect has that name; never because of `body`.
    """
    if not agents:
        raise ValueError("explain needs at least one agent")
    reading = READINGS.get(find_dialect(dialect_name).name)
    if reading is None:
        from consent.explain_foreign import explain_foreign

        return explain_foreign(body, agents, url, dialect_name)
    return _explain_groups(_find_speakers(body, agents, reading), agents[0], url, reading)


@dataclass(frozen=True, slots=True)
class _Speakers:
    match: GroupMatch
    agent: str | None
    groups: tuple[Group, ...]


def _find_speakers(body: bytes, agents: Sequence[str], reading: Reading) -> _Speakers:
    groups = parse_robots(body, reading).groups
    asked = {agent.lower(): agent for agent in reversed(agents) if agent != WILDCARD}
    named = tuple(group for group in groups if not asked.keys().isdisjoint(group.agents))
    if named:
        tokens = {token for group in named for token in group.agents}
        found = next(agent for agent in agents if agent.lower() in tokens and agent != WILDCARD)
        return _Speakers(GroupMatch.SPECIFIC, found, named)
    general = tuple(group for group in groups if WILDCARD in group.agents)
    return _Speakers(GroupMatch.WILDCARD if general else GroupMatch.NONE, None, general)


def _explain_groups(speakers: _Speakers, asked: str, url: str | None, reading: Reading) -> Explanation:
    level, studied, delay = judge(list(speakers.groups), reading)
    rules = tuple(rule for group in speakers.groups for rule in group.rules)
    allowed, decider = None, _find_level_rule(rules, level)
    if url is not None:
        allowed, decider = decide(rules, reading.normalise_url(url), reading)
    return Explanation(
        agent=speakers.agent or asked,
        group_match=speakers.match,
        restriction=level,
        restriction_longpre2024=studied,
        crawl_delay=delay,
        line=None if decider is None else decider.line,
        allowed=allowed,
        rules=tuple((rule.line, _render(rule)) for rule in rules),
        group_lines=tuple(line for group in speakers.groups for line in group.agent_lines),
        why=f"{_say_group(speakers, asked)}; {_say_rule(decider, level, allowed)}.",
    )


def _find_level_rule(rules: tuple[Rule, ...], level: Restriction) -> Rule | None:
    wants_allow = level is Restriction.NONE
    useful = [rule for rule in rules if rule.is_allow is wants_allow and is_usable(rule.pattern)]
    if level is not Restriction.SOME:
        useful = [rule for rule in useful if matches_all(rule.pattern)]
        useful.sort(key=lambda rule: -len(rule.pattern))
    return useful[0] if useful else None


def _render(rule: Rule) -> str:
    return f"{'Allow' if rule.is_allow else 'Disallow'}: {rule.value.decode('utf-8', 'replace')}"


def _say_group(speakers: _Speakers, asked: str) -> str:
    if speakers.match is GroupMatch.NONE:
        return f"no group names {asked} and there is none for every crawler"
    lines = ", ".join(str(line) for group in speakers.groups for line in group.agent_lines)
    if speakers.match is GroupMatch.SPECIFIC:
        return f"{speakers.agent} is named (user-agent lines {lines})"
    return f"no group names {asked}, so the group for every crawler speaks (user-agent lines {lines})"


def _say_rule(decider: Rule | None, level: Restriction, allowed: bool | None) -> str:
    if allowed is None:
        reason = "" if decider is None else f", by line {decider.line} ({_render(decider)})"
        return f"{_LEVEL_WORDS[level]}{reason}"
    if decider is None:
        return "no rule forbids the URL, so it may be fetched"
    verb = "allows" if allowed else "disallows"
    return f"line {decider.line} ({_render(decider)}) is the longest match and {verb} the URL"


_LEVEL_WORDS = {
    Restriction.NONE: "every path may be fetched",
    Restriction.SOME: "some paths may be fetched and some not",
    Restriction.ALL: "no path but /robots.txt may be fetched",
}
