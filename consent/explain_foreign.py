"""Explanations in dialects whose parsers tell a level, but neither lines nor matches."""

from __future__ import annotations

from collections.abc import Sequence

from consent.agents import Agent, DateBasis, Honours, Purpose, make_registry
from consent.classify import read_reference
from consent.declarations import find_declaration
from consent.explain import Explanation
from consent.vocabulary import GroupMatch


def explain_foreign(body: bytes, agents: Sequence[str], dialect_name: str) -> Explanation:
    """Give the level of the first of `agents` that the dialect finds named, else of the first asked."""
    ruleset = read_reference(body, dialect_name, make_registry(_as_agent(agent) for agent in agents))
    rows = [(agent, find_declaration(ruleset, agent)) for agent in agents]
    agent, row = next((pair for pair in rows if pair[1].group_match is GroupMatch.SPECIFIC), rows[0])
    return Explanation(
        agent=agent,
        group_match=row.group_match,
        restriction=row.restriction,
        restriction_longpre2024=row.restriction_longpre2024,
        crawl_delay=row.crawl_delay,
        line=None,
        allowed=None,
        rules=(),
        group_lines=(),
        why=f"{dialect_name} reads the level {row.restriction} for {agent} (group match: {row.group_match})",
    )


def _as_agent(token: str) -> Agent:
    return Agent(token, "", Purpose.OTHER, False, None, DateBasis.UNKNOWN, Honours.UNDOCUMENTED, "")
