"""What a ledger has observed as Parquet parts: equal observations are equal bytes under equal names."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from operator import attrgetter

from consent.agents import Registry
from crawler.observations import Observation
from pipeline.campaign import Campaign, Shard, open_ledger
from pipeline.layout import Layout
from pipeline.live_robots import LiveRobots
from pipeline.manifest import digest_of
from pipeline.parts import Output, rows_to_table, write_part
from pipeline.probe_tables import LIVE_DECLARATIONS, OBSERVATIONS
from pipeline.table import Table
from pipeline.tables import SCHEMA_VERSION

PART_ROWS = 20_000
_IN_ORDER = attrgetter(*OBSERVATIONS.key)
_STARTED_AT = Observation._fields.index("started_at")


def export_campaign(layout: Layout, campaign: Campaign, registry: Registry) -> tuple[Output, ...]:
    """Publish what the ledgers of a campaign hold now; parts that are there already are not written again.

    A part holds the next 20,000 observations of a ledger, sorted by the table's key. One more holds what
    the robots.txt files declare that the probe was given.
    """
    robots, outputs = LiveRobots(), list[Output]()
    for shard, number, batch in _iter_batches(campaign):
        for observation in batch:
            robots.see(observation)
        rows = (_row(observation) for observation in batch)
        name = f"{shard.part:04}-{number:05}"
        outputs.append(_publish(layout, campaign, OBSERVATIONS, name, rows))
    declared = list(robots.iter_rows(layout.evidence, registry))
    if declared:
        outputs.append(_publish(layout, campaign, LIVE_DECLARATIONS, "0", declared))
    return tuple(outputs)


def _iter_batches(campaign: Campaign) -> Iterator[tuple[Shard, int, list[Observation]]]:
    for shard, path in campaign.ledgers():
        with open_ledger(path) as ledger:
            observations, number = ledger.observations(campaign.run), 0
            while batch := sorted(islice(observations, PART_ROWS), key=_IN_ORDER):
                yield shard, number, batch
                number += 1


def _publish(
    layout: Layout, campaign: Campaign, table: Table, name: str, rows: Iterable[Sequence[object]]
) -> Output:
    """The name of a part tells its content, for a block that is found void changes what was published."""
    rows = list(rows)
    digest = digest_of([SCHEMA_VERSION, rows])
    part = layout.part(table.name, f"run={campaign.run}", f"{name}-{digest}")
    standing = layout.published.iter_below(part.rpartition("/")[0])
    for path, n_bytes in standing:
        if path.startswith(f"{part}-"):
            return Output(table.name, path, len(rows), n_bytes)
    return write_part(layout.published, part, table, rows_to_table(table, rows))


def _row(observation: Observation) -> tuple[object, ...]:
    started_at = datetime.fromisoformat(observation.started_at).replace(tzinfo=None)
    return (*observation[:_STARTED_AT], started_at, *observation[_STARTED_AT + 1 :])
