"""Step: open the source's ICC profile, if it fits the pixels.

By Pillow's binding to littleCMS rather than by ImageCms, which is a few lines around it: each child
loads this, whether its source has a profile or not, and ImageCms would take a millisecond of 90.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PIL import Image, _imagingcms

from imagejob_worker.image.parsers import icc

if TYPE_CHECKING:
    from imagejob_worker.image.context import SourceContext

PERCEPTUAL: Final = 0  # presses' profiles are made for this intent, and matrix profiles ignore it
MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


class Profile:
    """`data` is the profile as it stood in the source; `space` is RGB, GRAY or CMYK.

    Raises what littleCMS raises where it can't use the profile.
    """

    __slots__ = ("_transform", "data", "space")

    def __init__(self, data: bytes, space: str) -> None:
        self.data = data
        self.space = space
        srgb = _imagingcms.createProfile("sRGB")
        self._transform = _imagingcms.buildTransform(
            _imagingcms.profile_frombytes(data), srgb, MODES[space], "RGB", PERCEPTUAL
        )

    def convert(self, image: Image.Image) -> Image.Image:
        """Pixels in this profile as RGB in sRGB. The image has the mode that fits the space."""
        converted = Image.new("RGB", image.size, None)
        self._transform.apply(image.getim(), converted.getim())
        return converted


def read_profile(context: SourceContext) -> None:
    """Set the profile; None if there is none, or none that can be used."""
    context.profile = _profile_for(context.probe.icc, context.first_frame.space)


def _profile_for(data: bytes | None, space: str) -> Profile | None:
    """Return the profile if it describes samples of this space and littleCMS can use it."""
    if data is None or icc.space(data) != space:
        return None
    try:
        return Profile(data, space)
    except (OSError, ValueError, TypeError):
        return None
