"""What a tenant who may write to a volume can swap there while the worker reads or writes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.storage import file_types
from imagejob_worker.storage import volume as volume_module
from support.volume_store import Volume

SOON = 3.0

RACES = 200
"""Attempts while something is being swapped: at least so many, and for so long if they agree."""


def link(volume: Volume, name: str, target: str | Path) -> str:
    path = volume.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    return name


def pipe(volume: Volume, name: str) -> str:
    os.mkfifo(volume.folder / name)
    return name


# Swaps at the worst moment: after the worker has looked at a name, before it opens it.


def swapped_after_a_look(
    monkeypatch: pytest.MonkeyPatch, volume: Volume, key: str, put_there: Callable[[Path], None]
) -> None:
    look = file_types.status

    def status(leaf: str, folder: int) -> os.stat_result | None:
        found = look(leaf, folder)
        (volume.folder / key).unlink(missing_ok=True)
        put_there(volume.folder / key)
        return found

    monkeypatch.setattr(file_types, "status", status)


@pytest.mark.parametrize(
    ("kind", "reason", "words"),
    [
        ("link", "AccessDenied", "symbolic link"),
        ("pipe", "SourceNotFound", "it is a named pipe"),
        ("folder", "SourceNotFound", "it is a folder"),
    ],
)
def test_a_file_that_is_swapped_before_it_is_opened(
    volume: Volume, monkeypatch: pytest.MonkeyPatch, kind: str, reason: str, words: str
) -> None:
    def put_there(path: Path) -> None:
        if kind == "link":
            path.symlink_to(volume.outside / "secret")
        elif kind == "pipe":
            os.mkfifo(path)
        else:
            path.mkdir()

    (volume.folder / "a").write_bytes(b"a picture")
    swapped_after_a_look(monkeypatch, volume, "a", put_there)

    with pytest.raises(ItemFailure) as caught:
        volume.fetch("a")

    assert caught.value.reason == reason
    assert words in caught.value.message
    assert volume.here.read_bytes() == b""


def test_a_destination_that_becomes_a_link_before_it_is_written(
    volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    swapped_after_a_look(
        monkeypatch, volume, "a", lambda path: path.symlink_to(volume.outside / "secret")
    )

    volume.put("a")

    assert volume.is_untouched_outside()
    assert volume.files() == {"a": b"a picture"}


def test_a_prefix_that_becomes_a_link_before_it_is_entered(
    volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = volume_module._make

    def making(part: str, folder: int) -> None:
        make(part, folder)
        (volume.folder / part).rmdir()
        (volume.folder / part).symlink_to(volume.outside)

    monkeypatch.setattr(volume_module, "_make", making)

    with pytest.raises(ItemFailure, match="symbolic link") as caught:
        volume.put("out/x")

    assert caught.value.reason == "AccessDenied"
    assert volume.is_untouched_outside()


def test_a_half_written_output_that_becomes_a_link_is_not_followed(
    volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The output has its own descriptor: whatever takes its temporary name isn't written to."""
    send = volume_module._send

    def sending(body: int, to: int) -> None:
        (part,) = volume.folder.glob(".imagejob-*.part")
        part.unlink()
        part.symlink_to(volume.outside / "secret")
        send(body, to)

    monkeypatch.setattr(volume_module, "_send", sending)

    volume.put("x")

    assert volume.is_untouched_outside()


# Swaps all the time.

SWAP = """if True:
    import os, sys
    place, *others = sys.argv[1:]
    while True:
        for other in others:
            os.rename(other, place)
            os.rename(place, other)
"""


@contextlib.contextmanager
def swapping(place: Path, *others: Path) -> Iterator[None]:
    """Another process renames each of the others to that place, in turn, and back."""
    command = [sys.executable, "-c", SWAP, str(place), *map(str, others)]
    with subprocess.Popen(command) as process:
        try:
            yield
        finally:
            process.kill()


def raced(volume: Volume, key: str) -> set[bytes | str]:
    """What reading a name gives, again and again, until it has given more than one thing."""
    found: set[bytes | str] = set()
    until = time.monotonic() + SOON
    reads = 0
    while reads < RACES or (len(found) < 2 and time.monotonic() < until):
        reads += 1
        try:
            volume.fetch(key)
            found.add(volume.here.read_bytes())
        except ItemFailure as failure:
            found.add(failure.reason)
    return found


def test_no_read_of_a_name_that_is_swapped_all_the_time_leaves_the_store(volume: Volume) -> None:
    (volume.folder / "file").write_bytes(b"a picture")
    link(volume, "link", volume.outside / "secret")
    pipe(volume, "pipe")
    others = [volume.folder / name for name in ("file", "link", "pipe")]

    with swapping(volume.folder / "x", *others):
        found = raced(volume, "x")

    assert found <= {b"a picture", "AccessDenied", "SourceNotFound"}
    assert len(found) > 1  # it was swapped, indeed


def test_no_folder_that_is_swapped_all_the_time_leads_out_of_the_store(volume: Volume) -> None:
    (volume.folder / "real").mkdir()
    (volume.folder / "real" / "secret").write_bytes(b"a picture")
    link(volume, "link", volume.outside)

    with swapping(volume.folder / "d", volume.folder / "real", volume.folder / "link"):
        found = raced(volume, "d/secret")

    assert found <= {b"a picture", "AccessDenied", "SourceNotFound"}
    assert len(found) > 1
