"""A made-up census as the stored tables of the warehouse, for tests that need more than a few hosts."""

from datetime import datetime

import duckdb
import pyarrow as pa

from analysis.models import access_combinations
from pipeline.table import Table
from pipeline.tables import TABLES

AGENTS = (
    ("GPTBot", "OpenAI", "training", "2023-08-07"),
    ("CCBot", "Common Crawl", "archive", "2016"),
    ("ClaudeBot", "Anthropic", "training", "2023-12-01"),
    ("Google-Extended", "Google", "training", "2023-09-28"),
    ("Bytespider", "ByteDance", "training", "2021"),
    ("PerplexityBot", "Perplexity", "search", "2024-02-01"),
    ("Amazonbot", "Amazon", "training", "2022"),
    ("Applebot-Extended", "Apple", "training", "2024-06-11"),
    ("meta-externalagent", "Meta", "training", "2024-08-01"),
    ("ChatGPT-User", "OpenAI", "user", "2023-06-01"),
)
NAMES = tuple(agent[0] for agent in AGENTS)

# ruleset → level of `*` (None: no such group), then the level of each agent that the body names.
RULESETS: dict[str, tuple[str | None, dict[str, str]]] = {
    "r0": (None, {}),
    "r1": ("some", {}),
    "r2": ("all", {}),
    "r3": ("some", {"GPTBot": "all"}),
    "r4": ("some", {"GPTBot": "all", "CCBot": "all", "Google-Extended": "all"}),
    "r5": ("some", dict.fromkeys(NAMES, "all")),
    "r6": ("none", {"GPTBot": "some", "CCBot": "some"}),
    "r7": ("none", {"Bytespider": "all", "Amazonbot": "all"}),
}

# A host keeps its draw; what the draw means moves towards the named blocks with time (t from 0 to 1).
CAPTURES = """
INSERT INTO captures BY NAME
WITH draws AS (
    SELECT s.snapshot, h.host, (s.position - 1) / greatest(max(s.position) OVER () - 1, 1) AS t,
        s.starts_at, row_number() OVER (ORDER BY s.snapshot, h.host) AS n,
        md5_number_lower(h.host) % 1000 / 1000 AS draw,
        md5_number_lower(h.host || s.snapshot) % 1000 / 1000 AS noise
    FROM (SELECT *, row_number() OVER (ORDER BY snapshot) AS position FROM snapshots) AS s, sites AS h
)
SELECT snapshot, 'https://' || host || '/robots.txt' AS url, host, 'https' AS scheme,
    starts_at + to_hours(CAST(noise * 200 AS INTEGER)) AS fetch_time,
    CASE WHEN draw < 0.2 THEN 404 WHEN draw < 0.2 + 0.06 * t THEN 403 WHEN noise > 0.98 THEN 503 ELSE 200 END
        AS fetch_status,
    CASE WHEN fetch_status <> 200 THEN NULL WHEN draw > 0.97 THEN 'html' WHEN draw < 0.30 THEN 'r0'
        WHEN draw < 0.60 - 0.2 * t THEN 'r1' WHEN draw < 0.64 - 0.1 * t THEN 'r2' WHEN t < 0.4 THEN 'r1'
        WHEN draw > 0.97 - 0.2 * t THEN 'r5' WHEN draw > 0.9 - 0.2 * t THEN 'r4'
        WHEN draw > 0.85 - 0.2 * t THEN 'r3' WHEN draw > 0.8 - 0.2 * t THEN 'r6' ELSE 'r7' END
        AS content_digest,
    20 AS content_length, true AS digest_ok,
    CASE WHEN fetch_status = 403 THEN 'cloudflare/deny' END AS refusal_marker,
    'crawl-data/' || snapshot || '/part-0.warc.gz' AS warc_filename,
    n * 1000 AS warc_record_offset, 900 AS warc_record_length
FROM draws WHERE noise > 0.08
"""

ACCESS = {404: "absent", 403: "refused", 503: "server_error"}
SQL_TYPES = {
    "string": "VARCHAR",
    "bool": "BOOLEAN",
    "int64": "BIGINT",
    "int16": "SMALLINT",
    "timestamp[s]": "TIMESTAMP_S",
    "timestamp[ms]": "TIMESTAMP_MS",
    "double": "DOUBLE",
    "binary": "BLOB",
    "list<item: string>": "VARCHAR[]",
    "list<item: uint32>": "UINTEGER[]",
}


def fill_census(con: duckdb.DuckDBPyConnection, snapshots: tuple[str, ...], n_hosts: int) -> None:
    """Create and fill every stored table; without snapshots or hosts it is a census without captures."""
    for table in TABLES.values():
        _create_table(con, table)
    _fill_snapshots(con, snapshots)
    con.execute(
        "INSERT INTO sites SELECT 'h' || i || '.example.org', 'example.org', 'org', 'org',"
        f" CASE WHEN i % 3 = 0 THEN 'head' ELSE 'random' END, true FROM range({n_hosts}) AS r(i)"
    )
    con.execute(
        "INSERT INTO site_weights"
        " SELECT host, 'c4', md5_number_lower(host) % 97 + 0.5, stratum = 'head' FROM sites"
    )
    corpora = [("c4", "C4", "tokens", 1e7, "c4_head", "random"), ("hosts", "Hosts", "hosts", *[None] * 3)]
    _insert(con, "corpora", corpora)
    _insert(con, "agents", [(n, o, p, False, d, "listing", "yes", "made up", True) for n, o, p, d in AGENTS])
    _fill_rulesets(con)
    _fill_bodies(con)
    con.execute(CAPTURES)
    con.execute("INSERT INTO losses SELECT snapshot, 'capture', 'damaged_member', 2, 4096 FROM snapshots")
    kinds = access_combinations(con)
    states = ({"rules": "rules", "html": "not_robots"}.get(kind[1]) or ACCESS[kind[0]] for kind in kinds)
    _insert(con, "access_states", [(*kind, state) for kind, state in zip(kinds, states, strict=True)])


def _create_table(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    columns = ", ".join(f"{field.name} {_sql_type(field.type)}" for field in table.schema)
    con.execute(f"CREATE TABLE {table.name} ({columns})")
    for field in table.schema:
        text = table.column_description(field.name).replace("'", "''")
        con.execute(f"COMMENT ON COLUMN {table.name}.{field.name} IS '{text}'")


def _sql_type(kind: pa.DataType) -> str:
    return SQL_TYPES[str(kind)]


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[object, ...]]) -> None:
    if rows:
        con.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)


def _fill_snapshots(con: duckdb.DuckDBPyConnection, snapshots: tuple[str, ...]) -> None:
    query = (
        "INSERT INTO snapshots SELECT ?, t, t + INTERVAL 10 DAY, 'scan', 4, 4, NULL"
        " FROM (SELECT ?::TIMESTAMP AS t)"
    )
    for snapshot in snapshots:
        con.execute(query, [snapshot, datetime.strptime(f"{snapshot[8:]}-1", "%G-%V-%u")])


def _fill_rulesets(con: duckdb.DuckDBPyConnection) -> None:
    rows: list[tuple[object, ...]] = []
    for ruleset, (star, named) in RULESETS.items():
        match, level = ("none", "none") if star is None else ("wildcard", star)
        rows.append((ruleset, "*", match, level, level, None))
        rows += [(ruleset, agent, "specific", level, level, 1.5) for agent, level in named.items()]
    _insert(con, "rulesets", rows)


def _fill_bodies(con: duckdb.DuckDBPyConnection) -> None:
    kinds = [(ruleset, "rules") for ruleset in RULESETS] + [("html", "html")]
    _insert(con, "bodies", [(d, 20, k, k == "html", False, 1, 1, None, False, None) for d, k in kinds])
    _insert(con, "contents", [(d, d.encode()) for d, _ in kinds])
    _insert(con, "dialects", [("rfc9309", "1", "The standard", True), ("protego", "1", "Protego", False)])
    # Protego is made to lose the named groups of r3, so that the dialects differ.
    for dialect, of_r3 in (("rfc9309", "r3"), ("protego", "r1")):
        readings = [(d, of_r3 if d == "r3" else d) for d in RULESETS]
        _insert(con, "readings", [(d, dialect, "1", "0123456789abcdef", ruleset) for d, ruleset in readings])
    _insert(con, "signals", [("r5", "Content-Signal", "", "ai-train", 'no, "never"', 3),
                             ("r5", "License", "*", "", "https://e.test/rsl", 9)])  # fmt: skip
