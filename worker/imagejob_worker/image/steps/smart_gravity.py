"""Step: `gravity: smart`, which part of a picture a crop keeps.

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

from imagejob_worker.image.geometry import aim as aimed
from imagejob_worker.image.raster import Picture
from imagejob_worker.image.steps.orient import upright

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_worker.image.plan import Job
    from imagejob_worker.image.raster import Frame, Origin

SIDE = 128
DETAIL, SKIN, SATURATION = 0.2, 1.8, 0.1
EXACTLY = 9  # digits of a score: sums of equal windows differ in the last ones


def aim(jobs: Sequence[Job], frame: Frame, origin: Origin) -> tuple[Job, ...]:
    """The jobs, those of smart gravity with their crop moved to where this frame is worth most."""
    if not any(_is_smart(job) for job in jobs):
        return tuple(jobs)
    measures = _measures(_thumbnail(frame, origin))
    across, down = _profile(measures, horizontal=True), _profile(measures, horizontal=False)
    return tuple(_moved(job, origin, across, down) if _is_smart(job) else job for job in jobs)


def _is_smart(job: Job) -> bool:
    return job.output.gravity == "smart" and job.output.fit == "cover"


def _moved(job: Job, origin: Origin, across: Sequence[float], down: Sequence[float]) -> Job:
    source = origin.survey.displayed
    width, height = job.placement.extent
    anchor = best(across, width / source[0]), best(down, height / source[1])
    return msgspec.structs.replace(job, placement=aimed(job.placement, source, anchor))


def best(profile: Sequence[float], share: float) -> float:
    """Where a window over this share of the profile is worth most, as a fraction of its slack."""
    window = max(1, round(len(profile) * share))
    slack = len(profile) - window
    if slack <= 0:
        return 0.5
    weights = [1 - 0.5 * abs(2 * (index + 0.5) / window - 1) for index in range(window)]

    def worth(at: int) -> tuple[float, float]:
        values = profile[at : at + window]
        total = sum(value * weight for value, weight in zip(values, weights, strict=True))
        return round(total, EXACTLY), -abs(at - slack / 2)

    return max(range(slack + 1), key=worth) / slack


def _thumbnail(frame: Frame, origin: Origin) -> Image.Image:
    """The frame, upright, at most 128 pixels a side. Colours need not be exact for this."""
    image = frame.image
    shrink = SIDE / max(image.size)
    if shrink < 1:
        size = max(1, round(image.width * shrink)), max(1, round(image.height * shrink))
        image = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=1.0)
    return upright(Picture(image), origin.survey.orientation).image


def _measures(image: Image.Image) -> list[tuple[float, Image.Image]]:
    """Each measure's weight and its map, 0 to 255; what is transparent is worth nothing."""
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
