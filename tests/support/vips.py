"""Pictures as libvips shows them: decoders, colours and arithmetic that aren't the worker's.

A picture of libvips is lazy: nothing is decoded, and no damage found, before its pixels are asked
for.
"""

from __future__ import annotations

import pyvips

from support.shown import Shown


def shown(source: bytes, page: int = 0) -> Shown:
    """What libvips shows of a file. Raises pyvips.Error where it shows nothing."""
    return pixels_of(to_srgb(load(source, page)))


def pixels_of(picture: pyvips.Image) -> Shown:
    """The pixels of a picture of four bands."""
    return Shown(picture.width, picture.height, bytes(picture.write_to_memory()))


def load(source: bytes, page: int = 0) -> pyvips.Image:
    """The samples of a file, upright; damage is an error when they are asked for."""
    options = {"page": page} if page else {}
    return pyvips.Image.new_from_buffer(source, "", fail_on="error", **options).autorot()


def to_srgb(picture: pyvips.Image) -> pyvips.Image:
    """Into sRGB by the picture's own profile, if it has one, as four bytes a pixel."""
    if "icc-profile-data" in picture.get_fields():
        picture = picture.icc_transform("srgb", embedded=True, intent="perceptual")
    picture = picture.colourspace("srgb")
    if not picture.hasalpha():
        picture = picture.bandjoin(255)
    return picture[:4].cast("uchar")


def picture_of(pixels: Shown) -> pyvips.Image:
    """The pixels as a picture of libvips."""
    shape = (pixels.width, pixels.height, 4, "uchar")
    return pyvips.Image.new_from_memory(pixels.rgba, *shape).copy(interpretation="srgb")


def mean_difference(one: Shown, other: Shown) -> float:
    """The mean difference of the channel in which they differ most, 0 to 255.

    Colours count as much as they are opaque: what is under full transparency isn't seen.
    """
    if one == other:
        return 0.0
    if (one.width, one.height) != (other.width, other.height):
        return 255.0
    visible = [picture_of(each).premultiply() for each in (one, other)]
    difference = (visible[0] - visible[1]).abs()
    return max(band.avg() for band in difference.bandsplit())
