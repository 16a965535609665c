"""The matcher over the drawn URLs: which of them each body denies which agent, asked once per body and path.

Only bodies that are at level some for an agent are asked. Equal paths of hosts with the same body are one
question; answers are kept where they are no, which is seldom.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

import duckdb
import numpy as np

from analysis.made_tables import fill_table
from analysis.url_tables import URL_DENIALS, URL_VERDICTS
from consent.fetchable import decides_urls, find_fetchable, find_like

INDEX_AGENT = "CCBot"
"""The agent that fetched the URLs: what it may not fetch is not among them."""
# Below so many paths a second process is not worth its start.
POOL_FROM = 200_000
CHUNK_BODIES = 64

# Bodies in force in a release of which URLs were drawn, with the agents whose answer the level leaves open.
_WANTED = """
CREATE OR REPLACE TEMP TABLE url_bodies AS
WITH asked AS (
    SELECT DISTINCT content_digest, ruleset
    FROM answers
    SEMI JOIN url_snapshots USING (snapshot)
    JOIN readings USING (content_digest)
    WHERE access_state = 'rules' AND dialect = $dialect
)
SELECT content_digest, list(agent ORDER BY agent) AS agents,
    row_number() OVER (ORDER BY content_digest) - 1 AS number
FROM asked JOIN outcome_levels ON outcome = ruleset
WHERE level = 'some'
GROUP BY content_digest
"""
_PATHS = """
CREATE OR REPLACE TEMP TABLE url_questions AS
WITH governed AS (
    SELECT snapshot, host, content_digest, number
    FROM answers SEMI JOIN url_snapshots USING (snapshot) JOIN url_bodies USING (content_digest)
    WHERE access_state = 'rules'
),
paths AS (
    SELECT number, path FROM governed JOIN url_samples USING (snapshot, host)
    UNION
    SELECT number, path FROM governed JOIN url_pool USING (host)
)
SELECT number, path, row_number() OVER (PARTITION BY number ORDER BY path) - 1 AS place FROM paths
"""
_QUESTIONS = """
WITH asked AS (
    SELECT number, list(path ORDER BY place) AS paths FROM url_questions GROUP BY number
)
SELECT number, content, agents, paths
FROM asked JOIN url_bodies USING (number) JOIN bodies USING (content_digest)
ORDER BY number
"""


class Question(NamedTuple):
    """A body by its number, its bytes, and the agents and paths that it is asked about."""

    number: int
    content: bytes
    agents: Sequence[str]
    paths: Sequence[str]


class Reply(NamedTuple):
    """What a body says: for each agent asked the places of the paths denied, and whether it is like CCBot."""

    number: int
    denied: Sequence[Sequence[int]]
    is_like: Sequence[bool]


def register_url_verdicts(con: duckdb.DuckDBPyConnection) -> None:
    """Fill `url_verdicts` and `url_denials`; both stay empty where nothing was drawn.

    Reads answers, outcome_levels, url_samples and url_pool, and the bodies' bytes. In a default dialect that
    decides no single URL (the 2024 study's parsers) there are no verdicts.
    """
    for table in (URL_VERDICTS, URL_DENIALS):
        fill_table(con, table, [])
    found = con.execute(
        "SELECT dialect FROM dialects WHERE is_default AND EXISTS (FROM url_samples)"
    ).fetchone()
    if found is None or not decides_urls(found[0]):
        return
    con.execute(_WANTED, {"dialect": found[0]})
    con.execute(_PATHS)
    members = _read_members(con)
    _store(con, _ask_all(con, found[0], members))
    for name in ("url_bodies", "url_questions"):
        con.execute(f"DROP TABLE {name}")


def judge_body(question: Question, dialect: str, members: Mapping[str, tuple[str, ...]]) -> Reply:
    """Ask one body. A label stands for its members: denied is what any of them may not fetch."""
    tokens = sorted({token for agent in question.agents for token in members.get(agent, (agent,))})
    urls = [f"https://host{path}" for path in question.paths]
    may_fetch = find_fetchable(question.content, tokens, urls, dialect)
    like = find_like(question.content, tokens, INDEX_AGENT, dialect)
    asked = [members.get(agent, (agent,)) for agent in question.agents]
    denied = [
        [place for place in range(len(urls)) if not all(may_fetch[token][place] for token in group)]
        for group in asked
    ]
    return Reply(question.number, denied, [like.issuperset(group) for group in asked])


def _read_members(con: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, ...]]:
    rows = con.execute(
        "SELECT agent, list(member ORDER BY member) FROM agent_groups GROUP BY agent"
    ).fetchall()
    return {agent: tuple(found) for agent, found in rows}


def _ask_all(
    con: duckdb.DuckDBPyConnection, dialect: str, members: Mapping[str, tuple[str, ...]]
) -> Iterator[Reply]:
    """All replies in the order of the bodies' numbers, by several processes where there is much to ask."""
    row = con.execute("SELECT count(*), current_setting('threads') FROM url_questions").fetchone()
    n_paths, n_workers = row or (0, 1)
    if n_paths < POOL_FROM or n_workers == 1:
        for chunk in _iter_chunks(con):
            yield from _judge_chunk(chunk, dialect, members)
        return
    with ProcessPoolExecutor(n_workers, get_context("spawn")) as pool:
        under_way = deque[Future[list[Reply]]]()
        for chunk in _iter_chunks(con):
            under_way.append(pool.submit(_judge_chunk, chunk, dialect, members))
            # No more bodies in memory than keep the processes at work.
            if len(under_way) > 2 * n_workers:
                yield from under_way.popleft().result()
        for future in under_way:
            yield from future.result()


def _iter_chunks(con: duckdb.DuckDBPyConnection) -> Iterator[list[Question]]:
    """Nothing else may be asked of the connection until all are taken."""
    con.execute(_QUESTIONS)
    while rows := con.fetchmany(CHUNK_BODIES):
        yield [Question(*row) for row in rows]


def _judge_chunk(
    chunk: Iterable[Question], dialect: str, members: Mapping[str, tuple[str, ...]]
) -> list[Reply]:
    return [judge_body(question, dialect, members) for question in chunk]


def _store(con: duckdb.DuckDBPyConnection, replies: Iterable[Reply]) -> None:
    """Replies as columns of numbers, which DuckDB takes in as they are, joined to what they stand for."""
    verdicts: list[tuple[int, int, int, bool]] = []
    denials: list[np.ndarray[tuple[int, int], np.dtype[np.int64]]] = [np.empty((0, 3), np.int64)]
    for reply in replies:
        for nth, (places, is_like) in enumerate(zip(reply.denied, reply.is_like, strict=True)):
            verdicts.append((reply.number, nth + 1, len(places), is_like))
            if places:
                rows = np.full((len(places), 3), (reply.number, nth + 1, 0), np.int64)
                rows[:, 2] = places
                denials.append(rows)
    table = np.array(verdicts, np.int64).reshape(-1, 4)
    con.register("new_verdicts", _columns(table, "number", "nth", "n_denied", "is_like"))
    con.register("new_denials", _columns(np.concatenate(denials), "number", "nth", "place"))
    con.execute(_INSERT_VERDICTS)
    con.execute(_INSERT_DENIALS)
    con.unregister("new_verdicts")
    con.unregister("new_denials")


def _columns(
    table: np.ndarray[tuple[int, int], np.dtype[np.int64]], *names: str
) -> dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    return {name: np.ascontiguousarray(table[:, i]) for i, name in enumerate(names)}


_INSERT_VERDICTS = f"""
INSERT INTO {URL_VERDICTS.name}
SELECT content_digest, agents[nth], n_paths, n_denied, is_like <> 0
FROM new_verdicts
JOIN url_bodies USING (number)
JOIN (SELECT number, count(*) AS n_paths FROM url_questions GROUP BY number) AS asked USING (number)
ORDER BY ALL
"""
_INSERT_DENIALS = f"""
INSERT INTO {URL_DENIALS.name}
SELECT content_digest, agents[nth], path
FROM new_denials JOIN url_bodies USING (number) JOIN url_questions USING (number, place)
ORDER BY ALL
"""
