"""A picture as a program shows it."""

from __future__ import annotations

from typing import NamedTuple


class Shown(NamedTuple):
    """A picture upright and in sRGB: rows of four bytes a pixel, alpha not multiplied in."""

    width: int
    height: int
    rgba: bytes
