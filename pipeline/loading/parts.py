"""Reading parts into a database: which there are, which are new, and a few at a time as SQL reads them."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

import duckdb
import pyarrow as pa

from pipeline.layout import Layout
from pipeline.loading.database import count_rows, literal
from pipeline.loading.notes import SCHEMA
from pipeline.parts import ANEW, Output, PartError
from pipeline.table import Table

# Few enough for copies of a batch to lie on a disk, and for the rows of captures to be sorted in memory.
BATCH_BYTES = 64 << 20
LIST_ROWS = 10_000
# Which parts to read, as a condition on the list of all.
NEW, OLD = "is_new", "NOT is_new"
_DIGEST = "content_digest"
_LISTED = pa.schema(
    [
        ("path", pa.string()),
        ("table_name", pa.string()),
        ("n_bytes", pa.int64()),
        ("first", pa.string()),
        ("last", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some parts as files of this machine; `first` and `last` bound their digests, empty when unknown.

    As text it is what SQL reads them by.
    """

    files: Sequence[str]
    first: str
    last: str

    def __str__(self) -> str:
        return f"read_parquet([{', '.join(map(literal, self.files))}], hive_partitioning = false)"

    @property
    def digests(self) -> str:
        """A condition that holds for all of their digests."""
        if not self.last:
            return "true"
        return f"{_DIGEST} BETWEEN {literal(self.first)} AND {literal(self.last)}"


@contextmanager
def local_copies(layout: Layout, paths: Sequence[str]) -> Iterator[list[str]]:
    """Where parts can be read as files of this machine, for as long as the block lasts."""
    if not paths:
        yield []
        return
    # Parts of one table stand in one place.
    with layout.storage_of(paths[0]).local(paths) as files:
        yield list(map(str, files))


@contextmanager
def naming_damage() -> Iterator[None]:
    """PartError where DuckDB finds a part gone or damaged within the block."""
    try:
        yield
    except (duckdb.IOException, duckdb.InvalidInputException) as error:
        found = str(error).splitlines()[0]
        if ".parquet" not in found:
            raise
        raise PartError(f"{found}. Fix: remove it, if it is there, and {ANEW}.") from error


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a study, listed in the temporary table `listed` with whether they are new to the database.

    Equal paths are equal bytes: what has been read is not read again. Only one of the iterators below may be
    under way at a time.
    """

    con: duckdb.DuckDBPyConnection
    layout: Layout

    @classmethod
    def of(cls, con: duckdb.DuckDBPyConnection, layout: Layout, outputs: Iterable[Output]) -> "Parts":
        """List parts, some thousand at a time; new are those that the database has no note of."""
        con.execute(
            "CREATE OR REPLACE TEMP TABLE listed (path VARCHAR, table_name VARCHAR, n_bytes BIGINT,"
            " first VARCHAR, last VARCHAR, is_new BOOLEAN, is_read BOOLEAN)"
        )
        rows = map(_row, outputs)
        while chunk := list(islice(rows, LIST_ROWS)):
            columns = zip(zip(*chunk, strict=True), _LISTED, strict=True)
            arrays = [pa.array(column, field.type) for column, field in columns]
            con.register("incoming", pa.Table.from_arrays(arrays, schema=_LISTED))
            con.execute("INSERT INTO listed SELECT *, true, false FROM incoming")
            con.unregister("incoming")
        con.execute(
            f"UPDATE listed SET is_new = false FROM {SCHEMA}.parts AS noted"
            " WHERE noted.path = listed.path AND noted.n_bytes = listed.n_bytes"
        )
        return cls(con, layout)

    def each(self, table: Table, which: str = NEW, at_once: int | None = None) -> Iterator[Batch]:
        """The parts of a table, some at a time; nothing when there are none.

        Those with neighbouring digests come together where the range of each is known, else by their paths.
        """
        self.con.execute(
            "CREATE OR REPLACE TEMP TABLE batches AS SELECT path, first, last,"
            f" sum(n_bytes) OVER (ORDER BY first, path) // {at_once or BATCH_BYTES} AS batch"
            f" FROM listed WHERE table_name = ? AND {which}",
            [table.name],
        )
        numbers = self.con.execute("SELECT DISTINCT batch FROM batches ORDER BY batch").fetchall()
        for (number,) in numbers:
            rows = self.con.execute(
                "SELECT path, first, last FROM batches WHERE batch = ? ORDER BY first, path", [number]
            )
            paths, firsts, lasts = zip(*rows.fetchall(), strict=True)
            self.con.execute(
                "UPDATE listed SET is_read = true WHERE path IN (SELECT path FROM batches WHERE batch = ?)",
                [number],
            )
            with local_copies(self.layout, paths) as files:
                yield Batch(files, min(firsts), max(lasts) if all(firsts) else "")

    def each_with(self, table: Table, keys: str, which: str = NEW) -> Iterator[Batch]:
        """Those parts of a table that may hold a key of the temporary table `keys`; none when it is empty.

        The column of `keys` is called like the first of the table's key. Parts of bodies tell their range.
        """
        if not count_rows(self.con, keys):
            return
        if table.key[0] == _DIGEST:
            near = (
                f"SELECT path FROM listed ASOF JOIN {keys} AS sought ON listed.first <= sought.{_DIGEST}"
                f" WHERE sought.{_DIGEST} <= listed.last"
            )
            which = f"{which} AND (first = '' OR path IN ({near}))"
        yield from self.each(table, which)

    def read_anew(self, condition: str) -> None:
        """Take parts for new, and forget what is noted of them and of others like them that are gone."""
        self.con.execute(f"UPDATE listed SET is_new = true WHERE {condition}")
        self.con.execute(f"DELETE FROM {SCHEMA}.parts WHERE {condition}")

    def find_gone(self, condition: str = "true") -> int:
        """How many parts that the database has read are listed no more."""
        return count_rows(
            self.con, f"(FROM {SCHEMA}.parts ANTI JOIN listed USING (path, n_bytes) WHERE {condition})"
        )

    def note(self) -> None:
        """Note the new parts as read."""
        self.con.execute(
            f"INSERT INTO {SCHEMA}.parts BY NAME"
            " SELECT path, table_name, n_bytes FROM listed WHERE is_new ORDER BY path"
        )

    def describe(self) -> str:
        """How many parts were read, of how many: for the log."""
        n_new, n_old, n_all = self.con.execute(
            "SELECT count(*) FILTER (is_read AND is_new), count(*) FILTER (is_read AND NOT is_new), count(*)"
            " FROM listed"
        ).fetchall()[0]
        older = f" and {n_old:,} older" if n_old else ""
        return f"{n_new:,} new{older} parts of {n_all:,} read"


def _row(output: Output) -> tuple[str, str, int, str, str]:
    return output.path, output.table, output.n_bytes, output.first, output.last
