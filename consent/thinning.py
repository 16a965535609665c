"""A bound for files in which very many agents share and repeat very many rules.

Agents that are named in several groups obey them as one. A hostile file makes that product huge; then long
groups are represented in such unions by the few rules that decide by length, so that reading stays linear.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from consent.matching import matches_all
from consent.restriction import is_usable
from consent.robots import Group, Rule

WORK_LIMIT = 200_000
"""Rules that are judged for all agents with several groups together, before long groups are thinned."""
LONG = 16
"""Rules of the longest group that is never thinned."""


def is_heavy(groups: tuple[Group, ...], unions: Iterable[tuple[int, ...]]) -> bool:
    """Tell whether judging the unions of several groups would take more rules than the limit."""
    return sum(len(groups[n].rules) for union in unions if len(union) > 1 for n in union) > WORK_LIMIT


def thin_group(group: Group) -> Group:
    """Give a group of few rules with the same lengths, as far as levels by length depend on them."""
    if len(group.rules) <= LONG:
        return group
    kept = {*_pick_rules(group.rules, True), *_pick_rules(group.rules, False)}
    return group._replace(rules=tuple(sorted(kept)))


def _pick_rules(rules: tuple[Rule, ...], is_allow: bool) -> Iterator[Rule]:
    side = [rule for rule in rules if rule.is_allow is is_allow]
    usable = [rule for rule in side if is_usable(rule.pattern)]
    everything = [rule for rule in usable if matches_all(rule.pattern)]
    plain = [rule for rule in side if b"?" not in rule.value]
    yield from sorted(usable, key=_by_length)[-1:]
    yield from sorted(everything, key=_by_length)[-1:]
    # The study's rule asks for an exact slash and for there being none, one or more rules.
    yield from [rule for rule in plain if rule.value == b"/"][:1]
    yield from plain[:2]


def _by_length(rule: Rule) -> int:
    return len(rule.pattern)
