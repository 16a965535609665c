"""Bodies into the warehouse, those of a store that captures want, and what they declare."""

from pipeline.archive_tables import CONTENTS
from pipeline.loading.database import count_rows, quote
from pipeline.loading.notes import SCHEMA
from pipeline.loading.parts import NEW, OLD, Parts
from pipeline.table import Table
from pipeline.tables import BODIES, READINGS, RULESETS, SIGNALS

_IN_ORDER = ((READINGS, "content_digest, dialect"), (SIGNALS, "content_digest, line, key"))
_FACTS = """
INSERT INTO facts BY NAME
SELECT *, {is_old} AS is_old FROM {parts} SEMI JOIN digests USING (content_digest)
"""
_DUE = """
CREATE OR REPLACE TEMP TABLE due AS
SELECT facts.* EXCLUDE (is_old) FROM facts ANTI JOIN bodies USING (content_digest) ORDER BY content_digest
"""
_BODIES = """
INSERT INTO bodies BY NAME
SELECT due.*, content
FROM {parts} AS store JOIN (FROM due WHERE {digests}) AS due USING (content_digest)
"""
# Two runs that store at the same time may both store a body that neither had; both parts tell the same of it.
_REPEATED = """
CREATE OR REPLACE TEMP TABLE repeated AS
SELECT content_digest FROM facts GROUP BY content_digest HAVING count(*) > 1
"""
_DROP_REPEATED = """
DELETE FROM {table} WHERE rowid IN (
    SELECT unnest(list(rowid ORDER BY rowid)[2:])
    FROM {table} SEMI JOIN repeated USING (content_digest) GROUP BY {key}
)
"""
# Rulesets of the bodies that have just come which are not there yet.
_OUTCOMES = """
CREATE OR REPLACE TEMP TABLE outcomes AS
SELECT DISTINCT ruleset FROM readings
SEMI JOIN facts USING (content_digest) ANTI JOIN rulesets USING (ruleset)
"""
# A ruleset stands whole in every part whose bodies have it.
_RULESETS = """
INSERT INTO rulesets BY NAME
SELECT DISTINCT * FROM {parts} SEMI JOIN outcomes USING (ruleset) ANTI JOIN rulesets USING (ruleset)
ORDER BY ruleset, agent
"""


def load_bodies(parts: Parts) -> None:
    """Fill the tables of bodies with those that are `wanted`, or owed to captures loaded before.

    What is owed has been looked for in the older parts already; what is wanted now may stand there, read by
    other studies of the store or for a plan that this one had.
    """
    _find_facts(parts)
    parts.con.execute(_REPEATED)
    _drop_repeated(parts, "facts", BODIES)
    _load_contents(parts)
    _drop_repeated(parts, BODIES.name, BODIES)
    for table, order in _IN_ORDER:
        _load_table(parts, table, order)
        _drop_repeated(parts, table.name, table)
    for which in (NEW, OLD):
        parts.con.execute(_OUTCOMES)
        for batch in parts.each_with(RULESETS, "outcomes", which):
            parts.con.execute(_RULESETS.format(parts=batch))


def _find_facts(parts: Parts) -> None:
    """Make the temporary table `facts`: what is stated of the bodies to be loaded, in new parts first."""
    parts.con.execute(
        "CREATE OR REPLACE TEMP TABLE facts AS"
        " SELECT * EXCLUDE (content), NULL::BOOLEAN AS is_old FROM bodies WHERE false"
    )
    _list_digests(parts, f"FROM (FROM wanted UNION FROM {SCHEMA}.owed)")
    for batch in parts.each_with(BODIES, "digests", NEW):
        parts.con.execute(_FACTS.format(parts=batch, is_old=False))
    _list_digests(parts, "FROM wanted ANTI JOIN facts USING (content_digest)")
    for batch in parts.each_with(BODIES, "digests", OLD):
        parts.con.execute(_FACTS.format(parts=batch, is_old=True))


def _load_contents(parts: Parts) -> None:
    """Put content to the facts, in the order of the parts: bodies pass by and are never held."""
    # What a join holds in memory is its right side, unless DuckDB thinks better of it.
    parts.con.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    for which in (NEW, OLD):
        parts.con.execute(_DUE)
        for batch in parts.each_with(CONTENTS, "due", which):
            parts.con.execute(_BODIES.format(parts=batch, digests=batch.digests))
    parts.con.execute("RESET disabled_optimizers")


def _load_table(parts: Parts, table: Table, order: str) -> None:
    """Rows of the bodies that have just come; they are as new as what is stated of the body."""
    for which, is_old in ((NEW, False), (OLD, True)):
        _list_digests(parts, f"FROM facts SEMI JOIN bodies USING (content_digest) WHERE is_old = {is_old}")
        for batch in parts.each_with(table, "digests", which):
            parts.con.execute(
                f"INSERT INTO {table.name} BY NAME"
                f" SELECT * FROM {batch} SEMI JOIN digests USING (content_digest) ORDER BY {order}"
            )


def _drop_repeated(parts: Parts, name: str, table: Table) -> None:
    """Leave one of the rows that two parts have told of the same body."""
    if count_rows(parts.con, "repeated"):
        parts.con.execute(_DROP_REPEATED.format(table=name, key=", ".join(map(quote, table.key))))


def _list_digests(parts: Parts, source: str) -> None:
    """Make the temporary table `digests` of what to read."""
    parts.con.execute(f"CREATE OR REPLACE TEMP TABLE digests AS SELECT content_digest {source}")
