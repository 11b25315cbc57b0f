"""A tenant's volume can't lead the worker outside, by links, pipes or folders on a key's path."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from support import worker_process
from support.specimens import jpeg
from support.worker_process import Ended, Workplace

PHOTO = jpeg.encode(Image.linear_gradient("L").convert("RGB"))
OUTPUTS = [{"name": "thumb", "width": 8, "format": "png"}]


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """A store with an image, and another tenant's folder beside it."""
    place = Workplace(tmp_path / "pod")
    place.put("box", "photo", PHOTO)
    place.put("other", "private", PHOTO)
    place.put("other", "folder/thumb.png", b"another tenant's")
    return place


def box(place: Workplace) -> Path:
    return place.stores / "box"


def read(place: Workplace, key: str) -> Ended | None:
    return place.run(worker_process.order([worker_process.item(key, OUTPUTS)])).ended[0]


def write(place: Workplace, prefix: str) -> Ended | None:
    destination = {"store": "box", "prefix": prefix}
    item = worker_process.item("photo", OUTPUTS, destination=destination)
    return place.run(worker_process.order([item])).ended[0]


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(path.parent)  # the path of a socket has at most 107 bytes
        try:
            server.bind(path.name)
        finally:
            os.chdir(here)


OBSTACLES: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "link-to-a-file": (lambda at: at.symlink_to("../other/private"), "", "AccessDenied"),
    "link-to-the-whole-machine": (lambda at: at.symlink_to("/"), "/etc/passwd", "AccessDenied"),
    "link-to-a-folder": (lambda at: at.symlink_to("../other"), "/private", "AccessDenied"),
    "link-to-its-own-store": (lambda at: at.symlink_to("photo"), "", "AccessDenied"),
    "dangling-link": (lambda at: at.symlink_to("nowhere"), "", "AccessDenied"),
    "link-to-itself": (lambda at: at.symlink_to(at), "", "AccessDenied"),
    "pipe": (os.mkfifo, "", "SourceNotFound"),
    "socket": (_socket, "", "SourceNotFound"),
    "folder": (Path.mkdir, "", "SourceNotFound"),
    "file-in-the-way": (lambda at: at.write_bytes(PHOTO), "/photo", "SourceNotFound"),
    "nothing": (lambda at: at, "", "SourceNotFound"),
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_reading_follows_nothing_out_of_the_store(place: Workplace, obstacle: str) -> None:
    make, beyond, reason = OBSTACLES[obstacle]
    make(box(place) / "in")

    end = read(place, f"in{beyond}")

    assert end is not None
    # A socket can't be opened at all, and has an error of its own.
    assert end.reason in ({reason, "StorageUnavailable"} if obstacle == "socket" else {reason}), end


@pytest.mark.parametrize("target", ["../other/folder", "/tmp", "folder-of-its-own", "nowhere"])
def test_writing_follows_no_folder_that_is_a_link(place: Workplace, target: str) -> None:
    (box(place) / "folder-of-its-own").mkdir()
    (box(place) / "out").symlink_to(target)

    end = write(place, "out")

    assert end is not None
    assert end.reason == "AccessDenied"
    assert (place.stores / "other/folder/thumb.png").read_bytes() == b"another tenant's"
    assert list((box(place) / "folder-of-its-own").iterdir()) == []


def test_writing_replaces_a_link_and_not_what_it_leads_to(place: Workplace) -> None:
    victim = place.stores / "other/folder/thumb.png"
    (box(place) / "out").mkdir()
    (box(place) / "out/thumb.png").symlink_to(victim)

    end = write(place, "out")

    assert end is not None
    assert end.reason == "Succeeded"
    assert victim.read_bytes() == b"another tenant's"
    assert not (box(place) / "out/thumb.png").is_symlink()


@pytest.mark.parametrize(
    "name", ["../thumb", "../../other/folder/thumb", "a/../../../x", "/tmp/x", "/"]
)
def test_an_output_s_name_leads_nowhere(place: Workplace, name: str) -> None:
    outputs = [{"name": name, "width": 8, "format": "png"}]
    before = sorted(place.root.rglob("*"))

    ended = place.run(worker_process.order([worker_process.item("photo", outputs)])).ended

    assert [end and end.reason for end in ended] == ["AccessDenied"]
    assert sorted(place.root.rglob("*")) == before
