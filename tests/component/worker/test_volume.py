"""The volume store on a real file system: what it reads and writes; no path leads outside."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.storage import file_types
from imagejob_worker.storage.volume import VolumeStorage
from support.volume_store import LIMIT, Volume


def test_a_file_is_fetched_with_its_length_and_digest(volume: Volume) -> None:
    (volume.folder / "in").mkdir()
    (volume.folder / "in" / "cat.jpg").write_bytes(bytes(LIMIT))

    assert volume.fetch("in/cat.jpg") == (LIMIT, hashlib.sha256(bytes(LIMIT)).digest())
    assert volume.here.read_bytes() == bytes(LIMIT)


def test_an_output_appears_in_folders_made_for_it(volume: Volume) -> None:
    volume.put("derived/cat/thumb.webp")

    assert volume.files() == {"derived/cat/thumb.webp": b"a picture"}


def test_an_output_replaces_what_was_there(volume: Volume) -> None:
    volume.put("thumb.webp", b"old")
    volume.put("thumb.webp", b"new")

    assert volume.files() == {"thumb.webp": b"new"}


def test_an_empty_output_is_a_file(volume: Volume) -> None:
    volume.put("empty", b"")

    assert volume.files() == {"empty": b""}


def link_within(volume: Volume) -> str:
    (volume.folder / "real").write_bytes(b"x")
    (volume.folder / "link").symlink_to("real")
    return "link"


def folder(volume: Volume) -> str:
    (volume.folder / "a").mkdir()
    return "a"


def below_a_file(volume: Volume) -> str:
    (volume.folder / "a").write_bytes(b"x")
    return "a/b"


def nothing(volume: Volume) -> str:  # noqa: ARG001
    return "a/b"


def large(volume: Volume) -> str:
    (volume.folder / "large").write_bytes(bytes(LIMIT + 1))
    return "large"


Place = Callable[[Volume], str]


@pytest.mark.parametrize(
    ("place", "reason", "words"),
    [
        (nothing, "SourceNotFound", "there is no such file"),
        (folder, "SourceNotFound", "folder"),
        (below_a_file, "SourceNotFound", "is a file"),
        (link_within, "AccessDenied", "symbolic link"),
        (large, "TooLarge", f"{LIMIT + 1} bytes"),
    ],
)
def test_what_cannot_be_fetched(volume: Volume, place: Place, reason: str, words: str) -> None:
    key = place(volume)

    with pytest.raises(ItemFailure) as caught:
        volume.fetch(key)

    assert reason == caught.value.reason
    assert words in caught.value.message
    assert volume.here.read_bytes() == b""


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (folder, "it is a folder"),
        (below_a_file, "is a file"),
    ],
)
def test_where_nothing_can_be_put(volume: Volume, place: Place, words: str) -> None:
    key = place(volume)
    before = volume.files()

    with pytest.raises(ItemFailure) as caught:
        volume.put(key)

    assert caught.value.reason == "AccessDenied"
    assert words in caught.value.message
    assert before == volume.files()
    assert (volume.outside / "secret").read_bytes() == b"the platform's own"


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        (stat.S_IFCHR, "a device"),
        (stat.S_IFBLK, "a device"),
        (stat.S_IFDIR, "a folder"),
        (stat.S_IFREG, None),
        (stat.S_IFLNK, None),
    ],
)
def test_what_is_no_file_is_called_what_it_is(mode: int, name: str | None) -> None:
    assert name == file_types.kind(mode | 0o644)


def test_a_file_has_one_identity_in_two_mounts_of_its_claim(volume: Volume) -> None:
    (volume.folder / "in").mkdir()
    (volume.folder / "in" / "cat.jpg").write_bytes(b"x")
    (volume.folder / "in" / "dog.jpg").write_bytes(b"x")
    (volume.outside / "mount").symlink_to(volume.folder / "in")  # as a subPath mounts a part of it

    other = VolumeStorage("other", str(volume.outside / "mount"))

    assert volume.store.identity("in/cat.jpg") == other.identity("cat.jpg") is not None
    assert volume.store.identity("in/dog.jpg") != other.identity("cat.jpg")
    assert other.identity("nothing") is None
    assert other.identity("cat.jpg/below") is None


def test_a_write_that_fails_leaves_what_was_there(volume: Volume) -> None:
    volume.put("thumb.webp", b"old")
    unreadable = os.open(volume.here, os.O_WRONLY)

    with pytest.raises(ItemFailure) as caught:
        volume.store.put("thumb.webp", unreadable, "image/webp", None)

    os.close(unreadable)
    assert caught.value.reason == "StorageUnavailable"
    assert volume.files() == {"thumb.webp": b"old"}


def test_nobody_ever_sees_half_an_output(volume: Volume) -> None:
    sizes = {1 << 20, 3 << 20}
    seen: set[int] = set()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            seen.add(len((volume.folder / "thumb.webp").read_bytes()))

    volume.put("thumb.webp", bytes(1 << 20))
    watcher = threading.Thread(target=look)
    watcher.start()
    for _ in range(10):
        for size in sizes:
            volume.put("thumb.webp", bytes(size))
    over.set()
    watcher.join()

    assert seen <= sizes


def test_a_source_is_not_read_past_its_deadline(volume: Volume) -> None:
    volume.put("in")

    with pytest.raises(ItemFailure) as caught:
        volume.fetch("in", seconds=0)

    assert caught.value.reason == "TimedOut"


def test_a_volume_that_is_not_mounted(tmp_path: Path) -> None:
    with pytest.raises(ItemFailure, match="disk isn't there") as caught:
        VolumeStorage("disk", str(tmp_path / "nothing"))

    assert caught.value.reason == "StorageUnavailable"
