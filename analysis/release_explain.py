"""Which causes reach which rows: exactly for a row about a host, by its places for one that counts hosts."""

from collections.abc import Mapping

import duckdb

from analysis.dataset_columns import quote
from analysis.dataset_files import literal
from analysis.release_causes import OWN, PLACES
from analysis.release_rows import Compared, list_names

SHOWN_CAUSES = 6

# What a table reads, in the words of its package → the tables that show its causes.
SHOWN_BY: Mapping[str, tuple[str, ...]] = {
    "answers": ("answers",),
    "captures": ("answers", "losses"),
    "bodies": ("answers",),
    "access_states": ("answers",),
    "snapshots": ("snapshots",),
    "sites": ("sites",),
    "site_weights": ("site_weights",),
    "corpora": ("corpora",),
    "agents": ("agents",),
    "dialects": ("dialects",),
    "readings": ("readings", "dialects"),
    "rulesets": ("readings",),
    "losses": ("losses",),
    "criteria": ("criteria",),
    "criterion_conditions": ("criteria",),
    "comparison_limits": ("criteria",),
    "exact_p": ("probe_outcomes",),
    "observations": ("probe_outcomes",),
    "outcome_kinds": ("probe_outcomes",),
    "live_declarations": ("probe_outcomes",),
    "verdicts": ("probe_outcomes", "criteria", "sites"),
}
_BODY_KEYS = (("content_digest", "digest"), ("ruleset", "ruleset"))


def explain_rows(con: duckdb.DuckDBPyConnection, one: Compared, always: str, otherwise: str) -> str:
    """Make a relation of a table's rows with `kinds` and `causes`, a text; returns its name.

    `always` is a cause of every row, empty when there is none; `otherwise` that of rows without any.
    """
    target = quote(f"explained_{one.name}")
    keys = list_names(one.key)
    con.execute(f"CREATE OR REPLACE TEMP TABLE reached AS {_reached(con, one)}")
    fixed = f"[{literal(always)}]" if always else "[]"
    con.execute(f"""
    CREATE OR REPLACE TEMP TABLE {target} AS
    SELECT {keys}, change, columns,
        list_distinct(list_transform(said, lambda text: split_part(text, ':', 1))) AS kinds,
        array_to_string(said[:{SHOWN_CAUSES}], '; ')
            || if(len(said) > {SHOWN_CAUSES}, format('; and {{}} more', len(said) - {SHOWN_CAUSES}), '')
            AS causes
    FROM (
        SELECT *, CASE WHEN len(found) + len({fixed}) = 0 THEN [{literal(otherwise)}]
            ELSE list_sort(list_concat(found, {fixed})) END::VARCHAR[] AS said
        FROM (SELECT *, coalesce(reached.texts, []) AS found FROM {one.rows} LEFT JOIN reached USING ({keys}))
    )
    """)
    con.execute("DROP TABLE reached")
    return target


def _reached(con: duckdb.DuckDBPyConnection, one: Compared) -> str:
    """SQL of the rows that a cause reaches, as key and a list of texts."""
    keys = list_names(one.key)
    if one.name in OWN:
        return f"SELECT {keys}, [{literal(': '.join(OWN[one.name]))}] AS texts FROM {one.rows}"
    for column, name in _BODY_KEYS:
        if column in one.key:
            return (
                f"SELECT {keys}, list_sort(list(DISTINCT kind || ': ' || text)) AS texts FROM {one.rows} AS r"
                f" JOIN body_causes AS c ON c.{name} = r.{quote(column)} GROUP BY {keys}"
            )
    places = _places(one)
    named = ", ".join(f"{sql} AS {quote(place)}" for place, sql in places.items())
    con.execute(
        "CREATE OR REPLACE TEMP TABLE cells AS SELECT row_number() OVER () AS cell, *"
        f" FROM (SELECT DISTINCT {named} FROM {one.rows} AS r)"
    )
    same = " AND ".join(f"cells.{quote(place)} IS NOT DISTINCT FROM {sql}" for place, sql in places.items())
    return (
        f"SELECT {list_names(one.key, 'r.')}, texts FROM {one.rows} AS r JOIN cells ON {same}"
        f" JOIN ({_causes_of_cells(one)}) USING (cell)"
    )


def _places(one: Compared) -> dict[str, str]:
    """Place → SQL of where a row of the table stands; NULL where the table does not divide by it."""
    places = {
        place: f"CAST(r.{quote(place)} AS VARCHAR)" if place in one.key else "NULL::VARCHAR"
        for place in PLACES
    }
    names = [name for name in one.key if name.startswith("snapshot")]
    # A row that only says where it begins goes on to the last snapshot.
    snapshots = [f"r.{quote(name)}" for name in names if names != ["snapshot_from"]]
    places["snapshot"] = f"greatest({', '.join(snapshots)})" if snapshots else "NULL::VARCHAR"
    return places


def _causes_of_cells(one: Compared) -> str:
    """SQL of the cells that a cause reaches, each with its list of texts."""
    found = "SELECT cell, kind, text, {n} AS n_hosts FROM cells JOIN {causes} AS c ON {reach}"
    reach = _reach(one)
    if "host" in one.key:
        own = found.format(n=1, causes="causes", reach=f"c.host = cells.host AND {reach}")
        others = found.format(n=1, causes="causes", reach=f"c.host IS NULL AND {reach}")
        found = f"{own} UNION {others}"
    else:
        found = found.format(n="n_hosts", causes="summed_causes", reach=reach)
    hosts = "if(sum(n_hosts) > 1, format(' ({} hosts)', sum(n_hosts)), '')"
    texts = f"SELECT cell, kind || ': ' || text || {hosts} AS text FROM ({found}) GROUP BY cell, kind, text"
    return f"SELECT cell, list(text ORDER BY text) AS texts FROM ({texts}) GROUP BY cell"


def _reach(one: Compared) -> str:
    """SQL condition: the cause `c` reaches the cell."""
    # A row about a host and a snapshot rests on that capture; others may carry forward what came before, and
    # may say which snapshot is the last.
    is_exact = "host" in one.key and "snapshot" in one.key
    order = "= cells.snapshot" if is_exact else "<= cells.snapshot OR c.source = 'snapshots'"
    # A label of several agents, and *, stand for any of them. The default dialect is what others are
    # measured by, and what tables without a dialect are read in.
    conditions = [
        f"(c.snapshot IS NULL OR cells.snapshot IS NULL OR c.snapshot {order})",
        "(c.agent IS NULL OR cells.agent IS NULL OR c.agent = cells.agent OR cells.agent[1] IN ('*', '('))",
        "(c.dialect IS NULL OR c.dialect = cells.dialect OR c.dialect IN (FROM defaults)"
        " OR (cells.dialect IS NULL AND c.source = 'dialects'))",
    ]
    conditions += [f"(c.{p} IS NULL OR cells.{p} IS NULL OR c.{p} = cells.{p})" for p in ("corpus", "run")]
    sources = _sources(one)
    if sources is not None:
        conditions.append(f"c.source IN ({', '.join(map(literal, sorted(sources)))})")
    return " AND ".join(conditions)


def _sources(one: Compared) -> set[str] | None:
    """The tables whose causes may reach this one; None when all may, since not all that it reads is known."""
    reads = [table.reads for table in (one.old, one.new)]
    if None in reads or any(name not in SHOWN_BY for names in reads for name in names or ()):
        return None
    return {source for names in reads for name in names or () for source in SHOWN_BY[name]}
