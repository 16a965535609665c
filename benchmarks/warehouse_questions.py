"""The questions that are timed: each in SQL over the panel, and in pandas over the same rows as a frame.

Both answers are reduced to whole numbers, which have to be equal: what is timed is the same work. The frame
has categories where the panel has words, made once and not timed.
"""

from collections.abc import Callable
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

Numbers = list[tuple[int, ...]]
COLUMNS = ("snapshot", "host", "agent", "level", "group_match", "is_carried", "age_days")
WORDS = ("snapshot", "host", "agent", "level", "group_match")


@dataclass(frozen=True)
class Question:
    """One question: `sql` reads the relation `panel`, `pandas` the frame of it and the hosts' weights."""

    name: str
    title: str
    sql: str
    pandas: Callable[[pd.DataFrame, pd.Series], Numbers]


def read_frame(con: duckdb.DuckDBPyConnection, agents: int | None = None) -> pd.DataFrame:
    """The panel in the order of its snapshots as a frame; of the first so many agents, where that is given.

    It is fetched snapshot by snapshot as codes, so that no word is made 50 million times.
    """
    lists = {word: _values(con, word) for word in WORDS}
    wanted = lists["agent"][:agents]
    for word, values in lists.items():
        con.execute(f"CREATE OR REPLACE TEMP TABLE {word}_codes (word VARCHAR, code INTEGER)")
        con.executemany(f"INSERT INTO {word}_codes VALUES (?, ?)", [(v, i) for i, v in enumerate(values)])
    pieces: dict[str, list[np.ndarray]] = {column: [] for column in COLUMNS}
    for snapshot in lists["snapshot"]:
        part = con.execute(_CODES, [snapshot, wanted]).fetchnumpy()
        for column in COLUMNS:
            filled = part[column].filled(-1) if np.ma.isMaskedArray(part[column]) else part[column]
            pieces[column].append(filled)
    data: dict[str, object] = {}
    for column in COLUMNS:
        whole = np.concatenate(pieces.pop(column))
        data[column] = pd.Categorical.from_codes(whole, lists[column]) if column in WORDS else whole
    return pd.DataFrame(data, copy=False)


_CODES = """
SELECT
    s.code::TINYINT AS snapshot, h.code AS host, a.code::TINYINT AS agent, l.code::TINYINT AS level,
    coalesce(g.code, -1)::TINYINT AS group_match, is_carried, coalesce(age_days, -1)::SMALLINT AS age_days
FROM panel
JOIN snapshot_codes AS s ON s.word = snapshot
JOIN host_codes AS h ON h.word = host
JOIN agent_codes AS a ON a.word = agent
JOIN level_codes AS l ON l.word = level
LEFT JOIN group_match_codes AS g ON g.word = group_match
WHERE snapshot = $1 AND agent IN (SELECT unnest($2))
"""


def _values(con: duckdb.DuckDBPyConnection, word: str) -> list[str]:
    source = {
        "snapshot": "SELECT snapshot FROM snapshots",
        "host": "SELECT host FROM sites WHERE is_domain",
        "agent": "SELECT agent FROM agents WHERE is_tracked",
        "level": "SELECT DISTINCT level FROM outcome_levels",
        "group_match": "SELECT unnest(['none', 'specific', 'wildcard'])",
    }[word]
    return [value for (value,) in con.execute(f"{source} ORDER BY ALL").fetchall()]


def read_weights(con: duckdb.DuckDBPyConnection) -> pd.Series:
    """Whole weights of the hosts in the first corpus, by host in the order of the frame's categories."""
    rows = con.execute(
        "SELECT sites.host, coalesce(weight, 0)::BIGINT FROM sites LEFT JOIN site_weights AS w"
        " ON w.host = sites.host AND corpus = (SELECT min(corpus) FROM site_weights)"
        " WHERE is_domain ORDER BY sites.host"
    ).fetchall()
    return pd.Series([weight for _, weight in rows], index=[host for host, _ in rows])


def _numbers(counts: pd.Series) -> Numbers:
    return sorted((int(value),) for value in counts.to_numpy() if value)


def _levels(frame: pd.DataFrame, _weights: pd.Series) -> Numbers:
    return _numbers(frame.groupby(["snapshot", "agent", "level"], observed=True, sort=False).size())


def _weighted(frame: pd.DataFrame, weights: pd.Series) -> Numbers:
    codes = frame["host"].cat.codes.to_numpy()
    weight = pd.Series(weights.to_numpy()[codes], index=frame.index)
    keys = [frame[key] for key in ("snapshot", "agent", "level")]
    return _numbers(weight.groupby(keys, observed=True, sort=False).sum())


def _named(frame: pd.DataFrame, _weights: pd.Series) -> Numbers:
    closed = frame[(frame["level"] == "all") & (frame["group_match"] == "specific")]
    return _numbers(closed.groupby(["snapshot", "agent"], observed=True, sort=False).size())


def _fresh(frame: pd.DataFrame, _weights: pd.Series) -> Numbers:
    known = frame[~frame["is_carried"] | frame["age_days"].between(0, 365)]
    known = known[known["level"] != "not_captured"]
    return _numbers(known.groupby(["snapshot", "level"], observed=True, sort=False).size())


def _changes(frame: pd.DataFrame, _weights: pd.Series) -> Numbers:
    agent = frame["agent"].cat.categories[0]
    mine = frame.loc[frame["agent"] == agent, ["host", "snapshot", "level"]].sort_values(["host", "snapshot"])
    level, host = mine["level"].cat.codes.to_numpy(), mine["host"].cat.codes.to_numpy()
    is_change = (level[1:] != level[:-1]) & (host[1:] == host[:-1])
    return _numbers(mine["snapshot"].iloc[1:][is_change].value_counts())


def _endpoints(frame: pd.DataFrame, _weights: pd.Series) -> Numbers:
    ends = frame["snapshot"].cat.categories[[0, -1]]
    first, last = (frame.loc[frame["snapshot"] == end, ["host", "agent", "level"]] for end in ends)
    both = first.merge(last, on=["host", "agent"], suffixes=("_from", "_to"))
    return _numbers(both.groupby(["agent", "level_from", "level_to"], observed=True, sort=False).size())


def _history(frame: pd.DataFrame, _weights: pd.Series) -> Numbers:
    mine = frame[(frame["host"] == frame["host"].cat.categories[0])]
    return _numbers(mine.groupby(["agent", "level"], observed=True, sort=False).size())


QUESTIONS = (
    Question(
        "levels",
        "hosts by snapshot, agent and level",
        "SELECT count(*) AS n FROM panel GROUP BY snapshot, agent, level",
        _levels,
    ),
    Question(
        "weighted",
        "the same by weight in a corpus",
        "SELECT sum(w)::BIGINT AS n FROM panel JOIN ("
        "SELECT host, weight::BIGINT AS w FROM site_weights"
        " WHERE corpus = (SELECT min(corpus) FROM site_weights)) USING (host)"
        " GROUP BY snapshot, agent, level HAVING n > 0",
        _weighted,
    ),
    Question(
        "named",
        "hosts closed by name, by snapshot and agent",
        "SELECT count(*) AS n FROM panel WHERE level = 'all' AND group_match = 'specific'"
        " GROUP BY snapshot, agent",
        _named,
    ),
    Question(
        "fresh",
        "observed or carried for a year at most, by snapshot and level",
        "SELECT count(*) AS n FROM panel WHERE (NOT is_carried OR age_days <= 365)"
        " AND level <> 'not_captured' GROUP BY snapshot, level",
        _fresh,
    ),
    Question(
        "changes",
        "one agent's changes of level by snapshot, every host",
        "SELECT count(*) AS n FROM (SELECT snapshot, level,"
        " lag(level) OVER (PARTITION BY host ORDER BY snapshot) AS before FROM panel "
        " WHERE agent = (SELECT min(agent) FROM agents WHERE is_tracked))"
        " WHERE level <> before GROUP BY snapshot",
        _changes,
    ),
    Question(
        "endpoints",
        "first snapshot against last, by agent and both levels",
        "WITH ends AS (SELECT min(snapshot) AS first, max(snapshot) AS last FROM snapshots)"
        " SELECT count(*) AS n FROM (SELECT * FROM panel WHERE snapshot = (SELECT first FROM ends)) AS a"
        " JOIN (SELECT * FROM panel WHERE snapshot = (SELECT last FROM ends)) AS b USING (host, agent)"
        " GROUP BY agent, a.level, b.level",
        _endpoints,
    ),
    Question(
        "history",
        "one host's months, by agent and level",
        "SELECT count(*) AS n FROM panel WHERE host = (SELECT min(host) FROM sites WHERE is_domain)"
        " GROUP BY agent, level",
        _history,
    ),
)


def ask(con: duckdb.DuckDBPyConnection, question: Question, panel: str) -> Numbers:
    """The answer in SQL, sorted; `panel` is the relation that stands for the panel."""
    return sorted((int(n),) for (n,) in con.execute(question.sql.replace(" panel ", f" {panel} ")).fetchall())
