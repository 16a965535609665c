"""What the live probe observed into the warehouse."""

from pipeline.loading.database import literal
from pipeline.loading.parts import Parts
from pipeline.probe_tables import LIVE_DECLARATIONS, OBSERVATIONS, PROBE_TABLES

_IS_PROBE = f"table_name IN ({', '.join(literal(table.name) for table in PROBE_TABLES)})"
# Campaigns may have been given the same body: of rows that differ the first one counts, whenever it came.
_DECLARED = """
CREATE OR REPLACE TEMP TABLE declared AS
SELECT DISTINCT ON (body_digest, agent) *
FROM (FROM live_declarations UNION ALL BY NAME FROM {parts}) ORDER BY ALL
"""


def load_probe(parts: Parts) -> None:
    """Fill the tables of the live probe with new parts; with all when parts are gone.

    A campaign under way replaces parts of its own: what depends on it is small, and is simply made anew.
    """
    if parts.find_gone(_IS_PROBE):
        parts.read_anew(_IS_PROBE)
        for table in PROBE_TABLES:
            parts.con.execute(f"DELETE FROM {table.name}")
    for batch in parts.each(OBSERVATIONS):
        parts.con.execute(f"INSERT INTO {OBSERVATIONS.name} BY NAME SELECT * FROM {batch}")
    for batch in parts.each(LIVE_DECLARATIONS):
        parts.con.execute(_DECLARED.format(parts=batch))
        parts.con.execute(f"DELETE FROM {LIVE_DECLARATIONS.name}")
        parts.con.execute(f"INSERT INTO {LIVE_DECLARATIONS.name} BY NAME FROM declared")
