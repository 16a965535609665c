"""Folders and buckets alike: a thing appears whole or not at all, and of many who create it one does."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from pipeline.storage.choice import is_bucket, open_storage
from pipeline.storage.folder import FolderStorage
from pipeline.storage.storage import Storage

KINDS = ("folder", "bucket")


def names(storage: Storage, prefix: str) -> list[str]:
    return [entry.name for entry in storage.iter_below(prefix)]


# ---- what is stored, and what is not there


def test_what_was_stored_comes_back_with_its_size(storage: Storage) -> None:
    for data in (b"one", b"", b"\x00\xff" * 9):
        storage.replace("a/b/c.bin", data)
        assert storage.read("a/b/c.bin") == data
        assert storage.size("a/b/c.bin") == len(data)
        with storage.open("a/b/c.bin") as file:
            assert file.read() == data
        assert list(storage.iter_below("a")) == [("a/b/c.bin", len(data))]


def test_what_is_not_there_has_no_size_and_cannot_be_read(storage: Storage) -> None:
    storage.replace("a/b", b"1")
    for name in ("a/c", "nothing", "a"):
        assert storage.size(name) is None
    for name in ("a/c", "nothing"):
        with pytest.raises(FileNotFoundError):
            storage.read(name)
        with pytest.raises(FileNotFoundError):
            storage.open(name)
        with pytest.raises(FileNotFoundError), storage.local(["a/b", name]) as paths:
            [path.read_bytes() for path in paths]


def test_an_empty_place_has_nothing(storage: Storage) -> None:
    assert list(storage.iter_below("")) == list(storage.iter_below("a")) == []
    storage.remove(["a", "b/c"])
    storage.remove([])
    with storage.local([]) as paths:
        assert paths == []


def test_the_root_is_as_the_study_names_it(bucket_root: str, tmp_path: Path) -> None:
    assert open_storage(bucket_root).root == open_storage(f"{bucket_root}/").root == bucket_root
    assert open_storage(str(tmp_path)).root == str(tmp_path)
    assert is_bucket(bucket_root)
    assert not is_bucket(str(tmp_path))
    assert open_storage(bucket_root) is open_storage(bucket_root), "its connections last"


# ---- lists


def test_everything_below_a_folder_is_listed_by_name_and_nothing_beside_it(storage: Storage) -> None:
    stored = ["a/z", "a/b/c", "a/b-c", "a/b", "a-b/x", "ab/y", "b", "a/é", "a/B", "a/10", "a/9"]
    stored.remove("a/b")  # no folder has a file and a folder of one name
    for name in stored:
        storage.replace(name, name.encode())
    assert names(storage, "a") == sorted(name for name in stored if name.startswith("a/"))
    assert names(storage, "a/") == names(storage, "a")
    assert names(storage, "") == sorted(stored)
    assert names(storage, "a/b") == ["a/b/c"]
    assert names(storage, "a/z") == names(storage, "b") == []
    assert [entry.n_bytes for entry in storage.iter_below("a")] == [
        len(name.encode()) for name in names(storage, "a")
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_more_than_a_thousand_things_are_listed_and_removed(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    root = str(tmp_path / "many") if kind == "folder" else request.getfixturevalue("bucket_root")
    storage = open_storage(root)
    stored = sorted(f"deep/{n % 7}/{n:05d}" for n in range(1300))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda name: storage.replace(name, b"1"), stored))
    storage.replace("deeper", b"1")
    assert names(storage, "deep") == stored
    storage.remove(name for name in stored if not name.startswith("deep/3/"))
    assert names(storage, "deep") == [name for name in stored if name.startswith("deep/3/")]
    storage.remove(stored)
    assert names(storage, "") == ["deeper"]


def test_folders_that_are_left_empty_go_too(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    for name in ("a/b/c", "a/b/d", "a/e/f", "g"):
        storage.replace(name, b"")
    storage.remove(["a/b/c", "a/b/d"])
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["e"]
    storage.remove(["a/e/f", "g", "gone/too"])
    assert list(tmp_path.iterdir()) == []


def test_a_list_that_others_change_meanwhile_has_what_came_in_place_of_what_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the names and their sizes, many are put into one that sorts after them."""
    storage = FolderStorage(tmp_path)
    for n in range(9):
        storage.replace(f"a/{n}", b"1")
    size, left = FolderStorage.size, [True]

    def change(self: FolderStorage, name: str) -> int | None:
        if left.pop() if left else False:
            storage.replace("a/folded", b"123456789")
            storage.remove(f"a/{n}" for n in range(9))
        return size(self, name)

    monkeypatch.setattr(FolderStorage, "size", change)
    assert list(storage.iter_below("a")) == [("a/folded", 9)]


# ---- first come


def test_the_first_who_creates_a_thing_is_told_so_and_later_ones_change_nothing(storage: Storage) -> None:
    assert storage.create("a/b", b"first")
    assert not storage.create("a/b", b"second, and longer")
    assert storage.read("a/b") == b"first"
    storage.remove(["a/b"])
    assert storage.create("a/b", b"third")
    storage.replace("a/b", b"fourth")
    assert storage.read("a/b") == b"fourth"
    assert names(storage, "") == ["a/b"]


# ---- drafts


def test_a_draft_is_not_to_be_seen_before_it_is_published_and_gone_afterwards(storage: Storage) -> None:
    storage.replace("a/old", b"1")
    with storage.draft("a/new") as draft:
        draft.write_bytes(b"half")
        assert names(storage, "") == ["a/old"]
        assert storage.size("a/new") is None
        draft.write_bytes(b"whole")
        storage.publish(draft, "a/new-5")
        assert storage.read("a/new-5") == b"whole"
    assert not draft.exists()
    died = suppress(KeyboardInterrupt)
    with died, storage.draft("a/new") as draft:
        draft.write_bytes(b"half")
        raise KeyboardInterrupt
    assert not draft.exists()
    assert names(storage, "") == ["a/new-5", "a/old"]


def test_what_has_the_name_already_is_left_or_is_the_same(storage: Storage) -> None:
    for there in (None, b"whole", b"cut"):
        if there is not None:
            storage.replace("part-1", there)
        with storage.draft("part") as draft:
            draft.write_bytes(b"whole")
            storage.publish(draft, "part-1")
        assert storage.read("part-1") == b"whole"


def test_drafts_of_one_name_do_not_meet(storage: Storage) -> None:
    with storage.draft("a/x") as one, storage.draft("a/x") as two:
        assert one != two
        one.write_bytes(b"1")
        two.write_bytes(b"22")
        storage.publish(one, "a/1")
        storage.publish(two, "a/2")
    assert list(storage.iter_below("a")) == [("a/1", 1), ("a/2", 2)]


def test_a_folder_that_others_empty_can_be_written_into(tmp_path: Path) -> None:
    """Whoever removes the last thing removes the folder, which another is just about to use."""
    storage, stop = FolderStorage(tmp_path), threading.Event()

    def tidy() -> None:
        while not stop.is_set():
            storage.remove(["a/b/gone"])

    tidier = threading.Thread(target=tidy)
    tidier.start()
    try:
        for n in range(100):
            storage.replace(f"a/b/{n}", b"1")
            storage.remove([f"a/b/{n}"])
    finally:
        stop.set()
        tidier.join()
    assert not (tmp_path / "a").exists()
