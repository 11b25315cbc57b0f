"""What a tenant who may write to a volume can put there.

Whatever it is: nothing outside the store is read or written, no device is opened, nothing waits.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.storage.volume import VolumeStorage
from support.volume_store import Volume

Attack = Callable[[Volume], str]


def link(volume: Volume, name: str, target: str | Path) -> str:
    path = volume.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    return name


def chain(volume: Volume, last: str | Path) -> str:
    link(volume, "c", last)
    link(volume, "b", "c")
    return link(volume, "a", "b")


def pipe(volume: Volume, name: str) -> str:
    os.mkfifo(volume.folder / name)
    return name


def bound_socket(volume: Volume) -> str:
    with socket.socket(socket.AF_UNIX) as bound, contextlib.chdir(volume.folder):
        bound.bind("socket")  # a whole path may be too long for one
    return "socket"


def folder(volume: Volume) -> str:
    (volume.folder / "folder").mkdir()
    return "folder"


OPEN = os.open(os.devnull, os.O_RDONLY)  # for a link to one of the process's own descriptors

READS: dict[str, tuple[Attack, str, str]] = {
    "an absolute link": (
        lambda v: link(v, "a", v.outside / "secret"), "AccessDenied", "symbolic link",
    ),
    "a relative link": (
        lambda v: link(v, "in/a", "../../outside/secret"), "AccessDenied", "symbolic link",
    ),
    "a chain of links": (
        lambda v: chain(v, v.outside / "secret"), "AccessDenied", "symbolic link",
    ),
    "a link to itself": (lambda v: link(v, "a", "a"), "AccessDenied", "symbolic link"),
    "a link in a parent folder": (
        lambda v: link(v, "in/a", v.outside) + "/secret", "AccessDenied", "symbolic link",
    ),
    "a chain of links in a parent folder": (
        lambda v: chain(v, v.outside) + "/secret", "AccessDenied", "symbolic link",
    ),
    "a link to the root folder": (
        lambda v: link(v, "a", "/") + "/etc/passwd", "AccessDenied", "symbolic link",
    ),
    "the root folder by /proc": (
        lambda v: link(v, "a", "/proc/self/root") + "/etc/passwd", "AccessDenied", "symbolic link",
    ),
    "the working folder by /proc": (
        lambda v: link(v, "a", "/proc/self/cwd") + "/x", "AccessDenied", "symbolic link",
    ),
    "a descriptor of the worker's": (
        lambda v: link(v, "a", f"/proc/self/fd/{OPEN}"), "AccessDenied", "symbolic link",
    ),
    "the worker's environment": (
        lambda v: link(v, "a", "/proc/self/environ"), "AccessDenied", "symbolic link",
    ),
    "the worker's memory": (
        lambda v: link(v, "a", "/proc/self/mem"), "AccessDenied", "symbolic link",
    ),
    "a link to a device": (lambda v: link(v, "a", "/dev/zero"), "AccessDenied", "symbolic link"),
    "a key upwards": (lambda _: "../outside/secret", "SourceNotFound", "segment that is . or .."),
    "a key upwards, within": (
        lambda v: folder(v) + "/../../outside/secret", "SourceNotFound", "segment that is . or ..",
    ),
    "a whole path": (lambda v: str(v.outside / "secret"), "SourceNotFound", "with a slash"),
    "a NUL": (lambda _: "a\0b", "SourceNotFound", "control character"),
    "a newline": (lambda _: "a\nb", "SourceNotFound", "control character"),
    "an empty segment": (lambda _: "a//b", "SourceNotFound", "two in a row"),
    "a name that is too long": (
        lambda _: "x" * 256, "SourceNotFound", "longer than a file name may be",
    ),
    "a key that is too long": (lambda _: "x/" * 512 + "x", "SourceNotFound", "1024 bytes"),
    "a folder": (folder, "SourceNotFound", "it is a folder"),
    "a named pipe": (lambda v: pipe(v, "pipe"), "SourceNotFound", "it is a named pipe"),
    "a named pipe for a folder": (
        lambda v: pipe(v, "pipe") + "/x", "SourceNotFound", "a part of the key is a named pipe",
    ),
    "a socket": (bound_socket, "SourceNotFound", "it is a socket"),
}  # fmt: skip


@pytest.mark.parametrize(("attack", "reason", "words"), READS.values(), ids=READS)
def test_nothing_outside_is_read(volume: Volume, attack: Attack, reason: str, words: str) -> None:
    key = attack(volume)

    with pytest.raises(ItemFailure) as caught:
        volume.fetch(key)

    assert caught.value.reason == reason
    assert words in caught.value.message
    assert volume.here.read_bytes() == b""


WRITES: dict[str, tuple[Attack, str]] = {
    "a prefix that is a link": (lambda v: link(v, "out", v.outside) + "/x", "symbolic link"),
    "a prefix below a link": (lambda v: link(v, "in/out", v.outside) + "/y/x", "symbolic link"),
    "a prefix that is a chain of links": (lambda v: chain(v, v.outside) + "/x", "symbolic link"),
    "a prefix that is a link to nothing": (
        lambda v: link(v, "out", v.outside / "new") + "/x", "symbolic link",
    ),
    "a prefix by /proc": (
        lambda v: link(v, "out", "/proc/self/cwd") + "/x", "symbolic link",
    ),
    "a prefix that is a named pipe": (
        lambda v: pipe(v, "out") + "/x", "a part of the key is a named pipe",
    ),
    "a prefix upwards": (lambda _: "../outside/x", "segment that is . or .."),
    "a whole path": (lambda v: str(v.outside / "x"), "with a slash"),
    "a NUL": (lambda _: "a\0b", "control character"),
    "a name that is too long": (lambda _: "x" * 256, "longer than a file name may be"),
    "a folder": (folder, "it is a folder"),
    "a named pipe": (lambda v: pipe(v, "pipe"), "it is a named pipe"),
    "a socket": (bound_socket, "it is a socket"),
}  # fmt: skip


@pytest.mark.parametrize(("attack", "words"), WRITES.values(), ids=WRITES)
def test_nothing_outside_is_written(volume: Volume, attack: Attack, words: str) -> None:
    key = attack(volume)

    with pytest.raises(ItemFailure) as caught:
        volume.put(key)

    assert caught.value.reason == "AccessDenied"
    assert words in caught.value.message
    assert volume.is_untouched_outside()


@pytest.mark.parametrize("linked", ["link", "hard link"])
def test_an_output_replaces_a_name_and_not_what_it_leads_to(volume: Volume, linked: str) -> None:
    if linked == "link":
        link(volume, "x", volume.outside / "secret")
    else:
        (volume.folder / "x").hardlink_to(volume.outside / "secret")

    volume.put("x", b"a picture")

    assert volume.is_untouched_outside()
    assert volume.files() == {"x": b"a picture"}


@pytest.mark.parametrize(
    ("root", "key", "reason", "words"),
    [
        ("/dev", "zero", "SourceNotFound", "it is a device"),
        ("/dev", "zero/x", "SourceNotFound", "a part of the key is a device"),
        ("/proc", "self/environ", "AccessDenied", "symbolic link"),
        ("/proc/self/fd", str(OPEN), "AccessDenied", "symbolic link"),
    ],
)
def test_a_volume_of_devices_or_of_proc_s_links_gives_nothing_away(
    tmp_path: Path, root: str, key: str, reason: str, words: str
) -> None:
    """Making a device needs privileges; a store over those that exist is the same to the worker."""
    store = VolumeStorage("disk", root)
    with (tmp_path / "here").open("wb") as file, pytest.raises(ItemFailure) as caught:
        store.fetch(key, file.fileno(), 1 << 20, time.monotonic() + 5)

    assert caught.value.reason == reason
    assert words in caught.value.message
    assert (tmp_path / "here").read_bytes() == b""
