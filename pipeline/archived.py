"""Look things up in a warehouse that a study has made."""

from pathlib import Path
from urllib.parse import urlsplit

from pipeline.commands.errors import UsageError
from pipeline.layout import Layout
from pipeline.loading.database import open_warehouse
from pipeline.study import read_study


def find_warehouse(source: Path) -> Path:
    """The census.duckdb of a study file, an output folder or itself; UsageError when there is none."""
    if source.suffix == ".duckdb" and source.is_file():
        return source
    folder = read_study(source).folder if source.is_file() else source
    warehouse = Layout(folder).warehouse
    if not warehouse.is_file():
        raise UsageError(f"{warehouse}: there is no warehouse yet. Run `crawlcensus run` on the study first.")
    return warehouse


def find_archived_body(source: Path, url: str, snapshot: str | None) -> bytes:
    """The robots.txt that governed a URL in a release (None: the last that has it).

    Raises UsageError, saying how the host was answered, when there was no file to read.
    """
    host = urlsplit(url).netloc.lower()
    with open_warehouse(find_warehouse(source), threads=1, read_only=True) as con:
        row = con.execute(
            "SELECT a.snapshot, a.access_state, b.content"
            " FROM answers AS a LEFT JOIN bodies AS b USING (content_digest)"
            " WHERE a.host = ? AND (? IS NULL OR a.snapshot = ?) ORDER BY a.snapshot DESC LIMIT 1",
            [host, snapshot, snapshot],
        ).fetchone()
    if row is None:
        raise UsageError(
            f"{host} was not captured{f' in {snapshot}' if snapshot else ''}. Known hosts are in `sites`."
        )
    if row[2] is None:
        raise UsageError(f"{host} in {row[0]}: there is no file to read, its access state is {row[1]}.")
    return bytes(row[2])
