"""Step: colours into sRGB. Done after the first reduction, when there are fewer of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.image.steps.canvas import over_white, parse_colour
from imagejob_worker.image.steps.read_profile import check_profile_memory

if TYPE_CHECKING:
    from PIL import Image

    from imagejob_worker.image.context import OutputContext, SourceContext
    from imagejob_worker.image.plan import OutputPlan
    from imagejob_worker.image.raster import Raster
    from imagejob_worker.image.steps.read_profile import Profile

# The modes that can carry a profile of each colour space into a file. CMYK never does.
CARRIERS = {"RGB": ("RGB", "RGBA"), "GRAY": ("L",), "CMYK": ()}


def to_srgb(raster: Raster, plan: OutputPlan, context: SourceContext) -> Raster:  # noqa: ARG001 (one signature)
    """Convert to sRGB; RGB and grey pixels keep their own profile if it is to be kept."""
    profile = raster.profile
    if profile and context.keeps_icc and raster.image.mode in CARRIERS[profile.space]:
        return raster
    return _converted(raster)


def fit_profile(output: OutputContext) -> None:
    """Keep a profile for grey only in a file of grey pixels; elsewhere convert to sRGB after all.

    WebP has no grey, and neither has a canvas with a background. A background is a colour of sRGB:
    where a profile can't say it, the output is in sRGB, too.
    """
    grey_fits = output.choice.format != "webp" and not output.plan.placement.padded
    if not grey_fits:
        output.rasters = [
            _converted(raster) if raster.profile and raster.profile.space == "GRAY" else raster
            for raster in output.rasters
        ]
    profile, asked = output.rasters[0].profile, parse_colour(output.plan.output.background)
    output.background = asked
    if asked is not None and profile is not None and profile.space == "RGB":
        *opaque, alpha = asked if output.choice.format != "jpeg" else over_white(asked)
        check_profile_memory(output.source.files, profile.data)
        try:
            output.background = *profile.from_srgb((opaque[0], opaque[1], opaque[2])), alpha
        except (OSError, ValueError, TypeError):
            output.rasters, profile = [_converted(raster) for raster in output.rasters], None
    output.icc = profile.data if profile is not None else None


def _converted(raster: Raster) -> Raster:
    """Convert to sRGB.

    CMYK without a profile becomes `(255 - C)(255 - K) / 255`, as browsers show it.
    """
    image, profile = raster.image, raster.profile
    if profile is not None:
        image = _apply(profile, image)
    elif image.mode == "CMYK":
        image = image.convert("RGB")
    return msgspec.structs.replace(raster, image=image, profile=None)


def _apply(profile: Profile, image: Image.Image) -> Image.Image:
    """Apply a profile. Alpha is carried over as it is: littleCMS sees colours only."""
    grey = profile.space == "GRAY"
    if image.mode == "L":
        samples = image if grey else image.convert("RGB")
        return profile.convert(samples).getchannel("G")
    if image.mode == "RGBA":
        opaque = profile.convert(image.getchannel("G") if grey else image.convert("RGB"))
        opaque.putalpha(image.getchannel("A"))
        return opaque
    return profile.convert(image)
