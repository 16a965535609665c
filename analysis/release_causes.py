"""Why rows of two releases may differ: what changed in the tables that all others are made from.

Each cause is a row of the temporary table `causes`: its kind (input, dialect, registry, criteria or code;
unknown is left for rows without any), the table that shows it (`source`), a text, and where it reaches: a
host, snapshot, agent, corpus, dialect or run. What is NULL there is not limited.
"""

from collections.abc import Iterator, Mapping

import duckdb

from analysis.dataset_columns import quote
from analysis.dataset_files import literal
from analysis.release_rows import Compared, changed_cells

OWN = {
    "snapshots": ("input", "snapshots of the study"),
    "sites": ("input", "site list"),
    "site_weights": ("input", "weights of the site list"),
    "corpora": ("input", "corpora of the study"),
    "losses": ("input", "what could be read"),
    "coverage": ("input", "what could be read"),
    "probe_outcomes": ("input", "requests of the probe"),
    "agents": ("registry", "agents of the registry"),
    "dialects": ("dialect", "dialects of the study"),
    "criteria": ("criteria", "table of criteria"),
}
"""Tables that are causes themselves: kind and text of the cause of every row of theirs."""

# The columns of `answers` that say what was found; the others say what we make of it.
FACTS = (
    "start_url",
    "end_url",
    "end_status",
    "content_digest",
    "fetch_time",
    "warc_filename",
    "warc_record_offset",
)
PLACES = ("host", "snapshot", "agent", "corpus", "dialect", "run")
_COLUMNS = ("kind", "source", "text", *PLACES)
_BODIES = "kind VARCHAR, text VARCHAR, digest VARCHAR, ruleset VARCHAR"

# Source, kind, place and the columns whose changes reach other tables; none for all.
_LISTS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("snapshots", "input", "snapshot", ("starts_at", "ends_at", "mode")),
    ("agents", "registry", "agent", ()),
    ("corpora", "input", "corpus", ()),
    ("dialects", "dialect", "dialect", ("is_default",)),
)
# Source → the query of its causes, without FROM.
_ROWS = {
    "sites": "SELECT 'input' AS kind, 'sites' AS source, host, CASE change WHEN 'changed'"
    " THEN 'host is told otherwise by the site list: ' || array_to_string(columns, ', ')"
    " ELSE 'host ' || change || ' by the site list' END AS text",
    "site_weights": "SELECT 'input' AS kind, 'site_weights' AS source, host, corpus,"
    " 'weight in ' || corpus || ' ' || change AS text",
    "losses": "SELECT DISTINCT 'input' AS kind, 'losses' AS source, snapshot,"
    " 'losses in ' || snapshot AS text",
    "criteria": "SELECT 'criteria' AS kind, 'criteria' AS source,"
    " 'criterion ' || criterion_id || ' ' || change AS text",
    "probe_outcomes": "SELECT DISTINCT 'input' AS kind, 'probe_outcomes' AS source, run, host,"
    " 'requests of run ' || run || ' ' || change AS text",
}


def collect_causes(con: duckdb.DuckDBPyConnection, compared: Mapping[str, Compared]) -> None:
    """Fill `causes`, `summed_causes`, which counts hosts, and `body_causes`, of bodies and rulesets."""
    columns = ", ".join(f"{quote(name)} VARCHAR" for name in _COLUMNS)
    con.execute(f"CREATE OR REPLACE TEMP TABLE causes ({columns})")
    con.execute(f"CREATE OR REPLACE TEMP TABLE body_causes ({_BODIES})")
    different = {name: one for name, one in compared.items() if one.rows}
    for query in _list_causes(different):
        con.execute(f"INSERT INTO causes BY NAME {query}")
    for statement in _reading_causes(different, compared):
        con.execute(statement)
    places = ", ".join(quote(place) for place in PLACES if place != "host")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE summed_causes AS"
        f" SELECT kind, source, text, count(DISTINCT host) AS n_hosts, {places} FROM causes"
        f" GROUP BY kind, source, text, {places}"
    )


def _list_causes(different: Mapping[str, Compared]) -> Iterator[str]:
    """The causes that lists show, and the captures."""
    for name, kind, place, told in _LISTS:
        if name in different:
            yield (
                f"SELECT '{kind}' AS kind, '{name}' AS source, {place}, '{place} ' || {place}"
                " || CASE change WHEN 'changed' THEN ': ' || said ELSE ' ' || change END AS text"
                f" FROM ({_described(different[name], place, told)})"
            )
    for name, query in _ROWS.items():
        if name in different:
            yield f"{query} FROM {different[name].rows}"
    if "answers" in different:
        yield _answer_causes(different)


def _described(one: Compared, place: str, told: tuple[str, ...]) -> str:
    """The rows of a small table, each with its changed cells in words; those without are left out."""
    cells = changed_cells(one, f"(SELECT *, '' AS causes FROM {one.rows})")
    words = "\"column\" || ' ' || coalesce(old, '(none)') || ' → ' || coalesce(new, '(none)')"
    is_told = f'"column" IN ({", ".join(map(literal, told))})' if told else "true"
    return (
        f"SELECT json_extract_string(key, '$.{place}') AS {place}, change,"
        f" string_agg({words}, ', ' ORDER BY \"column\") AS said"
        f" FROM ({cells}) WHERE change <> 'changed' OR {is_told} GROUP BY key, change"
    )


def _answer_causes(different: Mapping[str, Compared]) -> str:
    """Captures that came, went or are others, but for those of hosts that the site list brought or took."""
    facts = ", ".join(map(literal, FACTS))
    listed = _changes_of(different, "sites", "host")
    dated = _changes_of(different, "snapshots", "snapshot")
    one = different["answers"]
    return f"""
    SELECT CASE WHEN is_fact THEN 'input' ELSE 'code' END AS kind, 'answers' AS source, host, snapshot,
        CASE WHEN dated.change IS NOT NULL THEN 'snapshot ' || snapshot || ' ' || dated.change
            WHEN is_fact THEN 'capture ' || said.change || ' in ' || snapshot
            ELSE 'the same record is judged otherwise in ' || snapshot END AS text
    FROM (
        SELECT *, change <> 'changed' OR list_has_any(columns, [{facts}]) AS is_fact
        FROM {one.rows} ANTI JOIN ({listed}) AS listed USING (host)
    ) AS said
    LEFT JOIN ({dated}) AS dated USING (snapshot)
    """


def _changes_of(different: Mapping[str, Compared], name: str, key: str) -> str:
    """Key and change of the rows of a table that were added or removed; no rows when there are none."""
    if name not in different:
        return f"SELECT NULL::VARCHAR AS {key}, NULL::VARCHAR AS change WHERE false"
    return f"SELECT {key}, change FROM {different[name].rows} WHERE change <> 'changed'"


def _reading_causes(different: Mapping[str, Compared], compared: Mapping[str, Compared]) -> Iterator[str]:
    """Statements: bodies that came or went or are read otherwise, and the hosts that have the latter."""
    if "readings" not in different:
        return
    yield _reread(different["readings"], _changes_of(different, "dialects", "dialect"))
    rulesets = "unnest(list_distinct([ruleset_old, ruleset_new])) AS ruleset"
    yield f"INSERT INTO body_causes BY NAME SELECT kind, text, digest, {rulesets} FROM reread"
    if "answers" in compared:
        sides = (compared["answers"].old, compared["answers"].new)
        places = " UNION ".join(
            f"SELECT host, snapshot, content_digest AS digest FROM {table.relation}" for table in sides
        )
        yield (
            "INSERT INTO causes BY NAME"
            " SELECT DISTINCT kind, 'readings' AS source, text, host, snapshot, dialect FROM reread"
            f" JOIN ({places}) USING (digest) WHERE list_contains(columns, 'ruleset') OR kind = 'dialect'"
        )


def _reread(one: Compared, came: str) -> str:
    return f"""
    CREATE OR REPLACE TEMP TABLE reread AS
    SELECT content_digest AS digest, dialect, columns, o.ruleset AS ruleset_old, n.ruleset AS ruleset_new,
        CASE WHEN came.change IS NOT NULL THEN 'dialect' WHEN said.change <> 'changed' THEN 'input'
            WHEN list_contains(columns, 'dialect_version') THEN 'dialect'
            WHEN list_contains(columns, 'registry_digest') THEN 'registry' ELSE 'code' END AS kind,
        CASE WHEN came.change IS NOT NULL THEN 'dialect ' || dialect || ' ' || came.change
            WHEN said.change <> 'changed' THEN 'body ' || said.change
            WHEN list_contains(columns, 'dialect_version') THEN 'dialect ' || dialect || ': version '
                || o.dialect_version || ' → ' || n.dialect_version
            WHEN list_contains(columns, 'registry_digest') THEN 'body read under another registry'
            ELSE 'body read otherwise by ' || dialect || ', which has the same version' END AS text
    FROM {one.rows} AS said
    LEFT JOIN ({came}) AS came USING (dialect)
    LEFT JOIN {one.old.relation} AS o USING (content_digest, dialect)
    LEFT JOIN {one.new.relation} AS n USING (content_digest, dialect)
    """
