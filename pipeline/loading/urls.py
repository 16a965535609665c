"""The sample of URLs into the warehouse: parts drawn apart become one sample and one frame for each host."""

from pipeline.loading.database import literal, replace_rows
from pipeline.loading.notes import SCHEMA
from pipeline.loading.parts import Parts
from pipeline.manifest import StageEntry
from pipeline.url_drawing import FRAMES, SAMPLES
from pipeline.url_tables import URL_FRAMES, URL_ROWS, URL_SAMPLES, URL_SNAPSHOTS

_MADE = ((URL_FRAMES, FRAMES), (URL_SAMPLES, SAMPLES))
# Bytes of parts that no release has.
_WHOLE = 1 << 62
_RELEASE = "regexp_extract(path, '/snapshot=([^/]+)/', 1)"
# Releases whose parts are not those that were read: new ones, changed ones, and ones that are gone.
_CHANGED = f"""
SELECT DISTINCT {_RELEASE} FROM (
    SELECT path FROM listed WHERE table_name = '{URL_ROWS.name}' AND is_new
    UNION ALL
    SELECT path FROM {SCHEMA}.parts ANTI JOIN listed USING (path, n_bytes)
    WHERE table_name = '{URL_ROWS.name}'
)
ORDER BY ALL
"""


def load_urls(parts: Parts, entry: StageEntry | None) -> None:
    """Fill the tables of drawn URLs; None leaves them empty.

    Pages are compared within a release: one whose parts have changed is made anew, whole.
    """
    per_host = int(entry.versions[0]) if entry else 0
    facts = entry.snapshots if entry else ()
    rows = [(fact.snapshot, per_host, fact.n_files_planned, fact.n_files_read) for fact in facts]
    replace_rows(parts.con, URL_SNAPSHOTS, sorted(rows))
    for (snapshot,) in parts.con.execute(_CHANGED).fetchall():
        parts.read_anew(f"table_name = '{URL_ROWS.name}' AND {_RELEASE} = {literal(snapshot)}")
        _load_release(parts, snapshot, per_host)


def _load_release(parts: Parts, snapshot: str, per_host: int) -> None:
    for table, _ in _MADE:
        parts.con.execute(f"DELETE FROM {table.name} WHERE snapshot = ?", [snapshot])
    where = f"is_new AND {_RELEASE} = {literal(snapshot)}"
    for batch in parts.each(URL_ROWS, where, at_once=_WHOLE):
        for table, query in _MADE:
            parts.con.execute(
                f"INSERT INTO {table.name} BY NAME {query.format(parts=batch, per_host=per_host)}"
            )
