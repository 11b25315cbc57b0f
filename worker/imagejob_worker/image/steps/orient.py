"""Step: turn the picture upright. Done last, when it is smallest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from PIL.Image import Transpose

if TYPE_CHECKING:
    from imagejob_worker.image.raster import Picture

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


def upright(picture: Picture, orientation: int) -> Picture:
    """The picture as it is meant to be seen; the same object if it is upright already."""
    method = UPRIGHT.get(orientation)
    if method is None:
        return picture
    return msgspec.structs.replace(picture, image=picture.image.transpose(method))
