"""Rules against one path: which rule decides, and what it says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from consent.matching import matches
from consent.readings import Reading
from consent.robots import Rule

ROBOTS_PATH = b"/robots.txt"


class Decision(NamedTuple):
    """Whether a path may be fetched, and by which rule; None when no rule matches the path."""

    is_allowed: bool
    rule: Rule | None


def decide(rules: Iterable[Rule], path: bytes, reading: Reading) -> Decision:
    """Let the longest matching pattern decide, Allow before Disallow, the earlier line before the later.

    `path` is normalised as the reading does. /robots.txt itself is allowed where the reading says so.
    """
    if path == ROBOTS_PATH and reading.exempts_robots:
        return Decision(True, None)
    best, decider = (0, False), None
    for rule in rules:
        rank = (_match_length(rule, path, reading), rule.is_allow)
        if rank[0] and rank > best:
            best, decider = rank, rule
    return Decision(decider is None or decider.is_allow, decider)


def _match_length(rule: Rule, path: bytes, reading: Reading) -> int:
    if matches(rule.pattern, path):
        return len(rule.pattern)
    extra = reading.expand_allow(rule.pattern) if rule.is_allow else None
    return len(extra) if extra is not None and matches(extra, path) else 0
