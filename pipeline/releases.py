"""What `discover` has stored of the releases, read back: their WARC files and the parts of their index."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.archive_tables import INDEX_FOOTERS, WARC_FILES
from pipeline.layout import Layout
from pipeline.listing import iter_outputs
from pipeline.manifest import StageEntry
from pipeline.parts import Output, read_part
from pipeline.stages.capture import ListedFile, n_tasks_of
from pipeline.stages.lookup import IndexPart
from snapshots.footers import parse_footer
from snapshots.shards import url_serial


def list_files(
    layout: Layout, discovered: StageEntry, snapshot: str, selected: bool = True
) -> list[ListedFile]:
    """The WARC files of a release: those that the study selects by serial, or all of them."""
    rows = read_files(layout, discovered, snapshot, selected)
    return list(map(ListedFile._make, zip(*(c.to_pylist() for c in rows.columns), strict=True)))


def read_files(layout: Layout, discovered: StageEntry, snapshot: str, selected: bool = True) -> pa.Table:
    """The same as a table of the columns of `ListedFile`."""
    where, columns = pc.field("is_selected") if selected else None, ListedFile._fields
    parts = outputs_of_release(layout, discovered, WARC_FILES.name, snapshot)
    nothing = WARC_FILES.schema.empty_table().select(columns)
    return pa.concat_tables(
        [
            nothing,
            *(read_part(layout.published, part.path, columns, where, ["is_selected"]) for part in parts),
        ]
    )


def count_tasks(layout: Layout, discovered: StageEntry, snapshot: str) -> int:
    """How many tasks read the files of a release that the study selects, without listing them."""
    return sum(
        n_tasks_of(pc.value_counts(serials["serial"]).field("counts").to_pylist())
        for output in outputs_of_release(layout, discovered, WARC_FILES.name, snapshot)
        for serials in [
            read_part(layout.published, output.path, ["serial"], pc.field("is_selected"), ["is_selected"])
        ]
    )


def list_index_parts(layout: Layout, discovered: StageEntry, snapshot: str) -> Iterator[IndexPart]:
    """The parts of a release's index whose footers have been read."""
    return read_index_parts(layout, outputs_of_release(layout, discovered, INDEX_FOOTERS.name, snapshot))


def read_index_parts(layout: Layout, outputs: Iterable[Output]) -> Iterator[IndexPart]:
    """The parts of an index whose footers stand in some parts of `index_footers`, one footer at a time."""
    for output in outputs:
        for row in read_part(layout.shared, output.path).to_pylist():
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


def outputs_of_release(layout: Layout, discovered: StageEntry, table: str, snapshot: str) -> Iterator[Output]:
    """The parts of one table that `discover` has published of a release."""
    return iter_outputs(layout, discovered, table, f"snapshot={snapshot}")
