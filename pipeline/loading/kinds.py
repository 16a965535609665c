"""Kinds of answer into the warehouse, each classified once, by consent's one definition."""

from collections.abc import Iterable

import duckdb

from analysis.models import LiveKind
from consent.access import classify_access
from consent.outcomes import LiveAnswer, classify_outcome
from consent.vocabulary import BodyKind
from pipeline.loading.database import replace_rows
from pipeline.probe_tables import OUTCOME_KINDS
from pipeline.tables import ACCESS_STATES


def load_access_states(con: duckdb.DuckDBPyConnection, combinations: Iterable[tuple[int, str, bool]]) -> None:
    """How robots.txt was obtained, for each distinct kind of answer of the archive."""
    rows = [
        (
            status,
            kind,
            has_refusal_marker,
            classify_access(status, BodyKind(kind) if kind else None, has_refusal_marker),
        )
        for status, kind, has_refusal_marker in combinations
    ]
    replace_rows(con, ACCESS_STATES, rows)


def load_outcome_kinds(con: duckdb.DuckDBPyConnection, kinds: Iterable[LiveKind]) -> None:
    """What a live answer is by itself, for each distinct kind of it."""
    rows = []
    for kind in kinds:
        outcome = classify_outcome(LiveAnswer(*kind))
        access = classify_access(kind.status, None, bool(kind.marker)) if kind.status else ""
        rows.append((*kind, outcome.stage, outcome.detail, outcome.bearing, access))
    replace_rows(con, OUTCOME_KINDS, rows)
