"""Studies of three small releases that tests load one after another, and what came of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.layout import Layout
from pipeline.manifest import Manifest, read_manifest, write_manifest
from pipeline.tables import TABLES
from pipeline.tasks import Stage

OLD, MIDDLE, NEW = "CC-MAIN-2023-40", "CC-MAIN-2024-10", "CC-MAIN-2024-18"
HOSTS = [f"h{n}.example" for n in range(12)]
FILES = (Stage.DISCOVER, Stage.CAPTURE, Stage.DECLARE)
# What analysis fills is empty after a load, and runs tell of the clock.
STORED = sorted(set(TABLES) - {"contents", "runs"})
NOTES = ("loading.parts", "loading.rules", "loading.owed")

Rows = dict[str, list[tuple[Any, ...]]]


def url(host: str) -> str:
    return f"http://{host}/robots.txt"


def body(n: int) -> bytes:
    return b"User-agent: *\nDisallow: /h%d\n" % n


def write_releases(root: Path, archives: Any) -> None:
    """Bodies stay, change, come back and are met again elsewhere; the first release has a damaged record."""
    answer = archives.Answer
    stays = [answer(url(host), body(n)) for n, host in enumerate(HOSTS[:6])]
    moves = archives.moved(url(HOSTS[11]), url("elsewhere.test"), body=body(99))
    releases = {
        OLD: [*stays, answer(url(HOSTS[6]), body(60)), answer(url(HOSTS[8]), body(80), damage=True)],
        MIDDLE: [*stays, answer(url(HOSTS[6]), body(61)), answer(url(HOSTS[7]), b"", 404), *moves],
        NEW: [
            *stays[:3],
            answer(url(HOSTS[6]), body(60)),
            answer(url(HOSTS[8]), body(80)),
            answer(url(HOSTS[9]), archives.PAGE),
            answer(url("stranger.test"), body(61)),
        ],
    }
    archives.write_archive(root, releases)


def load(study: Any, *crawls: str, allow_missing: bool = False) -> None:
    """Run a study of these releases up to its warehouse."""
    study.crawls = crawls
    study.run(*FILES, Stage.LOAD, allow_missing=allow_missing)


def rows_of(study: Any) -> Rows:
    """The rows of every table, sorted, with what the database notes of its making."""
    return {table: study.ask(f"FROM {table} ORDER BY ALL") for table in (*STORED, *NOTES)}


def rebuild(study: Any) -> Rows:
    """The same of a warehouse that is built from the same parts at once."""
    (study.out / "census.duckdb").unlink()
    study.run(Stage.LOAD)
    return rows_of(study)


@contextmanager
def unreadable(study: Any) -> Iterator[None]:
    """As long as this lasts, the parts that the warehouse has read stand nowhere."""
    layout = Layout(study.out)
    noted = study.ask("SELECT path FROM loading.parts")
    paths = [Path(layout.storage_of(path).root, path) for (path,) in noted]
    assert paths
    for path in paths:
        path.rename(path.with_suffix(".away"))
    yield
    for path in paths:
        path.with_suffix(".away").rename(path)


def forget(folder: Path, *stages: Stage) -> None:
    """Have stages run again."""
    layout = Layout(folder)
    entries = read_manifest(layout).stages
    write_manifest(layout, Manifest({name: entries[name] for name in entries if name not in stages}))


def products(folder: Path) -> dict[str, bytes]:
    """Dataset and report, byte for byte."""
    found = [*(folder / "dataset").rglob("*"), *(folder / "report").rglob("*"), folder / "report.html"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.is_file()}
