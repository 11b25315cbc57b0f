"""Step: colours into sRGB. Done after the first reduction, when there are fewer of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from PIL import Image

    from imagejob_worker.image.profile import Profile
    from imagejob_worker.image.raster import Picture

# The pixels that can carry a profile of each space into a file. CMYK never does.
CARRIERS = {"RGB": ("RGB", "RGBA"), "GRAY": ("L",), "CMYK": ()}


def to_srgb(picture: Picture, *, keep: bool) -> Picture:
    """The picture in sRGB; with `keep`, RGB and grey pixels stay in their own profile.

    CMYK without a profile becomes `(255 - C)(255 - K) / 255`, as browsers show it.
    """
    image, profile = picture.image, picture.profile
    if profile is None:
        image = image.convert("RGB") if image.mode == "CMYK" else image
    elif keep and image.mode in CARRIERS[profile.space]:
        return picture
    else:
        image = _converted(image, profile)
    return msgspec.structs.replace(picture, image=image, profile=None)


def _converted(image: Image.Image, profile: Profile) -> Image.Image:
    """Transparency is carried over as it is: littleCMS sees colours only."""
    grey = profile.space == "GRAY"
    if image.mode == "L":
        return profile.convert(image).getchannel("G")
    if image.mode == "RGBA":
        opaque = profile.convert(image.getchannel("G") if grey else image.convert("RGB"))
        opaque.putalpha(image.getchannel("A"))
        return opaque
    return profile.convert(image)
