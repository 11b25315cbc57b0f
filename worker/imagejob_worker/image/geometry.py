"""Which part of the source each output shows, and at which size: arithmetic on sizes alone.

All is in *displayed* pixels of the full-size source, after orientation. The rules:

- `inside`: the whole image, as large as fits into the box; one side may be left out, or both.
- `cover`: the box is filled and what stands over is cropped, `gravity` saying which part stays.
- `contain`: the whole image, as large as fits, on a canvas of exactly the box; gravity places it.
- `fill`: the whole image, stretched to the box.

With one side only, or none, all four mean `inside`. Unless `enlarge` is set no source pixel becomes
larger than one output pixel: `inside` and `contain` scale by at most 1, and `cover` and `fill`
shrink the box, keeping its proportions, until neither side asks for more than the source has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from imagejob_worker.contract import order

Size = tuple[int, int]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""

# Fractions of the slack, from the left and from the top.
ANCHORS: dict[str, tuple[float, float]] = {
    "northwest": (0.0, 0.0), "north": (0.5, 0.0), "northeast": (1.0, 0.0),
    "west": (0.0, 0.5), "center": (0.5, 0.5), "east": (1.0, 0.5),
    "southwest": (0.0, 1.0), "south": (0.5, 1.0), "southeast": (1.0, 1.0),
    "smart": (0.5, 0.5),  # until steps/smart_gravity.py has looked at the image
}  # fmt: skip


class Placement(msgspec.Struct, frozen=True):
    """`box` of the source becomes `size`, put at `at` on `canvas`."""

    box: Box
    size: Size
    canvas: Size
    at: Size = (0, 0)

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height of the box."""
        return self.box[2] - self.box[0], self.box[3] - self.box[1]

    @property
    def padded(self) -> bool:
        """Whether the canvas shows beside the image."""
        return self.canvas != self.size


def area(size: Size) -> int:
    """The number of pixels."""
    return size[0] * size[1]


def turned(size: Size, orientation: int) -> Size:
    """A displayed image's size as stored, or the reverse: EXIF orientations from 5 on swap axes."""
    return (size[1], size[0]) if orientation >= 5 else size


def place(source: Size, output: order.Output) -> Placement:
    """Lay out one output of a source of this size (as displayed)."""
    width, height = source
    whole = (0.0, 0.0, float(width), float(height))
    if output.width is None or output.height is None or output.fit in ("inside", "contain"):
        return _inside(source, output, whole)
    scale = 1.0 if output.enlarge else min(1.0, width / output.width, height / output.height)
    size = _rounded(output.width * scale, output.height * scale)
    if output.fit == "fill":
        return Placement(whole, size, size)
    return Placement(_cover(source, size, ANCHORS[output.gravity]), size, size)


def _inside(source: Size, output: order.Output, box: Box) -> Placement:
    scales = [
        asked / has
        for asked, has in zip((output.width, output.height), source, strict=True)
        if asked
    ]
    scale = min(scales, default=1.0)
    if not output.enlarge:
        scale = min(scale, 1.0)
    size = _rounded(source[0] * scale, source[1] * scale)
    if output.fit != "contain" or output.width is None or output.height is None:
        return Placement(box, size, size)
    canvas = (output.width, output.height)
    size = min(size[0], canvas[0]), min(size[1], canvas[1])
    across, down = ANCHORS[output.gravity]
    at = round((canvas[0] - size[0]) * across), round((canvas[1] - size[1]) * down)
    return Placement(box, size, canvas, at)


def _cover(source: Size, size: Size, anchor: tuple[float, float]) -> Box:
    """The largest box of the proportions of `size`, put at `anchor`."""
    scale = max(size[0] / source[0], size[1] / source[1])
    extent = min(size[0] / scale, source[0]), min(size[1] / scale, source[1])
    return _slid(source, extent, anchor)


def move_crop(placement: Placement, source: Size, anchor: tuple[float, float]) -> Placement:
    """The same placement with its box moved to `anchor`."""
    return msgspec.structs.replace(placement, box=_slid(source, placement.extent, anchor))


def _slid(source: Size, extent: tuple[float, float], anchor: tuple[float, float]) -> Box:
    """A box of this extent whose slack is shared out by `anchor`, as fractions.

    Its corner is a whole pixel, so that a mere crop moves no pixel by a fraction.
    """
    left = min(float(round((source[0] - extent[0]) * anchor[0])), source[0] - extent[0])
    top = min(float(round((source[1] - extent[1]) * anchor[1])), source[1] - extent[1])
    return left, top, left + extent[0], top + extent[1]


def _rounded(width: float, height: float) -> Size:
    return max(1, round(width)), max(1, round(height))


def unoriented(box: Box, source: Size, orientation: int) -> Box:
    """A box of the displayed image as a box of the stored one; `source` is the stored size.

    EXIF orientations 5 to 8 swap the axes; 2, 3, 7, 8 mirror the stored rows, and 3, 4, 6, 7 the
    columns.
    """
    left, top, right, bottom = box
    if orientation >= 5:
        left, top, right, bottom = top, left, bottom, right
    if orientation in (2, 3, 7, 8):
        left, right = source[0] - right, source[0] - left
    if orientation in (3, 4, 6, 7):
        top, bottom = source[1] - bottom, source[1] - top
    return left, top, right, bottom
