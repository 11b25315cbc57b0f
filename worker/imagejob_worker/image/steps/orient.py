"""Step: turn the image upright. Done last, when it is smallest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from PIL.Image import Transpose

if TYPE_CHECKING:
    from imagejob_worker.image.context import OutputContext
    from imagejob_worker.image.raster import Raster

# EXIF 2.32, 4.6.4, tag 274: what undoes each orientation.
UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


def orient(output: OutputContext) -> None:
    """Turn all frames upright, one by one: at no time are all there twice."""
    for index, raster in enumerate(output.rasters):
        output.rasters[index] = upright(raster, output.source.probe.orientation)


def upright(raster: Raster, orientation: int) -> Raster:
    """Undo an EXIF orientation; return the same object if nothing is to be turned."""
    method = UPRIGHT.get(orientation)
    if method is None:
        return raster
    return msgspec.structs.replace(raster, image=raster.image.transpose(method))
