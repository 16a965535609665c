"""What a database notes of its own making: the parts it has read, by which rules, and which bodies it lacks.

The notes stand in a schema of their own and are written in the transaction of the rows that they speak of.
"""

import hashlib
from dataclasses import asdict, dataclass

import duckdb

from consent.agents import read_registry
from consent.dialects import find_dialect
from pipeline.archive_tables import DIGEST
from pipeline.context import code_version
from pipeline.loading.database import create_table
from pipeline.manifest import digest_of
from pipeline.study import Study
from pipeline.table import COUNT, TEXT, make_table
from pipeline.tables import SCHEMA_VERSION, TABLES

SCHEMA = "loading"
# Goes up when the same parts would give other rows.
LOAD_VERSION = "1"
PARTS = make_table(
    "parts",
    "part that has been read into the tables",
    ["path"],
    [
        ("path", TEXT, "Path of the part below the output folder or the store"),
        ("table_name", TEXT, "Table whose rows it holds"),
        ("n_bytes", COUNT, "Bytes of the part"),
    ],
)
RULES = make_table(
    "rules",
    "rule or list by which the tables were filled",
    ["rule"],
    [("rule", TEXT, "Which"), ("value", TEXT, "Its version, or a digest of it")],
)
OWED = make_table(
    "owed",
    "body that a successful answer points at and that no part read so far holds",
    ["content_digest"],
    [DIGEST],
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides the rows beside the parts themselves, as texts that differ when it differs.

    The names are said to users: a change of one is why a warehouse is built anew.
    """

    schema_version: str
    load_version: str
    code_version: str
    tables: str
    agent_registry: str
    dialects: str
    site_list: str
    corpora: str
    tracked_agents: str


def rules_of(study: Study) -> Rules:
    """The rules in force; `site_list` is empty when the study has none."""
    return Rules(
        SCHEMA_VERSION,
        LOAD_VERSION,
        code_version(),
        digest_of({table.name: str(table.schema) for table in TABLES.values()}),
        read_registry(study.registry).digest,
        ",".join(f"{name}@{find_dialect(name).version}" for name in study.dialects),
        hashlib.sha256(study.sites_file.read_bytes()).hexdigest() if study.sites_file else "",
        repr(study.corpora),
        repr(study.track),
    )


def create_notes(con: duckdb.DuckDBPyConnection, rules: Rules) -> None:
    """Begin the notes of a new database."""
    con.execute(f"CREATE SCHEMA {SCHEMA}")
    for table in (PARTS, RULES, OWED):
        create_table(con, table, schema=SCHEMA)
    con.executemany(f"INSERT INTO {SCHEMA}.rules VALUES (?, ?)", sorted(asdict(rules).items()))


def find_changes(con: duckdb.DuckDBPyConnection, rules: Rules) -> tuple[str, ...]:
    """The rules that are not those by which the database was filled, by name, sorted; raises duckdb.Error
    when the database has no notes."""
    noted = dict(con.execute(f"SELECT rule, value FROM {SCHEMA}.rules").fetchall())
    return tuple(sorted(name for name, value in asdict(rules).items() if noted.get(name) != value))
