"""Steps 8 to 10: a rendered output gets its format, its canvas and its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.contract.facts import Made
from imagejob_worker.image.steps.canvas import on_canvas, parse
from imagejob_worker.image.steps.choose_format import choose
from imagejob_worker.image.steps.produce import produce
from imagejob_worker.image.steps.to_srgb import to_srgb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from imagejob_worker.image.plan import Job
    from imagejob_worker.image.raster import Origin, Picture
    from imagejob_worker.image.steps.canvas import Colour
    from imagejob_worker.image.steps.encode import Animation


class Finished(msgspec.Struct, frozen=True):
    """An output's file, and whether the source's ICC profile is in it."""

    made: Made
    icc_kept: bool


def finish(
    pictures: Sequence[Picture], job: Job, origin: Origin, animation: Animation | None, stem: str
) -> Finished:
    """Encode an output from its frames: one, or those of an animation."""
    output, placement = job.output, job.placement
    background = parse(output.background)
    choice = choose(
        output,
        placement.canvas,
        transparent=_transparent(pictures, background, padded=placement.padded),
        animated=animation is not None,
        palette=origin.survey.palette,
        resized=placement.size != placement.extent,
    )
    grey_fits = choice.format != "webp" and not placement.padded
    settled = [_settled(picture, grey_fits=grey_fits) for picture in pictures]
    alpha = choice.format != "jpeg"
    images = [on_canvas(picture.image, placement, background, alpha=alpha) for picture in settled]
    profile = settled[0].profile
    data = profile.data if profile is not None else None
    made = produce(_alike(images), output, choice, data, animation, stem)
    return Finished(made, data is not None)


def _transparent(pictures: Sequence[Picture], background: Colour | None, *, padded: bool) -> bool:
    """Whether the output would show transparency if its format has any."""
    if background is not None:
        return background[3] < 255 and (padded or _any_clear(pictures))
    return _any_clear(pictures)


def _any_clear(pictures: Sequence[Picture]) -> bool:
    return any(_clear(picture.image) for picture in pictures)


def _clear(image: Image.Image) -> bool:
    return image.mode == "RGBA" and image.getchannel("A").getextrema()[0] < 255  # type: ignore[operator]


def _settled(picture: Picture, *, grey_fits: bool) -> Picture:
    """A kept profile for grey fits files of grey pixels only; elsewhere it is sRGB after all."""
    if picture.profile is not None and picture.profile.space == "GRAY" and not grey_fits:
        return to_srgb(picture, keep=False)
    return picture


def _alike(images: Sequence[Image.Image]) -> Sequence[Image.Image]:
    """Frames of one mode, and no alpha channel that says nothing."""
    if any(_clear(image) for image in images):
        return [image.convert("RGBA") for image in images] if len(images) > 1 else images
    modes = {image.mode for image in images}
    target = "L" if modes == {"L"} else "RGB"
    return [image if image.mode == target else image.convert(target) for image in images]
