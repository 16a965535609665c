"""What a bucket may answer, or not: what can be mended is tried again, and the rest said with its fix."""

import os
import secrets
from typing import Any

import pytest

from pipeline.storage.bucket import BucketStorage
from pipeline.storage.choice import open_storage
from pipeline.storage.storage import StorageError


@pytest.fixture
def bucket(small_s3: Any) -> BucketStorage:
    assert small_s3.address
    return BucketStorage(f"s3://census/{secrets.token_hex(4)}")


def test_a_request_that_was_granted_unheard_and_sent_again_is_granted(
    bucket: BucketStorage, small_s3: Any
) -> None:
    assert bucket.create("before", b"")
    small_s3.n_lost_answers = 1
    assert bucket.create("a", b"mine")
    assert not bucket.create("a", b"theirs")
    assert bucket.read("a") == b"mine"


def test_a_request_that_was_lost_to_another_and_sent_again_is_not_granted(
    bucket: BucketStorage, small_s3: Any
) -> None:
    assert bucket.create("a", b"theirs")
    small_s3.n_conflicts = 1
    assert not bucket.create("a", b"mine")
    assert bucket.read("a") == b"theirs"


def test_two_at_once_of_whom_the_server_sends_one_back_are_two_who_try(
    bucket: BucketStorage, small_s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bucket.create("before", b"")
    small_s3.n_conflicts = 3
    assert bucket.create("a", b"mine")
    monkeypatch.setattr("pipeline.storage.bucket.PAUSE_S", 0)
    small_s3.n_conflicts = 999
    with pytest.raises(StorageError, match="ConditionalRequestConflict"):
        bucket.create("b", b"mine")


def test_what_was_cut_short_is_asked_for_again(
    bucket: BucketStorage, small_s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.storage.bucket.PAUSE_S", 0.001)
    data = os.urandom(200_000)
    bucket.replace("a", data)
    small_s3.n_cut = 2
    assert bucket.read("a") == data
    small_s3.n_cut = 2
    assert bucket.open("a").read() == data
    small_s3.n_cut = 2
    with bucket.local(["a", "a"]) as paths:
        assert [path.read_bytes() for path in paths] == [data, data]
    small_s3.n_cut = 999
    with pytest.raises(StorageError, match=r"s3://census/.*/a"):
        bucket.read("a")


@pytest.mark.parametrize("size", [0, 9, 200_000])
def test_a_server_that_knows_no_ranges_or_none_of_nothing_is_read_all_the_same(
    bucket: BucketStorage, size: int
) -> None:
    data = os.urandom(size)
    bucket.replace("a", data)
    file = bucket.open("a")
    file.seek(size // 2)
    assert file.read() == data[size // 2 :]


def test_a_server_that_ignores_the_condition_is_refused_before_anything_is_created(
    bucket: BucketStorage, small_s3: Any
) -> None:
    small_s3.is_honest = False
    for _ in range(2):
        with pytest.raises(StorageError, match="ignores `If-None-Match: \\*` on PUT") as caught:
            bucket.create("a", b"1")
    assert small_s3.address in str(caught.value)
    assert "Fix: use a server that keeps it" in str(caught.value)
    assert bucket.size("a") is None


def test_the_condition_is_tried_once_in_each_process_and_not_at_all_by_readers(
    bucket: BucketStorage, small_s3: Any
) -> None:
    bucket.replace("r", b"1")
    assert bucket.read("r") == b"1"
    assert not [line for line in small_s3.asked if "condition-check" in line]
    for name in "abc":
        assert bucket.create(name, b"1")
    assert [line.split()[0] for line in small_s3.asked if "condition-check" in line] == ["HEAD", "PUT", "PUT"]


def everything(storage: BucketStorage) -> dict[str, Any]:
    """Every question that is put to a bucket, as something to be called."""
    return {
        "read": lambda: storage.read("a"),
        "open": lambda: storage.open("a"),
        "size": lambda: storage.size("a"),
        "list": lambda: list(storage.iter_below("a")),
        "create": lambda: storage.create("a", b""),
        "replace": lambda: storage.replace("a", b""),
        "remove": lambda: storage.remove(["a"]),
    }


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied"])
def test_keys_that_are_refused_are_named_with_what_to_set(
    bucket: BucketStorage, small_s3: Any, code: str
) -> None:
    small_s3.refuses_with = (403, code)
    for kind, ask in everything(bucket).items():
        with pytest.raises(StorageError, match="refuses the AWS credentials") as caught:
            ask()
        assert bucket.root in str(caught.value), kind
        assert "AWS_ACCESS_KEY_ID" in str(caught.value), kind


def test_a_bucket_that_is_not_there_is_named(s3_server: Any, aws_user: pytest.MonkeyPatch) -> None:
    aws_user.setenv("AWS_ENDPOINT_URL", s3_server.address)
    storage = BucketStorage("s3://no-such-bucket/place")
    asked = everything(storage)
    assert asked.pop("size")() is None
    for ask in asked.values():
        with pytest.raises(
            StorageError, match=r"s3://no-such-bucket/place .*there is no such bucket\. Fix: "
        ):
            ask()


def test_without_credentials_it_is_said_what_to_set(small_s3: Any, aws_user: pytest.MonkeyPatch) -> None:
    aws_user.delenv("AWS_ACCESS_KEY_ID")
    aws_user.delenv("AWS_SECRET_ACCESS_KEY")
    for ask in everything(BucketStorage("s3://census/place")).values():
        with pytest.raises(StorageError, match=r"\[output\] s3://census/place: no AWS credentials") as caught:
            ask()
        assert "AWS_ACCESS_KEY_ID" in str(caught.value)
    assert small_s3.asked == []


def test_a_profile_that_is_not_there_is_an_error_of_the_output(aws_nobody: pytest.MonkeyPatch) -> None:
    aws_nobody.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(StorageError, match=r"\[output\] s3://census/place: .*nobody"):
        open_storage("s3://census/place")


def test_a_server_that_does_not_answer_is_an_error_with_its_address(
    aws_user: pytest.MonkeyPatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.storage.bucket.ATTEMPTS", 1)
    aws_user.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StorageError, match=r"127\.0\.0\.1:1"):
        BucketStorage("s3://census/place").read("a")


def test_what_could_not_be_removed_is_an_error_with_its_name(bucket: BucketStorage, small_s3: Any) -> None:
    bucket.remove(["a", "b"])
    small_s3.keeps = "some/where/b"
    with pytest.raises(StorageError, match=r"some/where/b \(AccessDenied\)"):
        bucket.remove(["a", "b"])


def test_a_connection_is_not_shared_with_a_forked_process(bucket_root: str) -> None:
    mine = id(open_storage(bucket_root))
    read, write = os.pipe()
    if not (child := os.fork()):
        os.write(write, b"same" if id(open_storage(bucket_root)) == mine else b"other")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 9) == b"other"
    os.close(read)
    os.close(write)
