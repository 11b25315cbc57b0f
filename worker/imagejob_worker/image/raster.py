"""A picture on its way through the steps, and what all steps know of where it comes from."""

from __future__ import annotations

import msgspec
from PIL import Image

from imagejob_worker.image.parsers.probe import Survey
from imagejob_worker.image.profile import Profile


class Frame(msgspec.Struct, frozen=True):
    """One decoded frame, of mode L, RGB, RGBA or CMYK, and how long it shows.

    `space` is what the source's samples were, GRAY, RGB or CMYK: grey with transparency becomes
    RGBA, but its profile is one for grey.
    """

    image: Image.Image
    milliseconds: int
    space: str


class Picture(msgspec.Struct, frozen=True):
    """Pixels and the profile they are in (None: sRGB).

    `scale` is how many pixels it has for one of the full-size source, across and down.
    """

    image: Image.Image
    profile: Profile | None = None
    scale: tuple[float, float] = (1.0, 1.0)


class Origin(msgspec.Struct, frozen=True):
    """The source as the steps need to know it. It was decoded at 1/`draft`; `keep_icc` is whether
    its ICC profile is to stay on the outputs."""

    survey: Survey
    profile: Profile | None
    keep_icc: bool
    draft: int = 1

    def picture(self, frame: Frame) -> Picture:
        """A frame of this source, at the scale it was decoded at."""
        return Picture(frame.image, self.profile, (1 / self.draft, 1 / self.draft))
