"""Pixels on their way through the steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from PIL import Image

    from imagejob_worker.image.steps.read_profile import Profile


class Frame(msgspec.Struct, frozen=True):
    """One decoded frame, of mode L, RGB, RGBA or CMYK, and how long it shows.

    `space` is the colour space of the source's samples: GRAY, RGB or CMYK. It differs from the
    mode for grey with transparency, which becomes RGBA while its profile is one for grey.
    """

    image: Image.Image
    milliseconds: int
    space: str


class Raster(msgspec.Struct, frozen=True):
    """Pixels, and the profile that they are in (None: sRGB).

    `scale` is how many pixels it has for one of the full-size source, across and down.
    """

    image: Image.Image
    profile: Profile | None = None
    scale: tuple[float, float] = (1.0, 1.0)
