"""What a wall lacks, and what follows from that."""

from __future__ import annotations

import struct

import pytest
from imagejob_worker.contract.facts import Note
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.sandbox import landlock
from imagejob_worker.sandbox.wall import Protection, Wall


def test_this_kernel_has_both() -> None:
    wall = Wall("require")

    wall.check()
    assert (wall.lacks, wall.note) == ((), Note(0))


@pytest.mark.parametrize(
    ("without", "note", "words"),
    [
        (("Landlock",), Note.NO_LANDLOCK, "this node has no Landlock, which"),
        (("seccomp",), Note.NO_SECCOMP, "this node has no seccomp, which"),
        (
            ("Landlock", "seccomp"),
            Note.NO_LANDLOCK | Note.NO_SECCOMP,
            "this node has no Landlock and no seccomp, which",
        ),
    ],
)
def test_what_the_kernel_lacks_is_noted_or_fails(
    without: tuple[Protection, ...], note: Note, words: str
) -> None:
    preferred = Wall("prefer", without)
    preferred.check()
    assert (preferred.lacks, preferred.note) == (without, note)

    required = Wall("require", without)
    for refuses in (required.check, required.confine):
        with pytest.raises(ItemFailure, match=words) as caught:
            refuses()
        assert caught.value.reason == "Internal"


def test_off_lacks_nothing() -> None:
    wall = Wall("off", ("Landlock", "seccomp"))

    wall.check()
    wall.confine()  # puts up nothing around this process
    assert (wall.lacks, wall.note) == ((), Note(0))


@pytest.mark.parametrize(
    ("version", "files", "ports", "scopes"),
    [
        (1, 0x1FFF, 0, 0),
        (2, 0x3FFF, 0, 0),
        (3, 0x7FFF, 0, 0),
        (4, 0x7FFF, 3, 0),
        (5, 0xFFFF, 3, 0),
        (6, 0xFFFF, 3, 3),
        (7, 0xFFFF, 3, 3),
        (99, 0xFFFF, 3, 3),
    ],
)
def test_all_that_a_version_of_landlock_can_refuse_is_refused(
    version: int, files: int, ports: int, scopes: int
) -> None:
    assert landlock.handled(version) == struct.pack("=QQQ", files, ports, scopes)
