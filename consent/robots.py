"""The one parse: a body to groups of agents and rules with line numbers, under a reading. Never raises."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from consent.lines import LineKind, cut_body
from consent.readings import Reading

_DELAY = re.compile(rb"\d{1,9}(?:\.\d{0,6})?|\.\d{1,6}")


class Rule(NamedTuple):
    """An Allow or Disallow. `value` is as written, `pattern` as compared; `line` counts from 1."""

    line: int
    is_allow: bool
    value: bytes
    pattern: bytes


class Group(NamedTuple):
    """User-agent lines and what follows them, up to the user-agent line that begins the next group.

    `agents` are the tokens named, lower-cased, `*` included, in order and maybe repeated; lines that name
    nobody are only in `agent_lines`. `delays` are the valid Crawl-delay values in seconds. Each tuple but
    `agent_lines` may be empty.
    """

    agents: tuple[str, ...]
    agent_lines: tuple[int, ...]
    rules: tuple[Rule, ...]
    delays: tuple[float, ...]


class Robots(NamedTuple):
    """What a body says under a reading. `n_lines` were read; `is_cut`: the limit left some out."""

    groups: tuple[Group, ...]
    n_lines: int
    is_cut: bool


class _Draft:
    def __init__(self) -> None:
        self.agents: list[str] = []
        self.agent_lines: list[int] = []
        self.rules: list[Rule] = []
        self.delays: list[float] = []

    def freeze(self) -> Group:
        return Group(tuple(self.agents), tuple(self.agent_lines), tuple(self.rules), tuple(self.delays))


def parse_robots(body: bytes, reading: Reading) -> Robots:
    """Read any octets; no groups when there is no user-agent line. Linear in the octets read."""
    kept, is_cut = cut_body(body)
    lines = reading.prepare(kept).splitlines()
    drafts: list[_Draft] = []
    for number, octets in enumerate(lines, 1):
        kind, value = reading.read_line(octets)
        if kind is LineKind.AGENT:
            _add_agent(drafts, number, reading.name_agent(value))
        elif kind is not LineKind.OTHER and drafts:
            _add_rule(drafts[-1], number, kind, value, reading)
    return Robots(tuple(draft.freeze() for draft in drafts), len(lines), is_cut)


def _add_agent(drafts: list[_Draft], number: int, agent: str | None) -> None:
    if not drafts or drafts[-1].rules:
        drafts.append(_Draft())
    drafts[-1].agent_lines.append(number)
    if agent is not None:
        drafts[-1].agents.append(agent)


def _add_rule(draft: _Draft, number: int, kind: LineKind, value: bytes, reading: Reading) -> None:
    if kind is LineKind.DELAY:
        delay = parse_delay(value)
        if delay is not None:
            draft.delays.append(delay)
    else:
        draft.rules.append(Rule(number, kind is LineKind.ALLOW, value, reading.normalise_pattern(value)))


def parse_delay(value: bytes) -> float | None:
    """Read a Crawl-delay in seconds; None when the value is not a plain decimal number (clause 2.2.4-c)."""
    return float(value) if _DELAY.fullmatch(value) else None


def list_patterns(rules: tuple[Rule, ...], reading: Reading) -> tuple[list[bytes], list[bytes]]:
    """Give the Allow and the Disallow patterns of `rules`, with those that an Allow stands for besides."""
    allow = [rule.pattern for rule in rules if rule.is_allow]
    extra = [pattern for pattern in map(reading.expand_allow, allow) if pattern is not None]
    return allow + extra, [rule.pattern for rule in rules if not rule.is_allow]


def index_groups(robots: Robots) -> dict[str, tuple[int, ...]]:
    """Give, for each agent that a group names, the positions of those groups: together they are one group."""
    found: dict[str, list[int]] = {}
    for position, group in enumerate(robots.groups):
        for agent in dict.fromkeys(group.agents):
            found.setdefault(agent, []).append(position)
    return {agent: tuple(positions) for agent, positions in found.items()}


def render_robots(robots: Robots) -> bytes:
    """Write `robots` as a robots.txt: reading it gives the same groups, apart from line numbers."""
    return b"\n".join(line for group in robots.groups for line in _render_group(group))


def _render_group(group: Group) -> Iterator[bytes]:
    for agent in group.agents or ("",):
        yield b"User-agent: " + agent.encode("utf-8")
    for rule in group.rules:
        yield (b"Allow: " if rule.is_allow else b"Disallow: ") + rule.value
    for delay in group.delays:
        yield b"Crawl-delay: %.6f" % delay
    yield b""
