"""Step: the part of the picture that an output shows, at the output's size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from PIL.Image import Resampling

if TYPE_CHECKING:
    from imagejob_worker.image.geometry import Box, Size
    from imagejob_worker.image.raster import Picture

REDUCING_GAP = 2.0
"""Average whole blocks of pixels down to at least twice the size wanted, then use Lanczos: Pillow's
measure at which the result is hard to tell from Lanczos alone, at a fraction of the time."""


def resize(picture: Picture, box: Box, size: Size) -> Picture:
    """Scale `box` (pixels of the full-size source, unoriented) to `size`.

    RGBA is resized with its colours multiplied by alpha (Pillow does), so that what is transparent
    lends no colour to its neighbours. Where no pixel changes, none is copied.
    """
    image = picture.image
    across, down = picture.scale
    here = (
        box[0] * across,
        box[1] * down,
        min(box[2] * across, image.width),
        min(box[3] * down, image.height),
    )
    width, height = here[2] - here[0], here[3] - here[1]
    if width != size[0] or height != size[1] or here[0] % 1 or here[1] % 1:
        scaled = image.resize(size, Resampling.LANCZOS, here, REDUCING_GAP)
    elif size == image.size:
        return picture
    else:
        scaled = image.crop((int(here[0]), int(here[1]), int(here[2]), int(here[3])))
    scale = size[0] / (box[2] - box[0]), size[1] / (box[3] - box[1])
    return msgspec.structs.replace(picture, image=scaled, scale=scale)
