"""A bucket that speaks S3: an object is whole by nature, first come by a PUT on the condition of absence.

The condition (`If-None-Match: *`) is honoured by Amazon S3 since 2024, and by MinIO, Ceph and others. A
server that ignores it would let the later of two executors win, so it is tried once and such one refused.
"""

import io
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from itertools import count, islice
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.storage.object_file import open_object
from pipeline.storage.storage import Entry, StorageError
from snapshots.s3_transport import CREDENTIALS, NOT_ALLOWED, make_client, split_root
from snapshots.transport import SetupWrong

ATTEMPTS = 8
# Before the second attempt, and twice as much before each that follows.
PAUSE_S = 0.05
# Objects that one request removes.
BATCH = 1000
THREADS = 8
CHUNK_BYTES = 1 << 20
SERVER_ERROR = 500
_ABSENT = frozenset(["404", "NoSuchKey", "NotFound"])
_EXISTS = frozenset(["412", "PreconditionFailed"])
# Two conditional requests at once: S3 answers one of them so, and wants it sent again.
_CONFLICT = frozenset(["409", "ConditionalRequestConflict", "OperationAborted"])
# What is said of any range of an object without bytes.
_NO_RANGE = frozenset(["416", "InvalidRange"])
# An answer to HEAD has no text, and therefore no better code.
_REFUSED = NOT_ALLOWED | {"401", "403"}
CHECK = ".condition-check"


class BucketStorage:
    """See `Storage`. `root` is `s3://bucket/prefix`; keys, region and endpoint are found as AWS tools do."""

    def __init__(self, root: str) -> None:
        self._root = root.rstrip("/")
        self._bucket, self._prefix = split_root(root)
        try:
            self._client = make_client("crawlcensus", ATTEMPTS)
        except SetupWrong as error:
            raise StorageError(f"[output] {root}: {error}") from None
        self._n_retries = 0
        self._client.meta.events.register("needs-retry.s3", self._count_retry)

    @property
    def root(self) -> str:
        return self._root

    @property
    def n_retries(self) -> int:
        return self._n_retries

    def read(self, name: str) -> bytes:
        sink = io.BytesIO()
        self._fetch(name, sink)
        return sink.getvalue()

    def open(self, name: str) -> BinaryIO:
        def ask(span: str) -> tuple[bytes, int]:
            sink = io.BytesIO()
            stated = self._fetch(name, sink, Range=span).get("ContentRange", "")
            data = sink.getvalue()
            # Of an object without bytes there is no range.
            return data, int(stated.rpartition("/")[2]) if stated else len(data)

        return open_object(ask)

    def size(self, name: str) -> int | None:
        try:
            return int(self._ask("head_object", name)["ContentLength"])
        except FileNotFoundError:
            return None

    def iter_below(self, prefix: str) -> Iterator[Entry]:
        start, token = self._prefix + (f"{prefix.rstrip('/')}/" if prefix else ""), ""
        while True:
            more = {"ContinuationToken": token} if token else {}
            answer = self._call("list_objects_v2", Prefix=start, **more)
            for item in answer.get("Contents", []):
                name = item["Key"].removeprefix(self._prefix)
                # Consoles mark folders by objects whose names end so.
                if name != CHECK and not name.endswith("/"):
                    yield Entry(name, int(item["Size"]))
            token = answer.get("NextContinuationToken", "")
            if not token:
                return

    def create(self, name: str, data: bytes) -> bool:
        return self._keeps_conditions and self._create(name, data)

    def replace(self, name: str, data: bytes) -> None:
        self._ask("put_object", name, Body=data)

    @contextmanager
    def draft(self, name: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="crawlcensus-") as folder:
            yield Path(folder) / name.rpartition("/")[2]

    def publish(self, draft: Path, name: str) -> None:
        data = draft.read_bytes()
        # Of another size it is no work of ours.
        if not self._create(name, data) and self.size(name) != len(data):
            self.replace(name, data)

    def remove(self, names: Iterable[str]) -> None:
        keys = iter([{"Key": self._prefix + name} for name in names])
        while batch := list(islice(keys, BATCH)):
            answer = self._call("delete_objects", Delete={"Objects": batch, "Quiet": True})
            left = [error for error in answer.get("Errors", []) if error.get("Code") not in _ABSENT]
            if left:
                raise StorageError(
                    f"[output] {self._root}: {len(left)} objects could not be removed, the first is"
                    f" {left[0].get('Key')} ({left[0].get('Code')}). Fix: allow s3:DeleteObject there."
                )

    @contextmanager
    def local(self, names: Iterable[str]) -> Iterator[list[Path]]:
        """Copies, which go with the block."""
        listed = list(names)
        with tempfile.TemporaryDirectory(prefix="crawlcensus-") as folder:
            paths = [Path(folder) / f"{i:06d}-{name.rpartition('/')[2]}" for i, name in enumerate(listed)]
            with ThreadPoolExecutor(THREADS) as threads:
                for _ in threads.map(self._copy, listed, paths):
                    pass
            yield paths

    def _copy(self, name: str, path: Path) -> None:
        with path.open("wb") as file:
            self._fetch(name, file)

    def _fetch(self, name: str, sink: BinaryIO, **options: Any) -> dict[str, Any]:
        """Write an object's bytes, asked for again when they are cut short; returns the answer's fields."""
        from botocore.exceptions import BotoCoreError

        for attempt in count(1):
            answer = self._ask("get_object", name, **options)
            sink.seek(0)
            sink.truncate()
            try:
                for chunk in answer["Body"].iter_chunks(CHUNK_BYTES) if "Body" in answer else ():
                    sink.write(chunk)
                break
            except BotoCoreError as error:
                if attempt == ATTEMPTS:
                    raise self._unreached(f"{self._root}/{name}", error) from error
                self._n_retries += 1
                _pause(attempt)
        return answer

    def _count_retry(self, response: Any = None, caught_exception: Any = None, **_: Any) -> None:
        """Called by the client after each answer, and where none came; whether to retry it says itself."""
        self._n_retries += caught_exception is not None or response[0].status_code >= SERVER_ERROR

    def _create(self, name: str, data: bytes) -> bool:
        from botocore.exceptions import ClientError

        token = secrets.token_hex(8)
        options = {"Body": data, "IfNoneMatch": "*", "Metadata": {"by": token}}
        for attempt in count(1):
            try:
                self._send("put_object", Key=self._prefix + name, **options)
                break
            except ClientError as error:
                if _code(error) in _EXISTS:
                    # The answer to a request that was granted may be lost, and the request sent again.
                    is_again = attempt > 1 or error.response["ResponseMetadata"].get("RetryAttempts", 0)
                    return bool(is_again) and self._is_by(name, token)
                if _code(error) not in _CONFLICT or attempt == ATTEMPTS:
                    raise self._explain(error) from error
                _pause(attempt)
        return True

    def _is_by(self, name: str, token: str) -> bool:
        try:
            return bool(self._ask("head_object", name)["Metadata"].get("by") == token)
        except FileNotFoundError:
            return False

    @cached_property
    def _keeps_conditions(self) -> bool:
        """Asked of the server, as its documentation may not say: an object is put where one stands."""
        if self.size(CHECK) is None:
            self.replace(CHECK, b"")
        if self._create(CHECK, b""):
            raise StorageError(
                f"[output] {self._root}: the server at {self._client.meta.endpoint_url} ignores"
                " `If-None-Match: *` on PUT, so two executors could both win."
                " Fix: use a server that keeps it (Amazon S3, MinIO, Ceph), or a folder."
            )
        return True

    def _ask(self, operation: str, name: str, **options: Any) -> dict[str, Any]:
        return self._call(operation, Key=self._prefix + name, **options)

    def _call(self, operation: str, **options: Any) -> dict[str, Any]:
        from botocore.exceptions import ClientError

        try:
            return self._send(operation, **options)
        except ClientError as error:
            if _code(error) in _ABSENT:
                raise FileNotFoundError(f"s3://{self._bucket}/{options.get('Key', '')}") from error
            if _code(error) in _NO_RANGE:
                return {}
            raise self._explain(error) from error

    def _send(self, operation: str, **options: Any) -> dict[str, Any]:
        """The answer; raises ClientError for one that is an error, StorageError where none came."""
        from botocore.exceptions import BotoCoreError, NoCredentialsError

        try:
            return dict(getattr(self._client, operation)(Bucket=self._bucket, **options))
        except NoCredentialsError as error:
            raise StorageError(
                f"[output] {self._root}: no AWS credentials were found; {CREDENTIALS}"
            ) from error
        except BotoCoreError as error:
            raise self._unreached(self._root, error) from error

    def _unreached(self, where: str, error: Exception) -> StorageError:
        endpoint = self._client.meta.endpoint_url
        return StorageError(
            f"[output] {where}: {error}. Run again to go on where it stopped;"
            f" if {endpoint} is not your server, mend AWS_ENDPOINT_URL."
        )

    def _explain(self, error: Any) -> StorageError:
        """What a person has to mend, where it is known."""
        code, where = _code(error), f"{self._root} at {self._client.meta.endpoint_url}"
        if code in _REFUSED:
            return StorageError(f"[output] {where} refuses the AWS credentials ({code}); {CREDENTIALS}")
        if code == "NoSuchBucket":
            return StorageError(f"[output] {where}: there is no such bucket. Fix: make it, or mend the name.")
        return StorageError(f"[output] {where}: {error}")


def _pause(attempt: int) -> None:
    time.sleep(PAUSE_S * 2 ** (attempt - 1))


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
