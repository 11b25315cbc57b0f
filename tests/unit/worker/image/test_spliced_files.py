"""A file with parts cut out reads as if they had never been there."""

from __future__ import annotations

import io
import random

import pytest
from imagejob_worker.image.spliced import Spliced

DATA = bytes(range(256))
PARTS = [(0, 3), (10, 1), (20, 50), (100, 0), (200, 56)]
WHOLE = b"".join(DATA[offset : offset + length] for offset, length in PARTS)


@pytest.fixture
def spliced() -> Spliced:
    return Spliced(io.BytesIO(DATA), PARTS)


def test_all_at_once(spliced: Spliced) -> None:
    assert spliced.read() == WHOLE
    assert spliced.read() == b""


@pytest.mark.parametrize("step", [1, 2, 7, 64])
def test_in_steps(spliced: Spliced, step: int) -> None:
    assert b"".join(iter(lambda: spliced.read(step), b"")) == WHOLE


def test_like_any_file(spliced: Spliced) -> None:
    """The same seeks and reads return the same as on a file of the remaining parts."""
    plain, source = io.BytesIO(WHOLE), random.Random(5)
    for _ in range(500):
        whence = source.choice([io.SEEK_SET, io.SEEK_CUR, io.SEEK_END])
        low = -len(WHOLE) if whence == io.SEEK_END else 0
        offset = source.randint(low, 20)
        size = source.randint(0, 40)

        assert spliced.seek(offset, whence) == plain.seek(offset, whence)
        assert spliced.read(size) == plain.read(size)
        assert spliced.tell() == plain.tell()


def test_a_part_beyond_the_end_of_the_file_is_short() -> None:
    assert Spliced(io.BytesIO(b"abc"), [(1, 10)]).read() == b"bc"


def test_closing_leaves_the_file_open() -> None:
    below = io.BytesIO(DATA)

    Spliced(below, PARTS).close()

    assert not below.closed
