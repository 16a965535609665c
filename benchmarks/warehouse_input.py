"""Writes a made-up study as a real run would have left it: study file, site list, Parquet parts and manifest.

The same numbers and seed give the same bytes. What is drawn from a real archive and what is made up is said
in docs/performance.md.
"""

import base64
import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import warehouse_draw as draw
from numpy.typing import NDArray
from warehouse_captures import EMPTY_DIGEST, PAGE_DIGEST, captures_of
from warehouse_shape import Shape, read_shape

from consent.agents import read_registry
from consent.dialects import find_dialect
from consent.survey import STRICT
from pipeline.archive_tables import CAPTURES, CONTENTS
from pipeline.layout import Layout
from pipeline.listing import Record
from pipeline.manifest import Manifest, SnapshotFacts, StageEntry, write_manifest
from pipeline.parts import Output, rows_to_table, write_part
from pipeline.study import Study, read_study
from pipeline.table import Table
from pipeline.tables import BODIES, READINGS, RULESETS, SIGNALS
from pipeline.tasks import SkipCount, Stage

N_PARTS = 16
N_FILES = 100
HEAD_SHARE = 2_000 / 13_989  # the head of the 2024 study: the first 2,000 by tokens of its 13,989 hosts
SIGNAL_SHARE = 0.02
REST = 4
ENDINGS = ("com", "org", "net", "gov", "de", "co.uk", "fr", "com.au")
WORDS = b"admin api cart data files include login media node page private search tag tmp user".split()


class Snapshot(NamedTuple):
    """A release: its name and the day it began."""

    name: str
    starts_on: dt.date


def write_study(folder: Path, n_hosts: int, n_months: int, seed: int = 1) -> Study:
    """The study file, its list and all parts below `folder`; returns the study as the project reads it."""
    shape, rng = read_shape(), np.random.Generator(np.random.PCG64(seed))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "archive").mkdir(exist_ok=True)
    totals = _write_sites(folder / "sites.csv", shape, n_hosts, rng)
    (folder / "study.toml").write_text(_study_text(shape, totals), encoding="utf-8")
    study = read_study(folder / "study.toml")
    history = draw.draw_history(shape, n_hosts, n_months, rng)
    numbered = (digest_of(f"body {number}") for number in range(history.n_bodies))
    digests = pa.array([*numbered, EMPTY_DIGEST, PAGE_DIGEST])
    snapshots = list_snapshots(n_months)
    layout = Layout(study.folder)
    captured = [
        *_write_captures(layout, history, snapshots, digests, rng),
        *_write_contents(layout, shape, digests, rng),
    ]
    declared = list(_write_declared(layout, shape, digests, rng))
    write_manifest(layout, _manifest(layout, captured, declared, snapshots))
    return study


def host_names(n_hosts: int) -> list[str]:
    """A registrable domain for every three hosts or so, under several suffixes."""
    return [
        f"{('www', 'data', 'blog')[i % 3]}.site-{i // 3}.{ENDINGS[i // 3 % len(ENDINGS)]}"
        for i in range(n_hosts)
    ]


def list_snapshots(n_months: int) -> list[Snapshot]:
    """Monthly releases from August 2020, each begun on the first Monday of its month."""
    snapshots = []
    for month in range(n_months):
        first = dt.date(2020 + (7 + month) // 12, (7 + month) % 12 + 1, 1)
        monday = first + dt.timedelta(days=-first.weekday() % 7)
        year, week, _ = monday.isocalendar()
        snapshots.append(Snapshot(f"CC-MAIN-{year}-{week:02d}", monday))
    return snapshots


def digest_of(text: str) -> str:
    """SHA-1 in base32, as a digest is written."""
    return base64.b32encode(hashlib.sha1(text.encode()).digest()).decode()


def _study_text(shape: Shape, totals: Mapping[str, int]) -> str:
    dialects = ", ".join(f'"{name}"' for name in (STRICT, *shape.same_as_strict))
    corpora = "".join(
        f'[corpora.{name}]\nhead = "{head_of(name)}"\nsample = "random"\ntotal = {total}\nunit = "tokens"\n'
        for name, total in totals.items()
    )
    return (
        '[study]\nname = "benchmark"\n[archive]\nroot = "archive"\n[sites]\nfile = "sites.csv"\n'
        f'[declare]\ndialects = [{dialects}]\n[engine]\nworkers = 2\n[output]\nfolder = "out"\n{corpora}'
    )


def head_of(corpus: str) -> str:
    """The column that says which hosts are the head of a corpus."""
    return corpus.replace("_tokens", "_head")


def _write_sites(path: Path, shape: Shape, n_hosts: int, rng: np.random.Generator) -> dict[str, int]:
    """The site list; returns what each corpus weighs in all, REST times more than the hosts listed."""
    weights = draw.draw_weights(shape, n_hosts, rng)
    heads = {name: _is_head(tokens) for name, tokens in weights.items()}
    is_any = np.logical_or.reduce(list(heads.values()))
    header = ["host", "stratum", *weights, *map(head_of, heads)]
    columns = [
        host_names(n_hosts),
        np.where(is_any, "head", "random").tolist(),
        *(tokens.tolist() for tokens in weights.values()),
        *(head.astype(int).tolist() for head in heads.values()),
    ]
    lines = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    path.write_text("\n".join([",".join(header), *lines]) + "\n", encoding="utf-8")
    return {name: REST * int(tokens.sum()) for name, tokens in weights.items()}


def _is_head(tokens: NDArray[np.int64]) -> NDArray[np.bool_]:
    n_head = max(1, round(HEAD_SHARE * len(tokens)))
    is_head = np.zeros(len(tokens), dtype=bool)
    is_head[np.argsort(-tokens, kind="stable")[:n_head]] = True
    return is_head


def _write_captures(
    layout: Layout,
    history: draw.History,
    snapshots: Sequence[Snapshot],
    digests: pa.Array,
    rng: np.random.Generator,
) -> Iterator[Output]:
    hosts = pa.array(host_names(history.kinds.shape[1]))
    for month, snapshot in enumerate(snapshots):
        rows = captures_of(snapshot.name, snapshot.starts_on, hosts, history, month, digests, N_FILES, rng)
        stem = layout.part(CAPTURES.name, f"snapshot={snapshot.name}", digest_of(snapshot.name)[:16])
        yield write_part(layout.published, stem, CAPTURES, rows)


def _write_contents(
    layout: Layout, shape: Shape, digests: pa.Array, rng: np.random.Generator
) -> Iterator[Output]:
    lengths = draw.draw_lengths(shape, len(digests), rng)
    text = b"".join(
        b"Disallow: /%b/%x\n" % (word, i) for i, word in enumerate(rng.choice(WORDS, 50_000).tolist())
    )
    starts = rng.integers(0, len(text) - int(lengths.max()), len(digests))
    for part, numbers in enumerate(np.array_split(np.arange(len(digests)), N_PARTS)):
        bodies = [text[starts[n] : starts[n] + lengths[n]] for n in numbers.tolist()]
        rows = pa.table(
            {"content_digest": digests.take(pa.array(numbers)), "content": pa.array(bodies, pa.binary())}
        )
        yield _write(layout, CONTENTS, part, rows)


def _write_declared(
    layout: Layout, shape: Shape, digests: pa.Array, rng: np.random.Generator
) -> Iterator[Output]:
    n = len(digests)
    of_body, lines = draw.draw_rulesets(shape, n, rng)
    readings = {STRICT: of_body, **draw.draw_readings(shape, of_body, len(lines), rng)}
    names = pa.array([digest_of(f"ruleset {number}")[:16].lower() for number in range(len(lines))])
    registry = read_registry(None).digest
    lengths = draw.draw_lengths(shape, n, rng)
    managers = rng.choice(list(shape.managed_by), n, p=_even(list(shape.managed_by.values())))
    for part, numbers in enumerate(np.array_split(np.arange(n), N_PARTS)):
        own = digests.take(pa.array(numbers))
        yield _write(layout, BODIES, part, _bodies(own, lengths[numbers], managers[numbers]))
        tables = [
            _readings(own, name, names.take(pa.array(of[numbers])), registry) for name, of in readings.items()
        ]
        yield _write(layout, READINGS, part, pa.concat_tables(tables))
        # Each part names the rulesets that its bodies need, so that common ones stand in every part.
        used = np.unique(np.concatenate([of[numbers] for of in readings.values()]))
        yield _write(layout, RULESETS, part, _rulesets(used.tolist(), lines, names))
        yield _write(layout, SIGNALS, part, _signals(own, rng))


def _write(layout: Layout, table: Table, part: int, rows: pa.Table) -> Output:
    stem = layout.part(table.name, "", f"{part:016x}")
    keys = [(column, "ascending") for column in table.key]
    return write_part(layout.published, stem, table, rows.select(table.schema.names).sort_by(keys))


def _even(shares: Sequence[float]) -> NDArray[np.float64]:
    given = np.array(shares)
    return given / given.sum()


def _bodies(digests: pa.Array, lengths: draw.Ints, managers: NDArray[np.str_]) -> pa.Table:
    n = len(digests)
    no, managed = pa.array(np.zeros(n, dtype=bool)), pa.array(managers.tolist())
    return pa.table(
        {
            "content_digest": digests,
            "content_length": pa.array(lengths),
            "body_kind": _kinds(digests),
            "is_html": pc.equal(digests, PAGE_DIGEST),
            "has_bom": no,
            "n_groups": pa.array(lengths // 400 + 1),
            "n_rules": pa.array(lengths // 40 + 1),
            "managed_by": pc.if_else(pc.equal(managed, ""), None, managed),
            "is_cut": no,
            "body_refusal_marker": pa.nulls(n, pa.string()),
        }
    )


def _kinds(digests: pa.Array) -> pa.Array:
    is_page = pc.if_else(pc.equal(digests, PAGE_DIGEST), "html", "rules")
    return pc.if_else(pc.equal(digests, EMPTY_DIGEST), "empty", is_page)


def _readings(digests: pa.Array, dialect: str, rulesets: pa.Array, registry: str) -> pa.Table:
    n = len(digests)
    return pa.table(
        {
            "content_digest": digests,
            "dialect": pa.array([dialect] * n),
            "dialect_version": pa.array([find_dialect(dialect).version] * n),
            "registry_digest": pa.array([registry] * n),
            "ruleset": rulesets,
        }
    )


def _rulesets(used: Sequence[int], lines: Sequence[Sequence[draw.Line]], names: pa.Array) -> pa.Table:
    rows = []
    for number in used:
        for agent, word in lines[number]:
            match, restriction, longpre, has_delay = word.split()
            delay = 10.0 if has_delay == "1" else None
            rows.append((names[number].as_py(), agent, match, restriction, longpre, delay))
    return rows_to_table(RULESETS, rows)


def _signals(digests: pa.Array, rng: np.random.Generator) -> pa.Table:
    chosen = digests.filter(pa.array(rng.random(len(digests)) < SIGNAL_SHARE))
    n = len(chosen)
    return pa.table(
        {
            "content_digest": chosen,
            "signal": pa.array(["Content-Signal"] * n, pa.string()),
            "scope": pa.array(["*"] * n, pa.string()),
            "key": pa.array(["ai-train"] * n, pa.string()),
            "value": pa.array(["no"] * n, pa.string()),
            "line": pa.array([2] * n, pa.int64()),
        }
    )


def _manifest(
    layout: Layout, captured: Sequence[Output], declared: Sequence[Output], snapshots: Sequence[Snapshot]
) -> Manifest:
    facts = tuple(
        SnapshotFacts(s.name, f"{s.starts_on}T00:00:00", f"{s.starts_on}T00:00:00", "", N_FILES, N_FILES)
        for s in snapshots
    )
    skips = tuple(SkipCount(s.name, str(Stage.CAPTURE), "broken_record", 3, 1_000) for s in snapshots)
    discover = StageEntry(Stage.DISCOVER, "", 1)
    capture = replace(
        _entry(layout, Stage.CAPTURE, discover.digest, captured, facts), n_tasks=len(captured), skips=skips
    )
    declare = replace(_entry(layout, Stage.DECLARE, capture.digest, declared), n_tasks=N_PARTS)
    return Manifest({entry.stage: entry for entry in (discover, capture, declare)})


def _entry(
    layout: Layout, stage: Stage, after: str, parts: Iterable[Output], facts: tuple[SnapshotFacts, ...] = ()
) -> StageEntry:
    """A stage with the list of its parts, which is published."""
    with Record(layout, stage) as record:
        record.add_parts(parts)
        return record.entry(after, facts)
