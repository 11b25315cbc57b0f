"""Step: the part of the image that an output shows, at the output's size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from PIL.Image import Resampling

from imagejob_worker.image.geometry import turned, unoriented

if TYPE_CHECKING:
    from imagejob_worker.image.context import SourceContext
    from imagejob_worker.image.geometry import Box, Size
    from imagejob_worker.image.plan import OutputPlan
    from imagejob_worker.image.raster import Raster

REDUCING_GAP = 2.0
"""Average whole blocks of pixels down to at least twice the size wanted, then use Lanczos: Pillow's
measure at which the result is hard to tell from Lanczos alone, at a fraction of the time."""


def resize(raster: Raster, plan: OutputPlan, context: SourceContext) -> Raster:
    """Scale to the output's size, but in the source's orientation."""
    probe = context.probe
    box = unoriented(plan.placement.box, probe.stored, probe.orientation)
    return _scaled(raster, box, turned(plan.placement.size, probe.orientation))


def _scaled(raster: Raster, box: Box, size: Size) -> Raster:
    """Scale `box` (pixels of the full-size source, unoriented) to `size`.

    Pillow resizes RGBA with its colours multiplied by alpha, so that what is transparent lends no
    colour to its neighbours. Where no pixel changes, none is copied.
    """
    image = raster.image
    across, down = raster.scale
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
        return raster
    else:
        scaled = image.crop((int(here[0]), int(here[1]), int(here[2]), int(here[3])))
    scale = size[0] / (box[2] - box[0]), size[1] / (box[3] - box[1])
    return msgspec.structs.replace(raster, image=scaled, scale=scale)
