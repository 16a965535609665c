"""Which URLs a release must still be asked for: where redirects of the study's URLs lead, hop by hop.

RFC 9309 section 2.3.1.2 has at least five redirects followed, across hosts too, so the target of a
redirect belongs to the study even when its host does not. `snapshots.redirects` states the rule.
"""

from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.archive_tables import CAPTURES
from pipeline.parts import Output, read_part
from pipeline.storage.storage import Storage
from snapshots.quads import quad_urls
from snapshots.redirects import MAX_HOPS


def study_urls(hosts: Iterable[str]) -> pa.Array:
    """The robots.txt URLs of the hosts, http and https, bare and www., distinct and sorted."""
    return pa.array(sorted({url for host in hosts for url in quad_urls(host)}), pa.string())


def find_targets(storage: Storage, captures: Sequence[Output], asked: pa.Array) -> pa.Array:
    """URLs that redirects lead to from `asked`, directly or over others of them, within five hops.

    `captures` are the parts of one release as far as it has been read. Sorted, without those of `asked`.
    """
    moves = _read_moves(storage, captures)
    reached, here = asked, asked
    for _ in range(MAX_HOPS):
        leaving = moves.filter(pc.is_in(moves["url"], value_set=here))
        targets = leaving["fetch_redirect"].combine_chunks().unique()
        here = targets.filter(pc.invert(pc.is_in(targets, value_set=reached)))
        if not len(here):
            break
        reached = pa.concat_arrays([reached, here])
    return reached[len(asked) :].take(pc.sort_indices(reached[len(asked) :]))


def _read_moves(storage: Storage, captures: Sequence[Output]) -> pa.Table:
    status, target = pc.field("fetch_status"), pc.field("fetch_redirect")
    is_move = (status >= 300) & (status < 400) & target.is_valid()
    columns = ["url", "fetch_redirect"]
    nothing = CAPTURES.schema.empty_table().select(columns)
    return pa.concat_tables(
        [nothing, *(read_part(storage, part.path, columns, is_move, ["fetch_status"]) for part in captures)]
    )
