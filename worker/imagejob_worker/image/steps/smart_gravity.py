"""Step: `gravity: smart`, the part of an image that a crop keeps.

The method is smartcrop.js's (Jonas Wagner, 2014), cut down to what one sliding window needs. On a
thumbnail of at most 128 pixels a side it measures three things of each pixel:

- detail: how far its brightness differs from its eight neighbours' (a Laplacian), weight 0.2
- skin: whether its chroma lies within 77..127 for Cb and 133..173 for Cr (Chai and Ngan, 1999), 1.8
- saturation: how far its colour is from grey, weight 0.1

A crop to given proportions can move along one axis only, so each measure is averaged across the
other. The window goes where the weighted sum is largest, its middle counting twice as much as its
ends, so that what it finds is not put at the edge; among equals the one nearest the centre wins.

This knows nothing of faces or things. Wood, sand and brick count as skin; a small calm subject
before a busy background loses. It is deterministic, and costs a few milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from PIL import Image

from imagejob_worker.image.geometry import move_crop
from imagejob_worker.image.raster import Raster
from imagejob_worker.image.steps.orient import upright

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_worker.image.context import SourceContext
    from imagejob_worker.image.geometry import Size
    from imagejob_worker.image.plan import OutputPlan

SIDE = 128
DETAIL, SKIN, SATURATION = 0.2, 1.8, 0.1
EXACTLY = 9  # digits of a score: sums of equal windows differ in the last ones


def aim_smart_crops(context: SourceContext) -> None:
    """Move each smart crop to the part of its first frame that scores highest."""
    size, orientation = context.probe.displayed, context.probe.orientation
    frames = {
        plan.animated: context.first_frames[plan.animated]
        for plan in context.plans
        if _is_smart(plan)
    }
    profiles = {
        animated: _profiles(_thumbnail(frame.image, orientation))
        for animated, frame in frames.items()
    }
    context.plans = tuple(
        _moved(plan, size, *profiles[plan.animated]) if _is_smart(plan) else plan
        for plan in context.plans
    )


def _is_smart(plan: OutputPlan) -> bool:
    return plan.output.gravity == "smart" and plan.output.fit == "cover"


def _moved(
    plan: OutputPlan, source: Size, across: Sequence[float], down: Sequence[float]
) -> OutputPlan:
    width, height = plan.placement.extent
    anchor = best(across, width / source[0]), best(down, height / source[1])
    return msgspec.structs.replace(plan, placement=move_crop(plan.placement, source, anchor))


def best(profile: Sequence[float], share: float) -> float:
    """Return where a window over this share of the profile scores highest, as a fraction of its
    slack."""
    window = max(1, round(len(profile) * share))
    slack = len(profile) - window
    if slack <= 0:
        return 0.5
    weights = [1 - 0.5 * abs(2 * (index + 0.5) / window - 1) for index in range(window)]

    def score(at: int) -> tuple[float, float]:
        values = profile[at : at + window]
        total = sum(value * weight for value, weight in zip(values, weights, strict=True))
        return round(total, EXACTLY), -abs(at - slack / 2)

    return max(range(slack + 1), key=score) / slack


def _thumbnail(image: Image.Image, orientation: int) -> Image.Image:
    """A frame, upright, at most 128 pixels a side. Colours need not be exact for this."""
    shrink = SIDE / max(image.size)
    if shrink < 1:
        size = max(1, round(image.width * shrink)), max(1, round(image.height * shrink))
        image = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=1.0)
    return upright(Raster(image), orientation).image


def _profiles(image: Image.Image) -> tuple[list[float], list[float]]:
    """How columns and rows score."""
    measures = _measures(image)
    return _profile(measures, horizontal=True), _profile(measures, horizontal=False)


def _measures(image: Image.Image) -> list[tuple[float, Image.Image]]:
    """Return each measure's weight and its map, 0 to 255; transparent pixels score nothing."""
    from PIL import ImageChops, ImageFilter  # for this gravity only

    rgb = image.convert("RGB")
    edges = rgb.convert("L").filter(ImageFilter.FIND_EDGES)
    detail = Image.new("L", rgb.size)  # the filter leaves the outermost pixels as they were
    if min(rgb.size) > 2:
        detail.paste(edges.crop((1, 1, rgb.width - 1, rgb.height - 1)), (1, 1))
    _, blue, red = rgb.convert("YCbCr").split()
    skin = ImageChops.multiply(_within(blue, 77, 127), _within(red, 133, 173))
    saturation = rgb.convert("HSV").getchannel("S")
    maps = [(DETAIL, detail), (SKIN, skin), (SATURATION, saturation)]
    if image.mode != "RGBA":
        return maps
    alpha = image.getchannel("A")
    return [(weight, ImageChops.multiply(each, alpha)) for weight, each in maps]


def _within(channel: Image.Image, low: int, high: int) -> Image.Image:
    return channel.point([255 if low <= value <= high else 0 for value in range(256)])


def _profile(maps: Sequence[tuple[float, Image.Image]], *, horizontal: bool) -> list[float]:
    """The weighted mean of each column (or row), as floats: 8 bits would round small ones away."""
    total: list[float] = []
    for weight, each in maps:
        size = (each.width, 1) if horizontal else (1, each.height)
        line = each.convert("F").resize(size, Image.Resampling.BOX)
        values = memoryview(line.tobytes()).cast("f")
        total = [
            have + weight * value
            for have, value in zip(total or [0.0] * len(values), values, strict=True)
        ]
    return total
