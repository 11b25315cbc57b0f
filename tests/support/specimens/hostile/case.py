"""One hostile file, and the allowed outcomes of an item that names it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

CORRUPT, UNSUPPORTED, TOO_LARGE = "CorruptImage", "UnsupportedFormat", "TooLarge"
OUT_OF_MEMORY = "OutOfMemory"
SAFE = "Succeeded"  # the image in it is sound; the hostile part doesn't reach the outputs

# The limits of a hostile file's item; the files are made to stay below these or to break them.
MAX_BYTES, MAX_PIXELS, MAX_FRAMES = 4 << 20, 20_000_000, 50


@dataclass(frozen=True)
class Hostile:
    """`outcomes`: a failure's reasons, or SAFE; more than one only where each is correct.

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
    """Gradients: enough detail to show a cut or flipped byte."""
    radial = Image.radial_gradient("L").resize((width, height))
    linear = Image.linear_gradient("L").resize((width, height))
    return Image.merge("RGB", (radial, linear, radial.transpose(Image.Transpose.ROTATE_180)))


def replaced(data: bytes, at: int, new: bytes) -> bytes:
    """`data` with the bytes at `at` overwritten."""
    return data[:at] + new + data[at + len(new) :]
