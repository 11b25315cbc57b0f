"""Step: open the source's ICC profile, if it fits the pixels."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from imagejob_worker.image.parsers import icc

if TYPE_CHECKING:
    from PIL import Image, ImageCms

    from imagejob_worker.image.context import SourceContext

MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


class Profile:
    """`data` is the profile as it stood in the source; `space` is RGB, GRAY or CMYK.

    Raises what littleCMS raises where it can't use the profile.
    """

    __slots__ = ("_transform", "data", "space")

    def __init__(self, data: bytes, space: str) -> None:
        self.data = data
        self.space = space
        self._transform = _to_srgb(data, MODES[space])

    def convert(self, image: Image.Image) -> Image.Image:
        """Pixels in this profile as RGB in sRGB. The image has the mode that fits the space."""
        return self._transform.apply(image)


def read_profile(context: SourceContext) -> None:
    """Set the profile; None if there is none, or none that can be used."""
    context.profile = _profile_for(context.probe.icc, context.first_frame.space)


def _profile_for(data: bytes | None, space: str) -> Profile | None:
    """Return the profile if it describes samples of this space and littleCMS can use it."""
    if data is None or icc.space(data) != space:
        return None
    from PIL import ImageCms  # only sources with a profile pay for it

    try:
        return Profile(data, space)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _to_srgb(data: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    """Perceptual intent: presses' profiles are made for it, and matrix profiles ignore it."""
    from PIL import ImageCms

    return ImageCms.buildTransform(
        ImageCms.ImageCmsProfile(io.BytesIO(data)),
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        ImageCms.Intent.PERCEPTUAL,
    )
