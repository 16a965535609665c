"""The readable reader: a body to its ruleset, one step after the other. The fast path must equal it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consent.declarations import Declaration, Ruleset, make_ruleset
from consent.readings import Reading
from consent.restriction import classify_restriction
from consent.robots import Group, Rule, index_groups, list_patterns, parse_robots
from consent.study import restriction_longpre2024
from consent.vocabulary import GroupMatch, Restriction

if TYPE_CHECKING:
    from consent.agents import Registry

WILDCARD = "*"


def read_body(body: bytes, reading: Reading, registry: Registry) -> Ruleset:
    """Declare for `*` and for every agent that `body` names under `reading`."""
    groups = {WILDCARD: ()} | index_groups(parse_robots(body, reading))
    return make_ruleset(
        declare(agent, registry.spelling(agent), found, reading) for agent, found in groups.items()
    )


def declare(agent: str, spelling: str, groups: tuple[Group, ...], reading: Reading) -> Declaration:
    """Declare for `agent`, written as `spelling`, by the groups that name it; maybe none."""
    verdict = judge(groups, reading)
    match = GroupMatch.WILDCARD if agent == WILDCARD else GroupMatch.SPECIFIC
    return Declaration(spelling, match if groups else GroupMatch.NONE, *verdict)


def judge(groups: tuple[Group, ...], reading: Reading) -> tuple[Restriction, Restriction, float | None]:
    """Judge merged groups: the level, the level by the 2024 study's rule, the first Crawl-delay or None."""
    rules = tuple(rule for group in groups for rule in group.rules)
    delay = next((delay for group in groups for delay in group.delays), None)
    return classify_restriction(*list_patterns(rules, reading)), judge_by_study(rules), delay


def judge_by_study(rules: tuple[Rule, ...]) -> Restriction:
    """Apply the study's rule to the values as written, in our parse."""
    return restriction_longpre2024(
        [rule.value.decode("utf-8", "replace") for rule in rules if rule.is_allow],
        [rule.value.decode("utf-8", "replace") for rule in rules if not rule.is_allow],
    )
