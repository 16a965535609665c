"""`crawlcensus diff`: what is different between two releases of a dataset, and why."""

import argparse
import json
from collections.abc import Iterator

from analysis.release_diff import Difference, ReleaseDifference, TableDifference, compare_releases
from analysis.release_folder import ReleaseFolder, read_release_folder
from pipeline.commands.errors import UsageError

LONGEST_VALUE = 60


def main(options: argparse.Namespace) -> int:
    """Print what differs; 0 when nothing does, 1 when something does."""
    if options.limit < 0:
        raise UsageError(f"--limit {options.limit} is no number of examples. Give one from 0.")
    if options.output and not options.output.absolute().parent.is_dir():
        raise UsageError(f"{options.output}: there is no such folder to write to. Make it first.")
    old, new = read_release_folder(options.old), read_release_folder(options.new)
    found = compare_releases(old, new, options.limit, options.output)
    for line in describe(old, new, found):
        print(line)
    return 0 if found.is_equal else 1


def describe(old: ReleaseFolder, new: ReleaseFolder, found: ReleaseDifference) -> Iterator[str]:
    """The lines for people: the releases, every table that differs, how many do not."""
    yield f"old  {_name(old)}"
    yield f"new  {_name(new)}"
    for name in found.tables_removed:
        yield f"\n{name}: only in the old release"
    for name in found.tables_added:
        yield f"\n{name}: only in the new release"
    for table in found.tables:
        if not table.is_equal:
            yield from _describe_table(table)
    n_equal = sum(table.is_equal for table in found.tables)
    yield f"\n{n_equal} of {len(found.tables)} tables of both releases are equal"


def _name(release: ReleaseFolder) -> str:
    account = release.account
    made = f"crawlcensus {account['code_version']}" if account else "no release.json"
    return f"{release.name} {release.version or '(no version)'}, {made}: {release.path}"


def _describe_table(table: TableDifference) -> Iterator[str]:
    yield f"\n{table.name}: {table.n_old:,} → {table.n_new:,} rows"
    if table.key_changed:
        yield "  the key is another, so rows were not compared"
    for name in table.columns_removed:
        yield f"  column {name}: only in the old release"
    for name in table.columns_added:
        yield f"  column {name}: only in the new release"
    if not table.by_kind:
        return
    yield f"  {table.n_added:,} added, {table.n_removed:,} removed, {table.n_changed:,} changed"
    if table.by_column:
        yield f"  changed in: {_counts(table.by_column)}"
    yield f"  because of: {_counts(table.by_kind)}"
    for example in table.examples:
        yield from _describe_example(example)


def _counts(counts: tuple[tuple[str, int], ...]) -> str:
    return ", ".join(f"{name} ({n:,})" for name, n in counts)


def _describe_example(example: Difference) -> Iterator[str]:
    key = " ".join(str(value) for value in json.loads(example.key).values())
    change = example.change
    if example.column is not None:
        change = f"{example.column} {_short(example.old)} → {_short(example.new)}"
    yield f"    {key}: {change}"
    yield f"      {example.causes}"


def _short(value: str | None) -> str:
    if value is None:
        return "(none)"
    return value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…"
