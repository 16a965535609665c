"""What the report states, read from the models: each function is one question, each row one dataclass."""

from typing import TypeVar

import duckdb

from analysis.report_rows import (
    AgentShare,
    AnswerShare,
    CorpusShare,
    Coverage,
    HeadStart,
    LevelChange,
    Loss,
    Measured,
    ParserShare,
    TransitionCount,
)

Row = TypeVar("Row")

N_AGENTS = 8
EVERY_AGENT = 1 << 20
N_TRANSITIONS = 14

# The whole study, each host counting once: what every figure shows unless it says otherwise.
WHOLE = "stratum = '(all)' AND corpus = 'hosts'"


def read_measured(con: duckdb.DuckDBPyConnection) -> Measured:
    """The size of the study; counts are 0 and texts are empty where there is nothing."""
    return _rows(
        con,
        Measured,
        """
        SELECT (SELECT count(*) FROM sites WHERE is_domain), (SELECT count(DISTINCT host) FROM answers),
            (SELECT count(*) FROM snapshots), coalesce((SELECT min(snapshot) FROM snapshots), ''),
            coalesce((SELECT max(snapshot) FROM snapshots), ''), (SELECT count(*) FROM captures),
            (SELECT count(*) FROM bodies), (SELECT count(*) FROM agents WHERE is_tracked),
            coalesce(any_value(dialect), ''), coalesce(any_value(dialect_version), ''),
            coalesce(any_value(summary), ''), coalesce((SELECT max(registry_digest) FROM readings), '')
        FROM dialects WHERE is_default
        """,
    )[0]


def read_top_agents(con: duckdb.DuckDBPyConnection, n: int = N_AGENTS) -> tuple[str, ...]:
    """Tracked agents that most hosts of the last snapshot restrict by name, in full first; may be empty."""
    rows = con.execute(
        f"""
        SELECT agent FROM declared_levels JOIN snapshot_order USING (snapshot)
        WHERE {WHOLE} AND is_last AND agent NOT LIKE '(%'
        GROUP BY agent
        ORDER BY sum(n_hosts_observed) FILTER (level = 'all' AND group_match = 'specific') DESC NULLS LAST,
            sum(n_hosts_observed) FILTER (level = 'some' AND group_match = 'specific') DESC NULLS LAST, agent
        LIMIT ?
        """,
        [n],
    ).fetchall()
    return tuple(str(row[0]) for row in rows)


def read_agent_shares(con: duckdb.DuckDBPyConnection, agents: tuple[str, ...]) -> tuple[AgentShare, ...]:
    """One row per snapshot and agent, oldest first, agents in the order given."""
    return _rows(
        con,
        AgentShare,
        f"""
        SELECT snapshot, starts_on, agent, sum(n_hosts_observed)::BIGINT,
            {_part("all", "specific")}, {_part("all", "wildcard")}, {_part("some", "specific")}
        FROM declared_levels JOIN snapshot_order USING (snapshot)
        WHERE {WHOLE} AND list_contains($agents, agent) AND starts_on IS NOT NULL
        GROUP BY ALL ORDER BY starts_on, snapshot, list_position($agents, any_value(agent))
        """,
        agents=list(agents),
    )


def read_level_changes(con: duckdb.DuckDBPyConnection, agents: tuple[str, ...]) -> tuple[LevelChange, ...]:
    """The endpoint comparison of the first and the last snapshot; empty with fewer than two."""
    return _rows(
        con,
        LevelChange,
        f"""
        SELECT agent, level_from, level_to, coalesce(group_match_to, ''), n_hosts_observed
        FROM endpoint_comparison
        WHERE {WHOLE} AND is_endpoints AND n_hosts_observed > 0 AND list_contains($agents, agent)
        ORDER BY list_position($agents, agent), level_from, level_to, group_match_to
        """,
        agents=list(agents),
    )


def read_transitions(con: duckdb.DuckDBPyConnection, n: int = N_TRANSITIONS) -> tuple[TransitionCount, ...]:
    """The most frequent changes of agents named before or after, most hosts first; may be empty."""
    return _rows(
        con,
        TransitionCount,
        """
        SELECT agent, kind, count(*), count(DISTINCT host) AS n_hosts FROM transitions
        WHERE 'specific' IN (group_match_from, group_match_to)
        GROUP BY agent, kind ORDER BY n_hosts DESC, agent, kind LIMIT $n
        """,
        n=n,
    )


def read_kinds(con: duckdb.DuckDBPyConnection) -> tuple[TransitionCount, ...]:
    """Every kind of change, named or not, most hosts first; `agent` is empty."""
    return _rows(
        con,
        TransitionCount,
        """
        SELECT '' AS agent, kind, count(*), count(DISTINCT host) AS n_hosts FROM transitions
        GROUP BY kind ORDER BY n_hosts DESC, kind
        """,
    )


def read_answers(con: duckdb.DuckDBPyConnection) -> tuple[AnswerShare, ...]:
    """How the hosts captured in each snapshot were answered, oldest first, commonest state first."""
    return _rows(
        con,
        AnswerShare,
        """
        SELECT snapshot, starts_on, access_state, sum(n_hosts)::BIGINT AS n_hosts, sum(share_of_observed)
        FROM refusals_over_time JOIN snapshot_order USING (snapshot)
        WHERE stratum = '(all)' AND access_state <> 'not_captured' AND starts_on IS NOT NULL
        GROUP BY ALL ORDER BY starts_on, snapshot, n_hosts DESC, access_state
        """,
    )


def read_parser_shares(con: duckdb.DuckDBPyConnection, agents: tuple[str, ...]) -> tuple[ParserShare, ...]:
    """The last snapshot under every dialect, agents in the order given, dialects by name."""
    return _rows(
        con,
        ParserShare,
        f"""
        SELECT agent, dialect, n_hosts, n_hosts_differ, share_all, difference_all_points
        FROM parser_bounds JOIN snapshot_order USING (snapshot)
        WHERE {WHOLE} AND is_last AND share_all IS NOT NULL AND list_contains($agents, agent)
        ORDER BY list_position($agents, agent), dialect
        """,
        agents=list(agents),
    )


def read_coverage(con: duckdb.DuckDBPyConnection) -> tuple[Coverage, ...]:
    """One row per snapshot, oldest first."""
    return _rows(
        con,
        Coverage,
        """
        SELECT snapshot, starts_on, n_files_planned, n_files_read, n_captures, n_hosts_observed,
            n_hosts_carried, n_hosts_never_captured, n_records_lost, coalesce(c.notes, '')
        FROM coverage AS c JOIN snapshot_order USING (snapshot)
        WHERE starts_on IS NOT NULL ORDER BY starts_on, snapshot
        """,
    )


def read_losses(con: duckdb.DuckDBPyConnection) -> tuple[Loss, ...]:
    """Losses by stage and reason, most records first; empty when nothing was lost."""
    return _rows(
        con,
        Loss,
        """
        SELECT stage, reason, count(DISTINCT snapshot), sum(n_records)::BIGINT AS n, sum(n_bytes)::BIGINT
        FROM losses GROUP BY stage, reason ORDER BY n DESC, stage, reason
        """,
    )


def read_corpora(con: duckdb.DuckDBPyConnection) -> tuple[CorpusShare, ...]:
    """Labels of several agents by corpus at both ends; of the corpora, `hosts` is always there."""
    return _rows(
        con,
        CorpusShare,
        """
        SELECT corpus, agent, snapshot, sum(n_hosts_observed)::BIGINT,
            coalesce(sum(share_of_observed) FILTER (level = 'all'), 0)
        FROM declared_levels JOIN snapshot_order USING (snapshot)
        WHERE stratum = '(all)' AND agent LIKE '(%' AND (is_first OR is_last)
        GROUP BY corpus, agent, snapshot HAVING sum(n_hosts_observed) > 0
        ORDER BY corpus <> 'hosts', corpus, agent, snapshot
        """,
    )


def read_head_start(con: duckdb.DuckDBPyConnection) -> tuple[HeadStart, ...]:
    """One row per tracked agent listed within the study, the largest share closed first; may be empty."""
    return _rows(
        con,
        HeadStart,
        f"""
        SELECT agent, first_listed_on, snapshot_listed, n_hosts_open, n_hosts_closed_since,
            n_hosts_closed_by_name, share_closed_since
        FROM head_start WHERE {WHOLE} ORDER BY share_closed_since DESC NULLS LAST, agent
        """,
    )


def _part(level: str, group_match: str) -> str:
    share = "share_of_observed"
    return (
        f"CASE WHEN count({share}) > 0 THEN"
        f" coalesce(sum({share}) FILTER (level = '{level}' AND group_match = '{group_match}'), 0) END"
    )


def _rows(con: duckdb.DuckDBPyConnection, kind: type[Row], query: str, **values: object) -> tuple[Row, ...]:
    return tuple(kind(*row) for row in con.execute(query, values).fetchall())
