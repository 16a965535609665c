"""Facts in an answer that name a refusal and its provider, read from one versioned table.

That a provider is present says nothing about this request; presence and action are asked for apart.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

MARKERS_VERSION = "1"
"""The version of the table; stands in it too, and a test compares the two."""

TABLE = files("consent") / "markers.toml"
SEARCHED_BYTES = 65_536
"""How much of a body is searched: refusal pages are short."""

_BEFORE_PAGE = b"\xef\xbb\xbf \t\r\n"
_TITLE = re.compile(rb"<title[^>]{0,100}>([^<]{0,200})</title")


class Action(StrEnum):
    """What the provider did to the request."""

    CHALLENGE = "challenge"
    DENY = "deny"
    RATE_LIMIT = "rate_limit"
    GEO = "geo"
    IP_REPUTATION = "ip_reputation"
    PAYMENT = "payment"
    OUTAGE = "outage"


@dataclass(frozen=True, slots=True)
class Marker:
    """An action that an answer shows. `is_refusal` is false when nobody was turned away (an outage)."""

    id: str
    provider: str
    action: Action
    is_refusal: bool


class _Answer(NamedTuple):
    """The searched parts of an answer, lower case; the fields are the table's words for `where`."""

    header: bytes
    title: bytes
    body: bytes


class _Condition(NamedTuple):
    where: int
    contains: bytes
    pattern: re.Pattern[bytes] | None

    def holds(self, answer: _Answer) -> bool:
        text = answer[self.where]
        return self.contains in text and (self.pattern is None or self.pattern.search(text) is not None)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the table; `action` is None for presence, `statuses` is empty when any status counts."""

    provider: str
    action: Marker | None
    statuses: frozenset[int]
    conditions: tuple[_Condition, ...]
    reads_body: bool

    def holds(self, answer: _Answer) -> bool:
        return all(condition.holds(answer) for condition in self.conditions)


def find_marker(status: int, head: bytes, body: bytes) -> Marker | None:
    """Give the first action marker of the table that an answer shows, None when it shows none.

    `head` is the raw HTTP header block with its status line. Titles and bodies count only at the statuses
    that the table names, and in a 2xx answer only when the body begins with `<`: a robots.txt may speak of
    anything.
    """
    is_page = not 200 <= status < 300 or body[:64].lstrip(_BEFORE_PAGE).startswith(b"<")
    # Nine in ten answers are robots.txt or a 404: for them only the few rows that look at headers are left.
    reads_body, rows = _rows_for(status, is_page)
    header = head.lower().replace(b"\r", b"")
    answer = _with_body(header, body) if reads_body else _Answer(header, b"", b"")
    for where, contains, row in rows:
        if contains in answer[where] and row.holds(answer):
            return row.action
    return None


def find_refusal_in_body(body: bytes) -> str | None:
    """Give provider/action of the refusal that a successful answer's body alone shows; None when none.

    For bodies whose HTTP head is not at hand. What only a header tells is not found.
    """
    if not body[:64].lstrip(_BEFORE_PAGE).startswith(b"<"):
        return None
    marker = find_marker(200, b"", body)
    return f"{marker.provider}/{marker.action}" if marker and marker.is_refusal else None


def find_presence(head: bytes) -> str | None:
    """Give the provider that the header block of any answer shows, None when it shows none.

    Where several stand in line, the one whose sign comes first in the table. It is no sign of a refusal.
    """
    return next(_iter_presences(head), None)


def find_presences(head: bytes) -> tuple[str, ...]:
    """Give every provider that the header block shows, in the order of the table; empty without any."""
    return tuple(dict.fromkeys(_iter_presences(head)))


def _iter_presences(head: bytes) -> Iterator[str]:
    answer = _Answer(head.lower().replace(b"\r", b""), b"", b"")
    return (row.provider for row in _read_table() if row.action is None and row.holds(answer))


def iter_markers() -> Iterator[Marker]:
    """Go through the action markers in the order of the table."""
    return (row.action for row in _read_table() if row.action is not None)


def _with_body(header: bytes, body: bytes) -> _Answer:
    # Lower case throughout, as in the table: servers and proxies change the case of names on the way.
    searched = body[:SEARCHED_BYTES].lower()
    title = _TITLE.search(searched)
    return _Answer(header, title[1].strip() if title else b"", searched)


@lru_cache(maxsize=2048)
def _rows_for(status: int, is_page: bool) -> tuple[bool, tuple[tuple[int, bytes, _Row], ...]]:
    """Select the action rows that can hold at a status, and tell whether any of them reads more than headers.

    Each comes with the cheap half of its first condition, which nearly every answer fails.
    """
    rows = [
        row
        for row in _read_table()
        if row.action and (not row.statuses or status in row.statuses) and (is_page or not row.reads_body)
    ]
    first = tuple((row.conditions[0].where, row.conditions[0].contains, row) for row in rows)
    return any(row.reads_body for row in rows), first


@lru_cache(maxsize=1)
def _read_table() -> tuple[_Row, ...]:
    return tuple(map(_read_row, tomllib.loads(TABLE.read_text(encoding="utf-8"))["marker"]))


def _read_row(row: Mapping[str, object]) -> _Row:
    conditions = tuple(map(_read_condition, _list(row, "all")))
    action = None
    if row["kind"] == "action":
        action = Marker(
            str(row["id"]), str(row["provider"]), Action(str(row["action"])), row["is_refusal"] is True
        )
    statuses = frozenset(status for status in _list(row, "statuses") if isinstance(status, int))
    reads_body = any(condition.where != _Answer._fields.index("header") for condition in conditions)
    return _Row(str(row["provider"]), action, statuses, conditions, reads_body)


def _read_condition(condition: object) -> _Condition:
    cells = condition if isinstance(condition, dict) else {}
    pattern = cells.get("pattern")
    compiled = re.compile(pattern.encode(), re.MULTILINE) if isinstance(pattern, str) else None
    return _Condition(_Answer._fields.index(cells["where"]), cells["contains"].encode(), compiled)


def _list(row: Mapping[str, object], key: str) -> list[object]:
    value = row.get(key, [])
    return value if isinstance(value, list) else []
