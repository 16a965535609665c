"""The readable reader: a body to its ruleset, one step after the other. The fast path must equal it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consent.declarations import Declaration, Ruleset, make_ruleset
from consent.readings import Reading
from consent.restriction import classify_by_length, classify_restriction
from consent.robots import Group, Rule, index_groups, list_patterns, parse_robots
from consent.study import restriction_longpre2024
from consent.thinning import is_heavy, thin_group
from consent.vocabulary import GroupMatch, Restriction

if TYPE_CHECKING:
    from consent.agents import Registry

WILDCARD = "*"

Verdict = tuple[Restriction, Restriction, float | None]


def read_body(body: bytes, reading: Reading, registry: Registry) -> Ruleset:
    """Declare for `*` and for every agent that `body` names under `reading`."""
    robots = parse_robots(body, reading)
    positions = {WILDCARD: ()} | index_groups(robots)
    verdicts = judge_all(robots.groups, set(positions.values()), reading)
    return make_ruleset(
        declare(agent, registry.spelling(agent), bool(where), verdicts[where])
        for agent, where in positions.items()
    )


def declare(agent: str, spelling: str, is_named: bool, verdict: Verdict) -> Declaration:
    """Put the row of `agent` together, written as `spelling`; `is_named` when a group names it."""
    match = GroupMatch.WILDCARD if agent == WILDCARD else GroupMatch.SPECIFIC
    return Declaration(spelling, match if is_named else GroupMatch.NONE, *verdict)


def judge_all(
    groups: tuple[Group, ...], unions: set[tuple[int, ...]], reading: Reading
) -> dict[tuple[int, ...], Verdict]:
    """Judge every union of groups that is one agent's group, each once (clause 2.2.1-j)."""
    if not is_heavy(groups, unions):
        return {union: judge([groups[n] for n in union], reading) for union in unions}
    thin = [thin_group(group) for group in groups]
    return {
        union: judge([thin[n] for n in union], reading, by_length=True)
        if len(union) > 1
        else judge([groups[n] for n in union], reading)
        for union in unions
    }


def judge(groups: list[Group], reading: Reading, by_length: bool = False) -> Verdict:
    """Judge merged groups: the level, the level by the 2024 study's rule, the first Crawl-delay or None."""
    rules = tuple(rule for group in groups for rule in group.rules)
    delay = next((delay for group in groups for delay in group.delays), None)
    classify = classify_by_length if by_length else classify_restriction
    return classify(*list_patterns(rules, reading)), judge_by_study(rules), delay


def judge_by_study(rules: tuple[Rule, ...]) -> Restriction:
    """Apply the study's rule to the values as written, in our parse."""
    return restriction_longpre2024(
        [rule.value.decode("utf-8", "replace") for rule in rules if rule.is_allow],
        [rule.value.decode("utf-8", "replace") for rule in rules if not rule.is_allow],
    )
