"""How close an output is to the best that its size allows, so that nobody wins by bad pictures."""

from __future__ import annotations

from math import inf, log10
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageStat

from imagebench.figures import Output

if TYPE_CHECKING:
    from pathlib import Path


class References:
    """The source, decoded at full size and reduced by plain Lanczos, once for each width."""

    def __init__(self, source: Path) -> None:
        with Image.open(source) as image:
            self._source = image.convert("RGB")
        self._made: dict[tuple[int, int], Image.Image] = {}

    def judge(self, output: Path) -> Output:
        """Compare an output with the reference of its size."""
        with Image.open(output) as image:
            pixels = image.convert("RGB")
        if pixels.size not in self._made:
            self._made[pixels.size] = self._source.resize(pixels.size, Image.Resampling.LANCZOS)
        psnr = _psnr(self._made[pixels.size], pixels)
        return Output(pixels.width, output.stat().st_size, psnr)


def _psnr(one: Image.Image, other: Image.Image) -> float:
    """Peak signal-to-noise ratio over red, green and blue, in dB."""
    squares = ImageStat.Stat(ImageChops.difference(one, other)).sum2
    error = sum(squares) / (3 * one.width * one.height)
    return 10 * log10(255**2 / error) if error else inf
