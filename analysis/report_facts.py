"""What the front page states of the study as a whole."""

from dataclasses import dataclass

import duckdb


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured. `first` and `last` are snapshot ids, empty without a snapshot."""

    n_hosts: int
    n_hosts_captured: int
    n_snapshots: int
    first: str
    last: str
    n_captures: int
    n_bodies: int
    n_agents: int
    dialect: str
    dialect_version: str
    dialect_summary: str
    registry_digest: str


def read_measured(con: duckdb.DuckDBPyConnection) -> Measured:
    """The size of the study; counts are 0 and texts are empty where there is nothing."""
    row = con.execute(
        """
        SELECT (SELECT count(*) FROM sites WHERE is_domain), (SELECT count(DISTINCT host) FROM answers),
            (SELECT count(*) FROM snapshots), coalesce((SELECT min(snapshot) FROM snapshots), ''),
            coalesce((SELECT max(snapshot) FROM snapshots), ''), (SELECT count(*) FROM captures),
            (SELECT count(*) FROM bodies), (SELECT count(*) FROM agents WHERE is_tracked),
            coalesce(any_value(dialect), ''), coalesce(any_value(dialect_version), ''),
            coalesce(any_value(summary), ''), coalesce((SELECT max(registry_digest) FROM readings), '')
        FROM dialects WHERE is_default
        """
    ).fetchall()[0]
    return Measured(*row)


def read_breaks(con: duckdb.DuckDBPyConnection) -> tuple[tuple[str, str], ...]:
    """Snapshots with the known breaks of the series that begin with or hold in them, oldest first."""
    query = "SELECT snapshot, notes FROM snapshots WHERE notes <> '' ORDER BY snapshot"
    return tuple((str(snapshot), str(notes)) for snapshot, notes in con.execute(query).fetchall())
