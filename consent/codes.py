"""Lines to codes: each distinct line is understood once and is one character from then on.

Agents, delays and rules have ranges of characters of their own, so that a string of codes (the signature of a
body) can be cut into groups by a regular expression. Other lines are the empty string.
"""

from __future__ import annotations

import re

from consent.lines import LineKind
from consent.matching import matches_all
from consent.readings import Reading
from consent.restriction import is_usable
from consent.robots import Group, Rule, parse_delay

AGENT_BASE, DELAY_BASE, RULE_BASE = 0x10000, 0x80000, 0x90000
NOBODY = chr(AGENT_BASE)
"""The agent of a line that names nobody."""
ALLOW_MARK = chr(RULE_BASE)
"""Stands for any Allow in coarse codes: a body that has one is coded again, exactly."""
_ORDINARY = re.compile(rb"/(?!robots\.txt)[A-Za-z0-9_.-][^*?%]*+")
# Comments, sitemaps and empty lines: most lines that occur in one file only, and silent in every reading.
_SILENT = re.compile(rb"\s*+(?:#|sitemap\s*+:|$)", re.IGNORECASE)
# A rule in the form that every reading takes for one, up to its comment; the limits of some lie far beyond.
_RULE = re.compile(rb"\s*+(dis)?allow\s*+:([^#\0]*+)(?:#[^\0]*+)?", re.IGNORECASE)
_SHORT_LINE = 2000
LINE_OVERHEAD = 250
"""Octets that one known line is taken to cost besides its own, in dictionaries and codes."""
AGENT_COST, DELAY_COST = 400, 4000
"""What a new agent and a new delay are taken to cost: so much that their codes never run out (see `fast`)."""


class Codebook:
    """The characters given so far, and what they stand for. `cost` is a rough count of octets held."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.cost = 0
        self._agents: list[str] = [""]
        self._delays: list[float] = []
        self._rules: list[Rule] = [Rule(0, True, b"/", b"/")]
        self._codes: dict[object, str] = {None: NOBODY}

    def code_agent(self, agent: str | None) -> str:
        """Give the character of an agent; `NOBODY` for None."""
        code = self._codes.get(agent)
        if code is None:
            code = self._codes[agent] = chr(AGENT_BASE + len(self._agents))
            self._agents.append(agent or "")
            self.cost += AGENT_COST
        return code

    def code_delay(self, value: bytes) -> str:
        """Give the character of a Crawl-delay; the empty string when the value is not valid."""
        delay = parse_delay(value)
        if delay is None:
            return ""
        code = self._codes.get(delay)
        if code is None:
            code = self._codes[delay] = chr(DELAY_BASE + len(self._delays))
            self._delays.append(delay)
            self.cost += DELAY_COST
        return code

    def code_rule(self, is_allow: bool, value: bytes) -> str:
        """Give the character of a rule; its line number is forgotten."""
        key = (is_allow, value)
        code = self._codes.get(key)
        if code is None:
            code = self._codes[key] = chr(RULE_BASE + len(self._rules))
            self._rules.append(Rule(0, is_allow, value, self.reading.normalise_pattern(value)))
        return code

    def name_of(self, code: str) -> str:
        """Give the agent of a code; the empty string for `NOBODY`."""
        return self._agents[ord(code) - AGENT_BASE]

    def make_group(self, codes: str) -> Group:
        """Give the rules and delays that `codes` stand for, as a group that names nobody."""
        rules = tuple(self._rules[ord(code) - RULE_BASE] for code in codes if code >= ALLOW_MARK)
        delays = tuple(self._delays[ord(code) - DELAY_BASE] for code in codes if code < ALLOW_MARK)
        return Group((), (), rules, delays)


class ExactCodes(dict[bytes, str]):
    """Line to code, where every distinct rule has a code of its own."""

    def __init__(self, book: Codebook) -> None:
        super().__init__()
        self.book = book

    def __missing__(self, octets: bytes) -> str:
        """Understand a line that was not seen before; a plain rule, as most are, by one look."""
        self.book.cost += len(octets) + LINE_OVERHEAD
        found = _RULE.fullmatch(octets) if len(octets) < _SHORT_LINE else None
        if found is not None:
            code = self.code_rule(found[1] is None, found[2].strip())
        else:
            code = "" if _SILENT.match(octets) else self._code_line(octets)
        self[octets] = code
        return code

    def _code_line(self, octets: bytes) -> str:
        kind, value = self.book.reading.read_line(octets)
        if kind is LineKind.OTHER:
            return ""
        if kind is LineKind.AGENT:
            return self.book.code_agent(self.book.reading.name_agent(value))
        if kind is LineKind.DELAY:
            return self.book.code_delay(value)
        return self.code_rule(kind is LineKind.ALLOW, value)

    def code_rule(self, is_allow: bool, value: bytes) -> str:
        """Give the code of a rule by its value."""
        return self.book.code_rule(is_allow, value)


class CoarseCodes(ExactCodes):
    """Line to code, where Disallow rules that no judgement can tell apart share the code of one of them.

    That holds for groups without Allow: there a path that is neither everything nor nothing only matters by
    being there, and to the 2024 study by having a `?` or not.
    """

    def code_rule(self, is_allow: bool, value: bytes) -> str:
        """Give the code of a rule that stands for its like; `ALLOW_MARK` for every Allow."""
        return ALLOW_MARK if is_allow else self.book.code_rule(False, self._find_like(value))

    def _find_like(self, value: bytes) -> bytes:
        if _ORDINARY.fullmatch(value):
            return b"/path"
        pattern = self.book.reading.normalise_pattern(value)
        if not value or matches_all(pattern):
            return value
        like = b"/path" if is_usable(pattern) else b"path"
        return like + b"?" if b"?" in value else like
