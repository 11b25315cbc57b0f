"""One hostile file, and how an item that names it may end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

CORRUPT, UNSUPPORTED, TOO_LARGE = "CorruptImage", "UnsupportedFormat", "TooLarge"
OUT_OF_MEMORY = "OutOfMemory"
SAFE = "Succeeded"  # the picture in it is sound; what is hostile about it is not in the outputs

# What the item of a hostile file allows; the files are made to stay below or to break these.
MAX_BYTES, MAX_PIXELS, MAX_FRAMES = 4 << 20, 20_000_000, 50


@dataclass(frozen=True)
class Hostile:
    """`outcomes`: a failure's reasons, or SAFE; more than one only where either is right.

    `animated`: the item asks for an animated output.
    """

    name: str
    make: Callable[[], bytes]
    outcomes: frozenset[str]
    animated: bool = False


def hostile(
    name: str, make: Callable[[], bytes] | bytes, *outcomes: str, animated: bool = False
) -> Hostile:
    return Hostile(name, make if callable(make) else lambda: make, frozenset(outcomes), animated)


def picture(width: int = 48, height: int = 32) -> Image.Image:
    """Gradients: enough detail that cutting or flipping a byte shows."""
    radial = Image.radial_gradient("L").resize((width, height))
    linear = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (radial, linear, radial.transpose(Image.Transpose.ROTATE_180)))


def replaced(data: bytes, at: int, new: bytes) -> bytes:
    """`data` with the bytes at `at` written over."""
    return data[:at] + new + data[at + len(new) :]
