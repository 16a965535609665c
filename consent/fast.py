"""The fast reader: body, distinct lines, signature, ruleset, each step remembered.

Most lines of robots.txt files have been seen before, and so have most sequences of them once unknown paths
count as equal: then a body costs one split, one dictionary look-up per line and one for the whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from consent.codes import (
    AGENT_BASE,
    ALLOW_MARK,
    DELAY_BASE,
    LINE_OVERHEAD,
    NOBODY,
    RULE_BASE,
    CoarseCodes,
    Codebook,
    ExactCodes,
)
from consent.declarations import Declaration, Ruleset, make_ruleset
from consent.lines import cut_body
from consent.readings import Reading
from consent.reference import WILDCARD, Verdict, judge, read_body
from consent.thinning import WORK_LIMIT
from consent.vocabulary import GroupMatch

if TYPE_CHECKING:
    from consent.agents import Registry

MEMORY_LIMIT = 192_000_000
"""Octets of remembered lines and signatures, roughly, after which everything is forgotten."""

_AGENTS = f"{chr(AGENT_BASE)}-{chr(DELAY_BASE - 1)}"
_DELAYS = f"{chr(DELAY_BASE)}-{chr(RULE_BASE - 1)}"
_GROUP = re.compile(f"([{_AGENTS}][{_AGENTS}{_DELAYS}]*)([^{_AGENTS}]*)")
# Without Allow, a rule three times in a row says no more than twice; once and twice differ to the study.
_RUN = re.compile(r"(.)\1{2,}")
_AGENT_KEY = re.compile(rb"user[- ]?agent")
_BEFORE_KEY = b" \t\n\r\x0b\x0c"
FIRST_DELAY = chr(DELAY_BASE)


class FastReader:
    """Reads bodies under one reading and one registry, and remembers what it learnt. One per thread."""

    def __init__(self, reading: Reading, registry: Registry) -> None:
        self._reading = reading
        self._registry = registry
        self._forget()

    def read(self, body: bytes) -> Ruleset:
        """Give the ruleset that `consent.reference.read_body` gives, faster."""
        octets = self._reading.prepare(cut_body(body)[0])
        lowered = octets.lower()
        if not _may_have_groups(lowered):
            return self._no_groups
        if self._book.cost > MEMORY_LIMIT:
            self._forget()
        lines = octets.splitlines()
        # Where Allow stands beside Disallow, the coarse codes need not be asked first.
        has_allow = lowered.count(b"allow") > lowered.count(b"disallow")
        signature = ALLOW_MARK if has_allow else "".join(map(self._coarse.__getitem__, lines))
        if ALLOW_MARK in signature:
            signature = "".join(map(self._exact.__getitem__, lines))
        elif signature not in self._rulesets:
            signature = _RUN.sub(r"\1\1", signature)
        ruleset = self._rulesets.get(signature)
        if ruleset is None:
            self._rulesets[signature] = ruleset = self._learn(signature, body)
        return ruleset

    def _forget(self) -> None:
        self._book = Codebook(self._reading)
        self._coarse = CoarseCodes(self._book)
        self._exact = ExactCodes(self._book)
        self._rulesets: dict[str, Ruleset] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._rows: dict[tuple[str, str], Declaration] = {}
        self._wildcard = self._book.code_agent(WILDCARD)
        self._no_groups = self._learn("", b"")

    def _learn(self, signature: str, body: bytes) -> Ruleset:
        self._book.cost += 4 * len(signature) + LINE_OVERHEAD
        merged = _merge_groups(signature)
        merged.pop(NOBODY, None)
        if sum(len(part) for parts in merged.values() for part in parts) > WORK_LIMIT:
            return read_body(body, self._reading, self._registry)
        rows = [self._find_row(agent, "".join(parts)) for agent, parts in merged.items()]
        if self._wildcard not in merged:
            rows.append(Declaration(WILDCARD, GroupMatch.NONE, *self._find_verdict("")))
        return make_ruleset(rows)

    def _find_row(self, agent: str, rules: str) -> Declaration:
        row = self._rows.get((agent, rules))
        if row is None:
            self._rows[agent, rules] = row = self._make_row(agent, rules)
            self._book.cost += LINE_OVERHEAD
        return row

    def _make_row(self, agent: str, rules: str) -> Declaration:
        match = GroupMatch.WILDCARD if agent == self._wildcard else GroupMatch.SPECIFIC
        spelling = self._registry.spelling(self._book.name_of(agent))
        return Declaration(spelling, match, *self._find_verdict(rules))

    def _find_verdict(self, rules: str) -> Verdict:
        verdict = self._verdicts.get(rules)
        if verdict is None:
            self._verdicts[rules] = verdict = judge([self._book.make_group(rules)], self._reading)
            self._book.cost += 4 * len(rules) + LINE_OVERHEAD
        return verdict


# Pages of HTML speak of user agents too, but seldom at the start of a word: their lines need no place here.
def _may_have_groups(lowered: bytes) -> bool:
    for match in _AGENT_KEY.finditer(lowered):
        if match.start() == 0 or lowered[match.start() - 1] in _BEFORE_KEY:
            return True
    return False


def _merge_groups(signature: str) -> dict[str, list[str]]:
    merged: dict[str, list[str]] = {}
    for head, tail in _GROUP.findall(signature):
        agents = dict.fromkeys(head)
        if len(head) > 1 and max(head) >= FIRST_DELAY:
            tail = "".join(code for code in head if code >= FIRST_DELAY) + tail
            agents = dict.fromkeys(code for code in head if code < FIRST_DELAY)
        for agent in agents:
            merged.setdefault(agent, []).append(tail)
    return merged
