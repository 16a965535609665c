"""The manifest: which parts a reader may trust. Written when a stage's plan is complete, and only then."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from pipeline.layout import MANIFEST, Layout
from pipeline.tables import SCHEMA_VERSION
from pipeline.tasks import SkipCount, Stage

LISTS = "lists"
# Goes up when an entry states other things than before.
FORMAT = 2


class StageMissingError(RuntimeError):
    """A stage is asked for whose predecessor is not complete; the text says what to run."""


class ManifestError(ValueError):
    """The stored manifest is damaged; the text names the file and the way on."""


@dataclass(frozen=True, slots=True)
class SnapshotFacts:
    """What is known of a release: dates as ISO text or None, notes, files planned and read.

    `mode` says how it is read, `n_warc_bytes` is the size of its WARC files, estimated over a network.
    """

    snapshot: str
    starts_at: str | None
    ends_at: str | None
    notes: str
    n_files_planned: int = 0
    n_files_read: int = 0
    mode: str = "scan"
    n_warc_bytes: int = 0


@dataclass(frozen=True, slots=True)
class StageEntry:
    """One completed stage: `after` is the digest of what it was built on, `digest` that of itself.

    `listing` names the list of its parts (see `pipeline.listing`), `n_rows` are their rows by table, so that
    an entry is as small for a hundred thousand tasks as for one. `n_short` tasks lacked part of their input.
    """

    stage: Stage
    after: str
    n_tasks: int
    listing: str = ""
    n_rows: Mapping[str, int] = field(default_factory=dict)
    skips: tuple[SkipCount, ...] = ()
    n_short: int = 0
    snapshots: tuple[SnapshotFacts, ...] = ()
    versions: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """16 hex digits over everything that the stage states."""
        return digest_of(asdict(self))


@dataclass(frozen=True, slots=True)
class Manifest:
    """The completed stages by name; empty when nothing is complete yet."""

    stages: Mapping[Stage, StageEntry] = field(default_factory=dict)

    def require(self, stage: Stage, after: Stage | tuple[Stage, ...] = ()) -> StageEntry:
        """The entry of a completed stage, built on `after` as it stands now; StageMissingError otherwise."""
        grounds = (after,) if isinstance(after, Stage) else after
        entry = self.stages.get(stage)
        if entry is None:
            raise StageMissingError(
                f"the stage {stage} is not complete. Run `crawlcensus {stage}` or `crawlcensus run`."
            )
        if grounds and entry.after != self.ground(grounds):
            raise StageMissingError(
                f"the stage {stage} is older than {' or '.join(grounds)}. Run `crawlcensus {stage}` again."
            )
        return entry

    def ground(self, stages: tuple[Stage, ...]) -> str:
        """What a stage states that is built on these: the digest of one, or of those of several together."""
        digests = [self.require(stage).digest for stage in stages]
        return digests[0] if len(digests) == 1 else digest_of(digests)

    def with_entry(self, entry: StageEntry) -> "Manifest":
        """This manifest with one stage replaced."""
        return replace(self, stages={**self.stages, entry.stage: entry})


def digest_of(value: object) -> str:
    """16 hex digits of SHA-256 over the value as JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]


def read_manifest(layout: Layout) -> Manifest:
    """The manifest of an output folder; an empty one when there is none or it is of another schema or format.

    Raises ManifestError when the file is damaged.
    """
    storage = layout.published
    try:
        stored = json.loads(storage.read(MANIFEST))
        if (stored.get("schema_version"), stored.get("format")) != (SCHEMA_VERSION, FORMAT):
            return Manifest()
        return Manifest({Stage(name): _parse_entry(entry) for name, entry in stored["stages"].items()})
    except FileNotFoundError:
        return Manifest()
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ManifestError(
            f"{storage.root}/{MANIFEST} is not a manifest ({error});"
            " delete it and run again: what is done stays done"
        ) from error


def _parse_entry(stored: dict[str, object]) -> StageEntry:
    def items(key: str) -> Sequence[dict[str, object]]:
        value = stored[key]
        return value if isinstance(value, list) else []

    return StageEntry(
        stage=Stage(str(stored["stage"])),
        after=str(stored["after"]),
        n_tasks=int(str(stored["n_tasks"])),
        listing=str(stored["listing"]),
        n_rows={str(table): int(str(n)) for table, n in _mapping(stored["n_rows"]).items()},
        skips=tuple(SkipCount(**item) for item in items("skips")),  # type: ignore[arg-type]
        n_short=int(str(stored["n_short"])),
        snapshots=tuple(SnapshotFacts(**item) for item in items("snapshots")),  # type: ignore[arg-type]
        versions=tuple(map(str, items("versions"))),
    )


def write_manifest(layout: Layout, manifest: Manifest) -> None:
    """Replace the stored manifest, and remove the lists of parts that it no longer names."""
    stages = {str(stage): asdict(entry) for stage, entry in sorted(manifest.stages.items())}
    fields = {"format": FORMAT, "schema_version": SCHEMA_VERSION, "stages": stages}
    text = json.dumps(fields, indent=1, sort_keys=True)
    storage = layout.published
    storage.replace(MANIFEST, (text + "\n").encode())
    named = {entry.listing for entry in manifest.stages.values()}
    storage.remove([name for name, _ in storage.iter_below(LISTS) if name not in named])


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}
