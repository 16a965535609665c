"""Where a Common Crawl layout is read from: a folder or a server, behind one question, `read(path)`."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit


class ArchiveError(Exception):
    """A file of the archive could not be read whole."""


class FileMissing(ArchiveError):  # noqa: N818 - named after what happened, as the other two
    """The archive has no such file."""


class FileDamaged(ArchiveError):  # noqa: N818
    """The file came shorter or longer than stated, or changed while being read, in every attempt."""


class Refused(ArchiveError):  # noqa: N818
    """The server refused or failed in every attempt."""


class Archive(ABC):
    """Reads whole files of an archive by their path below its root, e.g. `collinfo.json`."""

    is_remote: bool

    @abstractmethod
    def read(self, path: str) -> bytes:
        """The bytes of a file, whole; raises an ArchiveError that names the file, never returns a part."""

    @abstractmethod
    def close(self) -> None:
        """Give back connections, if there are any."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class FolderArchive(Archive):
    """A folder laid out as data.commoncrawl.org is."""

    is_remote = False

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, path: str) -> bytes:
        """See `Archive.read`."""
        file = self._root / path
        try:
            return file.read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise FileMissing(f"{path}: no such file in {self._root}") from error
        except OSError as error:
            raise FileDamaged(f"{path}: {error.strerror}") from error

    def close(self) -> None:
        """See `Archive.close`; a folder holds nothing open."""


def is_loopback(host: str | None) -> bool:
    """Whether a host name is this machine itself."""
    return host is not None and (host in ("localhost", "::1") or host.startswith("127."))


def open_archive(
    root: str,
    requests_per_s: float = 1.5,
    cooldown_s: float = 900.0,
    contact: str = "https://example.org/crawlcensus",
    limiter_path: Path | None = None,
) -> Archive:
    """The archive at `root`: a folder (plain or `file://`) or an `http(s)://` address.

    `contact` goes into the User-Agent, `limiter_path` names a file by which all processes on this
    machine share one rate. ValueError says what is wrong with a root or a rate.
    """
    parts = urlsplit(root)
    if parts.scheme in ("http", "https"):
        if requests_per_s < 0 or (requests_per_s == 0 and not is_loopback(parts.hostname)):
            raise ValueError(f"requests_per_s must be above 0 for {root}: without limit only on this machine")
        # Imported here: who reads a folder need not load an HTTP client.
        from snapshots.pace import Pace
        from snapshots.remote import RemoteArchive

        return RemoteArchive(root, Pace(requests_per_s, cooldown_s, limiter_path), contact)
    if parts.scheme not in ("", "file") and len(parts.scheme) > 1:
        raise ValueError(f"cannot read an archive at {root}: give a folder, file://, http:// or https://")
    folder = Path(unquote(parts.path) if parts.scheme == "file" else root)
    if not folder.is_dir():
        raise ValueError(f"no archive at {root}: there is no such folder")
    return FolderArchive(folder)
