"""JPEGs of the sizes that phones make, in a second: rows of blocks of a small one, again and again.

With a restart marker after each row no row depends on the one before. The marker's number, and the
height in the header, are all that differs.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from math import ceil

from PIL import Image

STRIP = 64
"""Rows of pixels that are encoded."""

ENTROPY_ENDS = re.compile(rb"\xff[^\x00\xd0-\xd7]")
RESTART = re.compile(rb"\xff[\xd0-\xd7]")


@dataclass(frozen=True)
class Photo:
    """One kind of photo. `subsampling` is 4:2:0 or 4:4:4."""

    name: str
    width: int
    height: int
    progressive: bool
    subsampling: str

    @property
    def pixels(self) -> int:
        return self.width * self.height


SIZES = {
    "50 MP": (8160, 6144),
    "108 MP": (12000, 9000),
    "200 MP": (16320, 12240),
    "panorama": (16382, 3628),
}
WAYS = {
    "baseline": (False, "4:2:0"),
    "progressive": (True, "4:2:0"),
    "progressive, 4:4:4": (True, "4:4:4"),
}
PHOTOS = [Photo(f"{size}, {way}", *SIZES[size], *WAYS[way]) for size in SIZES for way in WAYS]


def jpeg(photo: Photo) -> bytes:
    """The photo as a file."""
    strip = _strip(photo.width)
    encoded = io.BytesIO()
    strip.save(
        encoded,
        "JPEG",
        quality=70,
        progressive=photo.progressive,
        subsampling=photo.subsampling,
        restart_marker_rows=1,
    )
    return b"".join(_stretched(encoded.getvalue(), photo.height))


def _strip(width: int) -> Image.Image:
    """Slopes with some noise: neither flat nor as large as noise alone."""
    slope = Image.linear_gradient("L").resize((width, STRIP))
    noise = Image.effect_noise((width, STRIP), 16)
    return Image.merge("RGB", (slope, noise, Image.blend(slope, noise, 0.5)))


def _stretched(data: bytes, height: int) -> Iterator[bytes]:
    """Yield the file's parts, with scans that are as high as `height` asks for."""
    at, factors, tallest = 2, {}, 1
    yield data[:2]
    while data[at + 1] != 0xD9:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        segment = data[at : at + 2 + length]
        at += 2 + length
        if marker in (0xC0, 0xC2):
            factors = {part[0]: part[1] & 15 for part in _components(segment)}
            tallest = max(factors.values())
            segment = segment[:5] + height.to_bytes(2) + segment[7:]
        yield segment
        if marker == 0xDA:
            found = ENTROPY_ENDS.search(data, at)
            assert found
            names = segment[5 : 5 + 2 * segment[4] : 2]
            rows = _rows(height, [factors[name] for name in names], tallest)
            yield _repeated(RESTART.split(data[at : found.start()]), rows)
            at = found.start()
    yield data[at:]


def _components(frame: bytes) -> list[bytes]:
    return [frame[10 + 3 * index : 13 + 3 * index] for index in range(frame[9])]


def _rows(height: int, factors: list[int], tallest: int) -> int:
    """Rows of MCUs of a scan; a scan of one component has as many as that has blocks."""
    if len(factors) > 1:
        return ceil(height / (8 * tallest))
    return ceil(ceil(height * factors[0] / tallest) / 8)


def _repeated(rows: list[bytes], count: int) -> bytes:
    parts = list(islice(cycle(rows), count))
    return b"".join(
        part + (bytes((0xFF, 0xD0 + at % 8)) if at < count - 1 else b"")
        for at, part in enumerate(parts)
    )
