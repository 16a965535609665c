"""The code that an executor needs, as one archive that Python imports from: the rooms and their version."""

import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

ROOMS = ("consent", "snapshots", "crawler", "analysis", "pipeline")
# Equal code gives equal bytes, whenever it is packed.
_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack_rooms(target: Path) -> None:
    """Write the rooms as they are imported here, with the distribution's metadata, as a zip file.

    It holds what the wheel holds, and is a wheel in all but name: Spark takes a package by its ending.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(_iter_files()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)


def _iter_files() -> Iterator[tuple[str, bytes]]:
    for room in ROOMS:
        spec = find_spec(room)
        origin = spec.origin if spec else None
        if origin is None:
            raise ModuleNotFoundError(f"the room {room} cannot be found; install crawlcensus again")
        folder = Path(origin).parent
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                yield f"{room}/{path.relative_to(folder).as_posix()}", path.read_bytes()
    crawlcensus = distribution("crawlcensus")
    # importlib.metadata finds the version beside the packages, in a zip as in a folder.
    yield (
        f"crawlcensus-{crawlcensus.version}.dist-info/METADATA",
        (crawlcensus.read_text("METADATA") or "").encode(),
    )
