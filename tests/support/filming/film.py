"""An animation as its frames, and a compositor that draws them pixel by pixel.

As the specifications of GIF, APNG and WebP say, and as browsers do where they say otherwise: the
canvas is transparent at first, and so is what is cleared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

Pixel = tuple[int, int, int, int]
Exact = tuple[float, float, float, float]
"""Red, green, blue, each times alpha, and alpha: 0 to 255."""

Disposal = Literal["none", "background", "previous"]
CLEAR: Exact = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Frame:
    """A picture and its place; `over`: drawn over what is there, else in place of it."""

    left: int
    top: int
    width: int
    height: int
    pixels: Sequence[Pixel]
    milliseconds: int
    disposal: Disposal = "none"
    over: bool = True


@dataclass(frozen=True)
class Film:
    """`still` are the pixels of an image that is none of the frames, `features` what was drawn."""

    width: int
    height: int
    frames: Sequence[Frame]
    plays: int = 0
    still: Sequence[Pixel] | None = None
    features: frozenset[str] = frozenset()

    @property
    def blends(self) -> bool:
        """Whether colours are mixed, which readers round in different ways."""
        return any(0 < pixel[3] < 255 for frame in self.frames for pixel in frame.pixels)


def exact(pixel: Pixel) -> Exact:
    red, green, blue, alpha = pixel
    return red * alpha / 255, green * alpha / 255, blue * alpha / 255, float(alpha)


def composed(film: Film) -> Iterator[list[Exact]]:
    """Yield the canvas while each frame shows, row by row."""
    canvas = [CLEAR] * (film.width * film.height)
    for frame in film.frames:
        before, covered = list(canvas), []
        for index, pixel in enumerate(frame.pixels):
            x, y = frame.left + index % frame.width, frame.top + index // frame.width
            if x < film.width and y < film.height:
                at = y * film.width + x
                canvas[at] = _mixed(canvas[at], exact(pixel)) if frame.over else exact(pixel)
                covered.append(at)
        yield list(canvas)
        for at in covered:
            if frame.disposal == "background":
                canvas[at] = CLEAR
            elif frame.disposal == "previous":
                canvas[at] = before[at]


def _mixed(below: Exact, above: Exact) -> Exact:
    share = 1 - above[3] / 255
    red, green, blue, alpha = (a + b * share for a, b in zip(above, below, strict=True))
    return red, green, blue, alpha


def seen(pixels: Sequence[Pixel]) -> list[Exact]:
    return [exact(pixel) for pixel in pixels]


def difference(one: Sequence[Exact], other: Sequence[Exact]) -> float:
    """The largest difference of any sample of two canvases, of 255."""
    return max(
        abs(a - b)
        for left, right in zip(one, other, strict=True)
        for a, b in zip(left, right, strict=True)
    )


def shown_for(milliseconds: int) -> int:
    """As browsers do."""
    return milliseconds if milliseconds > 10 else 100


Timeline = list[tuple[int, list[Exact]]]
"""What is shown, and until when."""


def timeline(film: Film) -> Timeline:
    ends = accumulate(shown_for(frame.milliseconds) for frame in film.frames)
    return list(zip(ends, composed(film), strict=True))


def apart(one: Timeline, other: Timeline) -> float:
    """The largest difference of what is shown at any time; 255 if one ends before the other.

    Frames aren't counted: encoders join those that are equal, and a single one is a still image.
    """
    if len(one) == 1 or len(other) == 1:
        return max(difference(left, right) for _, left in one for _, right in other)
    if one[-1][0] != other[-1][0]:
        return 255
    times = sorted({end for end, _ in one} | {end for end, _ in other})
    return max(difference(_until(one, time), _until(other, time)) for time in times)


def _until(line: Timeline, time: int) -> list[Exact]:
    return next(canvas for end, canvas in line if end >= time)
