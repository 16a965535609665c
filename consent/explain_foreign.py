"""Explanations in the dialects of others: they tell no lines, and Protego alone what may be fetched."""

from __future__ import annotations

from collections.abc import Sequence

from consent.agents import Agent, DateBasis, Honours, Purpose, make_registry
from consent.classify import read_reference
from consent.declarations import find_declaration
from consent.explain import Explanation
from consent.urls import find_path
from consent.vocabulary import GroupMatch


def explain_foreign(body: bytes, agents: Sequence[str], url: str | None, dialect_name: str) -> Explanation:
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
        allowed=None if url is None else _ask_protego(body, agent, url, dialect_name),
        rules=(),
        group_lines=(),
        why=f"{dialect_name} reads the level {row.restriction} for {agent} (group match: {row.group_match})",
    )


def _ask_protego(body: bytes, agent: str, url: str, dialect_name: str) -> bool | None:
    if dialect_name != "protego":
        return None
    from consent.protego_reading import parse_protego

    path = find_path(url).decode("utf-8", "replace")
    return parse_protego(body).can_fetch(f"https://host{path}", agent)


def _as_agent(token: str) -> Agent:
    return Agent(token, "", Purpose.OTHER, False, None, DateBasis.UNKNOWN, Honours.UNDOCUMENTED, "")
