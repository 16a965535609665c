"""Drawing URLs: rows of an index to pages of hosts, and pages to the sample of each host.

The sample of a host is the pages with the smallest MD5 of host and path: every page is as likely as any
other, parts of a sample can be drawn apart and merged, and a page keeps its place from release to release.
"""

from collections.abc import Iterable, Sequence

import duckdb
import pyarrow as pa

from pipeline.keys import write_list
from pipeline.manifest import digest_of
from pipeline.storage.storage import Storage
from pipeline.url_tables import URL_ROWS
from snapshots.host_urls import authorities_of, heads_of

AUTHORITIES = pa.schema([("head", pa.string()), ("authority", pa.string()), ("host", pa.string())])
# As snapshots.urls.split_url cuts a URL; what follows a fragment's `#` is no part of a path.
_PARTS = r"^(https?)://(?:[^/?#]*@)?(\[[^\]/?#]*\]|[^/?#@:]*)(?::([0-9]*))?([/?][^#]*)?(?:#.*)?$"

REDUCE = f"""
WITH cut AS (
    SELECT url, url_surtkey, regexp_extract(url, '{_PARTS}', ['scheme', 'name', 'port', 'rest'], 'is') AS part
    FROM found
),
named AS (
    SELECT
        url, url_surtkey,
        lower(part.name) || CASE
            WHEN part.port IN ('', if(lower(part.scheme) = 'https', '443', '80')) THEN ''
            ELSE ':' || part.port
        END AS authority,
        if(part.rest LIKE '/%', '', '/') || part.rest AS path
    FROM cut
),
placed AS (
    SELECT host, path, url, url_surtkey
    FROM named JOIN (SELECT DISTINCT authority, host FROM authorities) USING (authority)
    WHERE path <> '/robots.txt'
),
bounded AS (
    SELECT host, path, url, url_surtkey IN (min(url_surtkey) OVER here, max(url_surtkey) OVER here) AS is_edge
    FROM placed WINDOW here AS (PARTITION BY host)
),
pages AS (
    SELECT host, path, min(url) AS url, bool_or(is_edge) AS is_edge FROM bounded GROUP BY host, path
),
ranked AS (
    SELECT
        pages.*,
        count(*) FILTER (NOT is_edge) OVER (PARTITION BY host) AS n_inner,
        row_number() OVER (PARTITION BY host ORDER BY md5(host || path), path) AS place
    FROM pages
)
SELECT host, path, url, is_edge, n_inner FROM ranked WHERE place <= $per_host OR is_edge ORDER BY host, path
"""

# The pages of neighbouring row groups are the same at most where one ends and the next begins: at an edge.
FRAMES = """
WITH groups AS (
    SELECT snapshot, index_filename, row_group, host, any_value(n_inner) AS n_inner FROM {parts} GROUP BY ALL
),
inner_pages AS (
    SELECT snapshot, host, sum(n_inner) AS n FROM groups GROUP BY ALL
),
edges AS (
    SELECT snapshot, host, count(DISTINCT path) FILTER (is_edge) AS n FROM {parts} GROUP BY ALL
)
SELECT
    snapshot,
    host,
    (inner_pages.n + edges.n)::BIGINT AS n_urls_seen,
    least(n_urls_seen, {per_host}) AS n_urls_sampled
FROM inner_pages JOIN edges USING (snapshot, host)
ORDER BY snapshot, host
"""

SAMPLES = """
WITH pages AS (
    SELECT snapshot, host, path, min(url) AS url FROM {parts} GROUP BY ALL
)
SELECT snapshot, host, place, path, url
FROM (
    SELECT *, row_number() OVER (PARTITION BY snapshot, host ORDER BY md5(host || path), path) AS place
    FROM pages
)
WHERE place <= {per_host}
ORDER BY snapshot, host, place
"""


def list_authorities(hosts: Sequence[str]) -> pa.Table:
    """Whose URLs stand for which host, with the heads of their keys (schema `AUTHORITIES`), sorted.

    A host's form with or without `www.` stands for it unless that form is a host of the study itself.
    """
    own = set(hosts)
    rows = sorted(
        {
            (head, authority, host)
            for host in hosts
            for authority in authorities_of(host)
            if authority == host or authority not in own
            for head in heads_of(authority)
        }
    )
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    return pa.Table.from_arrays([pa.array(c, pa.string()) for c in columns], schema=AUTHORITIES)


def authorities_path(table: pa.Table) -> str:
    """Where a list is stored below the output folder: equal lists in one place."""
    return f"plans/authorities-{digest_of(table.to_pylist())}.parquet"


def write_authorities(storage: Storage, table: pa.Table) -> None:
    """Store a list in its place, unless it is there."""
    write_list(storage, authorities_path(table), table)


def find_heads(authorities: pa.Table) -> pa.Array:
    """The distinct heads of a list of authorities, sorted."""
    return pa.array(sorted(set(authorities["head"].to_pylist())), pa.string())


def draw_pages(
    con: duckdb.DuckDBPyConnection,
    snapshot: str,
    path: str,
    groups: Iterable[tuple[int, pa.Table]],
    per_host: int,
) -> pa.Table:
    """What the row groups of one part give to the samples, as rows of `url_rows`, sorted by its key.

    `con` knows the list of authorities under that name. Of each row group at most `per_host` pages of a host
    are kept, besides those at its edges.
    """
    tables = [URL_ROWS.schema.empty_table()]
    for number, rows in groups:
        con.register("found", rows)
        kept: pa.Table = con.sql(REDUCE, params={"per_host": per_host}).to_arrow_table()
        con.unregister("found")
        facts = {"snapshot": snapshot, "index_filename": path, "row_group": number}
        columns = [
            pa.repeat(pa.scalar(facts[field.name], field.type), kept.num_rows)
            if field.name in facts
            else kept[field.name].cast(field.type)
            for field in URL_ROWS.schema
        ]
        tables.append(pa.Table.from_arrays(columns, schema=URL_ROWS.schema))
    return pa.concat_tables(tables)
