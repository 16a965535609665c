"""Made-up observations of a live probe, written as words: what each arm was answered, block by block.

A script maps an identity to its answers: a word for the pages (`home`), and words for other targets. A word
is a status, a failure such as `http/timeout`, or one of `WORDS`.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from analysis import models
from analysis.probe_tables import create_probe_tables
from consent.access import classify_access
from consent.outcomes import LiveAnswer, classify_outcome

HTTP_ARMS = ("honest", "honest2", "placebo", "token:GPTBot", "browser_ua")
SCREEN, CONFIRM = (0,), tuple(range(7))
PAGE = tuple(range(0, 640, 10))
STUB = (3, 5, 7)
TEXT = {"digest": "RULES", "length": 60, "sketch": ()}

Answer = Mapping[str, Any]
Script = Mapping[str, str | Mapping[str, str]]
"""Identity → word for its pages, or target → word; targets not named are answered `ok`."""

WORDS: dict[str, Answer] = {
    "ok": {"status": 200, "digest": "PAGE", "length": 9000, "sketch": PAGE},
    "missing": {"status": 404, "digest": "GONE", "length": 500, "sketch": (1, 2, 4, 8)},
    "stub": {"status": 200, "digest": "STUB", "length": 90, "sketch": STUB},
    "decoy": {"status": 200, "digest": "DECOY", "length": 30_000, "sketch": tuple(range(1, 640, 10))},
    "part": {
        "status": 200,
        "digest": "PART",
        "length": 8000,
        "sketch": PAGE[:40] + tuple(range(641, 900, 10)),
    },
    "shard": {
        "status": 200,
        "digest": "SHARD",
        "length": 8000,
        "sketch": PAGE[:24] + tuple(range(1, 241, 6)),
    },
    "soft404": {"status": 200, "digest": "SOFT", "length": 8800, "sketch": (1, 2, 4, 8)},
    "slow": {"status": 200, "digest": "PAGE", "length": 9000, "sketch": PAGE, "elapsed": 25_000},
    "blank": {"status": 200, "digest": None, "length": 0, "sketch": ()},
    "challenge": {"status": 403, "marker": "cloudflare/challenge"},
    "anubis": {
        "status": 200,
        "marker": "anubis/challenge",
        "digest": "WEIGH",
        "length": 4000,
        "sketch": STUB,
    },
    "deny": {"status": 403, "marker": "akamai/deny"},
    "geo": {"status": 403, "marker": "cloudflare/geo"},
    "price": {"status": 402, "marker": "cloudflare/payment", "headers": {"crawler-price": ["USD 0.01"]}},
    "license": {"status": 401, "headers": {"www-authenticate": ["License realm=x"]}},
    "login": {"status": 401, "headers": {"www-authenticate": ["Basic realm=x"]}},
    "moved": {"status": 302, "location": "https://login.example.org/"},
    "sent_away": {"status": 302, "location": "https://elsewhere.example.org/"},
    "cloaked": {"status": 200, "digest": "CLOAKED", "length": 70, "sketch": ()},
    "html": {"status": 200, "digest": "HTML", "length": 500, "sketch": ()},
    "closed": {"status": 200, "digest": "CLOSED", "length": 30, "sketch": ()},
}
BODIES = {
    "RULES": ("rules", "some"),
    "CLOAKED": ("rules", "all"),
    "CLOSED": ("rules", "all"),
    "HTML": ("html", None),
}


def everyone(word: str | Mapping[str, str], **others: str | Mapping[str, str]) -> dict[str, Any]:
    """The same answers for all HTTP arms but those named; `chromium` is added by its name."""
    names = {"token": "token:GPTBot"}
    return {**dict.fromkeys(HTTP_ARMS, word), **{names.get(arm, arm): said for arm, said in others.items()}}


def observe(
    host: str, script: Script, blocks: Iterable[int] = CONFIRM, **fixed: object
) -> list[dict[str, Any]]:
    """Observations of a host whose every block is answered alike.

    As the gate has it, an arm whose robots.txt is refused asks for nothing else, and nobody asks for more
    when that of honest is. Without a word for robots.txt it is served, unless the pages' word is for all.
    """
    rows = []
    for block in blocks:
        honest = _robots_word(script["honest"])
        for arm, said in script.items():
            if arm == "chromium" and block == 0:
                continue
            rows.append(observation(host, arm, block, "robots", _robots_word(said), **fixed))
            if _is_had(_robots_word(said)) and _is_had(honest):
                rows += [
                    observation(host, arm, block, target, _word(said, target), **fixed)
                    for target in ("home", "deep", "missing")
                ]
    return rows


def observation(
    host: str, identity: str, block: int, target: str, word: str, **changes: object
) -> dict[str, Any]:
    """One observation."""
    answer = _answer(target, word)
    status = answer.get("status")
    row = {
        "run": "r1",
        "site": host.partition(".")[2] if host.startswith("www.") else host,
        "host": host,
        "identity": identity,
        "block": block,
        "target": target,
        "hop": 0,
        "url": f"http://{host}/{target}",
        "started_at": f"2025-01-0{block + 1}T00:00:00.000Z",
        "elapsed_ms": answer.get("elapsed", 300),
        "failure": word if "/" in word else None,
        "status": status,
        "headers": json.dumps(answer.get("headers", {})),
        "body_digest": answer.get("digest"),
        "body_length": answer.get("length", 0),
        "markers": [answer["marker"]] if "marker" in answer else [],
        "presence": [],
        "sketch": list(answer.get("sketch", ())),
        "location": answer.get("location"),
        "warc_filename": "e.warc.gz",
        "warc_record_offset": 0,
        "is_void": False,
    }
    return row | changes


def fill_probe(con: duckdb.DuckDBPyConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert observations, their hosts and what the pipeline works out of them; build all models."""
    hosts = sorted({(row["host"], row["site"]) for row in rows})
    con.executemany("INSERT INTO sites (host, registered_domain, is_domain) VALUES (?, ?, true)", hosts)
    create_probe_tables(con)
    con.register("made_up", pa.Table.from_pylist([dict(row) for row in rows]))
    con.execute("INSERT INTO observations BY NAME FROM made_up")
    con.unregister("made_up")
    fill_outcome_kinds(con)
    said = [(digest, agent, *body) for digest, body in BODIES.items() for agent in ("GPTBot", "*")]
    con.executemany("INSERT INTO live_declarations VALUES (?, ?, ?, ?)", said)
    models.build(con)


def fill_outcome_kinds(con: duckdb.DuckDBPyConnection) -> None:
    """Classify every kind of answer that occurs, once."""
    con.execute("DELETE FROM outcome_kinds")
    for kind in models.outcome_combinations(con):
        outcome = classify_outcome(LiveAnswer(*kind))
        access = classify_access(kind.status, None, bool(kind.marker)) if kind.status else ""
        values = [*kind, outcome.stage, outcome.detail, outcome.bearing, access]
        con.execute(f"INSERT INTO outcome_kinds VALUES ({', '.join('?' * len(values))})", values)


def choose(
    words: Callable[[str, int, str], str], arms: Sequence[str] = HTTP_ARMS
) -> Callable[[str], list[Any]]:
    """Observations of a host where `words` gives the word by identity, block and target."""

    def of(host: str) -> list[Any]:
        return [
            observation(host, arm, block, target, words(arm, block, target))
            for block in CONFIRM
            for arm in arms
            for target in ("robots", "home", "deep")
        ]

    return of


def _robots_word(said: str | Mapping[str, str]) -> str:
    return "rules" if isinstance(said, str) else said.get("robots", "rules")


def _word(said: str | Mapping[str, str], target: str) -> str:
    if target == "missing":
        return "missing" if isinstance(said, str) else said.get("missing", "missing")
    return said if isinstance(said, str) else said.get(target, said.get("home", "ok"))


def _answer(target: str, word: str) -> Answer:
    if word == "rules" or (target == "robots" and word == "ok"):
        return {"status": 200, **TEXT}
    if word.isdigit():
        return {
            "status": int(word),
            "digest": f"E{word}",
            "length": 300,
            "sketch": (11, 12, int(word) + 1000),
        }
    return WORDS.get(word, {})


def _is_had(word: str) -> bool:
    # `cloaked` and `closed` can be had too, but disallow everything else.
    return word in ("rules", "ok", "404", "410", "html", "blank")
