"""Declare: what each stored body declares under each dialect, and what other signals it carries.

Runs once per (body, dialect, registry), from stored bodies alone: a new dialect or agent list
never touches a WARC file again.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath

import pyarrow as pa

from consent.agents import read_registry
from consent.classify import Classifier
from consent.declarations import Ruleset
from consent.dialects import DIALECTS, find_dialect
from consent.markers import find_refusal_in_body
from consent.survey import STRICT, Surveyor
from pipeline.context import Context, ruler_versions
from pipeline.parts import Output, open_part, rows_to_table, sort_rows, write_part
from pipeline.table import Table
from pipeline.tables import BODIES, READINGS, RULESETS, SCHEMA_VERSION, SIGNALS
from pipeline.tasks import Receipt, Stage, State, Task

BATCH_ROWS = 4096


def plan(context: Context, contents: Sequence[Output]) -> tuple[Task, ...]:
    """One task per part of the body store; a part that has been filled up since is another one."""
    versions = (SCHEMA_VERSION, *ruler_versions(context))
    return tuple(
        Task(
            Stage.DECLARE,
            PurePosixPath(output.path).stem.removeprefix("part-"),
            "",
            (output.path,),
            versions,
            (str(output.n_rows),),
        )
        for output in contents
    )


class _Declarer:
    """Rows of the four tables that one part of the body store gives."""

    def __init__(self, context: Context) -> None:
        self._registry_digest = read_registry(context.registry).digest
        self._surveyor = _surveyor(context.registry, self._registry_digest)
        self._dialects = [find_dialect(name) for name in context.dialects]
        self._classifiers = {
            name: _classifier(name, context.registry, self._registry_digest)
            for name in context.dialects
            if name != STRICT
        }
        self.rulesets: dict[str, Ruleset] = {}
        self.bodies: list[tuple[object, ...]] = []
        self.readings: list[tuple[object, ...]] = []
        self.signals: list[tuple[object, ...]] = []

    def add(self, digest: str, body: bytes) -> None:
        """Read one body under every dialect."""
        facts, strict, signals = self._surveyor.survey(body)
        self.bodies.append(
            (
                digest,
                len(body),
                facts.kind,
                facts.is_html,
                facts.has_bom,
                facts.n_groups,
                facts.n_rules,
                facts.managed_by,
                facts.is_cut,
                find_refusal_in_body(body),
            )
        )
        for dialect in self._dialects:
            ruleset = strict if dialect.name == STRICT else self._classifiers[dialect.name].read(body)
            self.rulesets[ruleset.ruleset] = ruleset
            self.readings.append(
                (digest, dialect.name, dialect.version, self._registry_digest, ruleset.ruleset)
            )
        for signal in signals:
            self.signals.append((digest, signal.signal, signal.scope, signal.key, signal.value, signal.line))

    def tables(self) -> Iterator[tuple[Table, pa.Table]]:
        """The rows gathered so far, a table at a time, sorted by key."""
        rulesets = [
            (
                ruleset.ruleset,
                declaration.agent,
                declaration.group_match,
                declaration.restriction,
                declaration.restriction_longpre2024,
                declaration.crawl_delay,
            )
            for ruleset in self.rulesets.values()
            for declaration in ruleset.declarations
        ]
        gathered = (
            (BODIES, self.bodies),
            (READINGS, self.readings),
            (RULESETS, rulesets),
            (SIGNALS, self.signals),
        )
        for table, rows in gathered:
            yield table, sort_rows(table, rows_to_table(table, rows))


@lru_cache(maxsize=len(DIALECTS))
def _classifier(dialect: str, registry: Path | None, _registry_digest: str) -> Classifier:
    """A classifier is kept as long as the process lives: it remembers lines and bodies that it has read."""
    return Classifier(dialect, read_registry(registry))


@lru_cache(maxsize=1)
def _surveyor(registry: Path | None, _registry_digest: str) -> Surveyor:
    """The same for the surveyor, which reads the strict dialect."""
    return Surveyor(read_registry(registry))


def run(context: Context, task: Task) -> Receipt:
    """Read one part of the body store and publish its bodies, readings, rulesets and signals."""
    declarer = _Declarer(context)
    with open_part(context.layout.shared, task.inputs[0]) as part:
        for batch in part.iter_batches(BATCH_ROWS):
            digests, bodies = batch.to_pydict().values()
            for digest, body in zip(digests, bodies, strict=True):
                declarer.add(digest, body)
    outputs = tuple(
        write_part(context.layout.published, context.layout.part(table.name, "", task.task_id), table, rows)
        for table, rows in declarer.tables()
    )
    counts = {
        "bodies": len(declarer.bodies),
        "rulesets": len(declarer.rulesets),
        "signals": len(declarer.signals),
    }
    return Receipt(task.task_id, task.stage, task.label, task.partition, State.DONE, outputs, counts=counts)
