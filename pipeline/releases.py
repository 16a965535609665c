"""What `discover` has stored of the releases, read back: their WARC files and the parts of their index."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.archive_tables import INDEX_FOOTERS, WARC_FILES
from pipeline.layout import Layout
from pipeline.manifest import StageEntry
from pipeline.parts import Output
from pipeline.stages.capture import ListedFile
from pipeline.stages.lookup import IndexPart
from snapshots.footers import parse_footer
from snapshots.shards import url_serial


def list_files(
    folder: Path, discovered: StageEntry, snapshot: str, selected: bool = True
) -> list[ListedFile]:
    """The WARC files of a release: those that the study selects by serial, or all of them."""
    files: list[ListedFile] = []
    for output in outputs_of_release(discovered, WARC_FILES.name, snapshot):
        rows = pq.read_table(
            folder / output.path,
            columns=list(ListedFile._fields),
            filters=[("is_selected", "=", True)] if selected else None,
        )
        files += map(ListedFile._make, zip(*(c.to_pylist() for c in rows.columns), strict=True))
    return files


def list_index_parts(layout: Layout, discovered: StageEntry, snapshot: str) -> Iterator[IndexPart]:
    """The parts of a release's index whose footers have been read."""
    return read_index_parts(layout, outputs_of_release(discovered, INDEX_FOOTERS.name, snapshot))


def read_index_parts(layout: Layout, outputs: Iterable[Output]) -> Iterator[IndexPart]:
    """The parts of an index whose footers stand in some parts of `index_footers`, one footer at a time."""
    for output in outputs:
        for row in pq.read_table(layout.file(output.path)).to_pylist():
            footer = parse_footer(row["footer"])
            yield IndexPart(row["snapshot"], row["index_filename"], footer, output.path)


def files_of_urls(files: Iterable[ListedFile], urls: pa.Array) -> list[ListedFile]:
    """The files that can hold one of the URLs, by the shard law; all of them where it does not hold."""
    listed = list(files)
    n_serials = {file.n_serials for file in listed}
    if n_serials <= {None}:
        return listed
    serials = {n: {url_serial(url, n) for url in urls.to_pylist()} for n in n_serials if n is not None}
    return [file for file in listed if file.n_serials is None or file.serial in serials[file.n_serials]]


def outputs_of_release(discovered: StageEntry, table: str, snapshot: str) -> Iterator[Output]:
    """The parts of one table that `discover` has published of a release."""
    place = f"/snapshot={snapshot}/"
    return (output for output in discovered.outputs if output.table == table and place in output.path)
