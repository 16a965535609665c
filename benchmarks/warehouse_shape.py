"""The shape of a real archive, in numbers: what the generated warehouse of `warehouse.py` is drawn from.

    python benchmarks/warehouse_shape.py CORPUS TOKEN_COUNTS     measures it again and writes shape.json

CORPUS holds `captures.parquet` (corpus, observed_on, host, status, error, digest) and `bodies.parquet`
(digest, body): how robots.txt is answered and how it changes is measured on us-gov, 12,607 hosts asked in 56
months; what bodies declare on links-2024, 25,516 hosts of the wide web. TOKEN_COUNTS is the table of tokens
by host (url, c4_tokens, rf_tokens, dolma_tokens). Only counts are kept: no host, no body.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from consent.agents import read_registry
from consent.classify import Classifier
from consent.declarations import Declaration, Ruleset
from consent.dialects import DIALECTS
from consent.survey import STRICT, Surveyor

SHAPE = Path(__file__).with_name("shape.json")
KINDS = ("rules", "empty", "absent", "refused", "server_error", "not_robots", "none")
N_RANKS = 400
QUANTILES = tuple(i / 40 for i in range(41))

Shares = dict[str, float]


@dataclass(frozen=True)
class Shape:
    """Shares of everything that the generator draws; shares of one mapping or row sum to 1.

    `start` and `moves` are about KINDS, month by month. `first`, `changed` and `back` say where a host's
    body comes from when it is its first, another than a month ago, or the first after a gap: `fresh` (never
    seen), `own` (one that the host had before) or `shared` (one of another host). `changes` is the share of
    months in which a host that has a file replaces it. `shared_bodies` and `ruleset_ranks` are the shares of
    the first N_RANKS by popularity; what is missing to 1 is that of all others.
    """

    start: list[float]
    moves: list[list[float]]
    changes: float
    first: Shares
    changed: Shares
    back: Shares
    shared_bodies: list[float]
    body_lengths: list[int]
    body_kinds: Shares
    managed_by: Shares
    ruleset_ranks: list[float]
    n_rulesets_per_body: float
    same_as_strict: Shares
    n_named: dict[str, int]
    n_others: dict[str, int]
    named: dict[str, int]
    star: dict[str, int]
    answers: dict[str, int]
    log_weights: dict[str, list[float]]
    weights_together: list[list[float]]


def read_shape() -> Shape:
    """The shape that comes with the benchmark."""
    return Shape(**json.loads(SHAPE.read_text(encoding="utf-8")))


_STATES = """
CREATE TABLE months AS
SELECT host, observed_on, dense_rank() OVER (ORDER BY observed_on) AS month, digest,
    CASE
        WHEN status IS NULL THEN 'none'
        WHEN status BETWEEN 200 AND 299 AND error IS NULL AND kinds.kind = 'rules' THEN 'rules'
        WHEN status BETWEEN 200 AND 299 AND error IS NULL AND kinds.kind = 'empty' THEN 'empty'
        WHEN status BETWEEN 200 AND 299 THEN 'not_robots'
        WHEN status IN (401, 403, 429, 451) THEN 'refused'
        WHEN status BETWEEN 400 AND 499 THEN 'absent'
        WHEN status >= 500 THEN 'server_error'
        ELSE 'none'
    END AS kind
FROM captures LEFT JOIN kinds USING (digest) WHERE corpus = 'us-gov'
"""
_EVENTS = """
WITH held AS (SELECT host, month, digest,
    lag(month) OVER w AS month_before, lag(digest) OVER w AS digest_before
    FROM months WHERE kind = 'rules' WINDOW w AS (PARTITION BY host ORDER BY month)),
told AS (SELECT *,
    row_number() OVER (PARTITION BY digest ORDER BY month, host) = 1 AS is_fresh,
    row_number() OVER (PARTITION BY host, digest ORDER BY month) > 1 AS is_own FROM held)
SELECT
    CASE WHEN month_before IS NULL THEN 'first' WHEN month_before < month - 1 THEN 'back' ELSE 'changed' END,
    CASE WHEN is_own THEN 'own' WHEN is_fresh THEN 'fresh' ELSE 'shared' END, count(*)
FROM told WHERE month_before IS NULL OR month_before < month - 1 OR digest <> digest_before GROUP BY ALL
"""


def measure(corpus: Path, token_counts: Path) -> Shape:
    """Everything, from the files."""
    con = duckdb.connect()
    for table in ("captures", "bodies"):
        con.execute(f"CREATE VIEW {table} AS FROM '{corpus / table}.parquet'")
    return Shape(**_bodies(con), **_hosts(con), **_declared(con), **_weights(con, token_counts))


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return con.execute(query).fetchall()


def _shares(counts: Iterable[tuple[object, int]]) -> Shares:
    rows = sorted((str(name), n) for name, n in counts)
    total = sum(n for _, n in rows)
    return {name: round(n / total, 6) for name, n in rows}


def _bodies(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """Kinds and lengths of the bodies of us-gov; leaves the table `kinds`."""
    surveyor = Surveyor(read_registry(None))
    found = [
        (digest, len(body), surveyor.survey(body).facts)
        for digest, body in _rows(
            con, "FROM bodies SEMI JOIN (FROM captures WHERE corpus = 'us-gov') USING (digest) ORDER BY ALL"
        )
    ]
    con.execute("CREATE TABLE kinds (digest VARCHAR, kind VARCHAR)")
    con.executemany("INSERT INTO kinds VALUES (?, ?)", [(d, str(f.kind)) for d, _, f in found])
    lengths = np.quantile([n for _, n, facts in found if facts.kind == "rules"], QUANTILES)
    return {
        "body_lengths": [int(n) for n in lengths],
        "body_kinds": _shares(Counter(str(f.kind) for *_, f in found).items()),
        "managed_by": _shares(Counter(f.managed_by or "" for *_, f in found).items()),
    }


def _hosts(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    con.execute(_STATES)
    start = dict(_rows(con, "SELECT kind, count(*) FROM months WHERE month = 4 GROUP BY ALL"))
    moves = Counter(
        {
            (before, after): n
            for before, after, n in _rows(
                con,
                "SELECT a.kind, b.kind, count(*) FROM months AS a JOIN months AS b"
                " ON b.host = a.host AND b.month = a.month + 1 GROUP BY ALL",
            )
        }
    )
    events: dict[str, list[tuple[str, int]]] = {"first": [], "changed": [], "back": []}
    for event, source, n in _rows(con, _EVENTS):
        events[event].append((source, n))
    n_changes = sum(n for _, n in events["changed"])
    ranks = [n for (n,) in _rows(con, _SHARED)]
    return {
        "start": [round(start.get(kind, 0) / sum(start.values()), 6) for kind in KINDS],
        "moves": [_row([moves[before, after] for after in KINDS]) for before in KINDS],
        "changes": round(n_changes / moves["rules", "rules"], 6),
        "shared_bodies": _row(ranks)[:N_RANKS],
        **{event: _shares(sources) for event, sources in events.items()},
    }


_SHARED = """
SELECT count(DISTINCT host) AS n FROM months WHERE kind = 'rules' GROUP BY digest HAVING n > 1 ORDER BY n DESC
"""


def _row(counts: list[int]) -> list[float]:
    return [round(n / max(1, sum(counts)), 6) for n in counts]


def _declared(con: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """What the bodies of links-2024 declare, under every dialect."""
    registry = read_registry(None)
    surveyor = Surveyor(registry)
    others = {d.name: Classifier(d.name, registry) for d in DIALECTS if d.name != STRICT}
    strict: list[Ruleset] = []
    same: Counter[str] = Counter()
    for (body,) in _rows(
        con,
        "SELECT body FROM bodies"
        " SEMI JOIN (FROM captures WHERE corpus = 'links-2024') USING (digest) ORDER BY digest",
    ):
        strict.append(surveyor.survey(body).ruleset)
        for name, classifier in others.items():
            same[name] += classifier.read(body).ruleset == strict[-1].ruleset
    popular = Counter(ruleset.ruleset for ruleset in strict)
    distinct = {ruleset.ruleset: ruleset for ruleset in strict}
    return {
        "ruleset_ranks": _row([n for _, n in popular.most_common()])[:N_RANKS],
        "n_rulesets_per_body": round(len(popular) / len(strict), 6),
        "same_as_strict": {name: round(same[name] / len(strict), 6) for name in sorted(others)},
        **_rulesets([distinct[name] for name in sorted(distinct)], {a.agent for a in registry.agents}),
    }


def _rulesets(rulesets: list[Ruleset], known: set[str]) -> dict[str, object]:
    rows = [[d for d in ruleset.declarations if d.agent != "*"] for ruleset in rulesets]
    stars = [d for ruleset in rulesets for d in ruleset.declarations if d.agent == "*"]
    named = Counter(d.agent for row in rows for d in row if d.agent in known)
    return {
        "n_named": _counts(sum(d.agent in known for d in row) for row in rows),
        "n_others": _counts(sum(d.agent not in known for d in row) for row in rows),
        "named": dict(sorted(named.items())),
        "star": _counts(map(_answer, stars)),
        "answers": _counts(_answer(d) for row in rows for d in row),
    }


def _answer(declaration: Declaration) -> str:
    """Group match, both restrictions and whether a delay is stated, as one word."""
    return (
        f"{declaration.group_match} {declaration.restriction} {declaration.restriction_longpre2024}"
        f" {int(declaration.crawl_delay is not None)}"
    )


def _counts(values: Iterable[object]) -> dict[str, int]:
    return {str(value): n for value, n in sorted(Counter(values).items(), key=lambda item: str(item[0]))}


def _weights(con: duckdb.DuckDBPyConnection, token_counts: Path) -> dict[str, object]:
    """Mean and deviation of the logarithm of the tokens by corpus, and how the corpora go together."""
    names = ("c4_tokens", "rf_tokens", "dolma_tokens")
    logs = ", ".join(f"ln({name} + 1)" for name in names)
    matrix = np.array(_rows(con, f"SELECT {logs} FROM read_csv('{token_counts}')"), dtype=float)
    return {
        "log_weights": {
            name: [round(float(matrix[:, i].mean()), 4), round(float(matrix[:, i].std()), 4)]
            for i, name in enumerate(names)
        },
        "weights_together": np.corrcoef(matrix.T).round(4).tolist(),
    }


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    shape = measure(Path(sys.argv[1]), Path(sys.argv[2]))
    SHAPE.write_text(json.dumps(asdict(shape), indent=1) + "\n", encoding="utf-8")
    print(f"{SHAPE.name}: {SHAPE.stat().st_size} bytes")
