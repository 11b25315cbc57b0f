"""Images that say their colours in every way, and the space that each is in.

Eight patches each; what the space shows of them is computed in `spaces`, and what Chromium shows
is compared once by `make proof-colours`.
"""

from __future__ import annotations

import io
import itertools
import struct
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from PIL import Image

from . import icc, png, spaces
from .colour import Rgb
from .spaces import ADOBE_RGB, DISPLAY_P3, SRGB, Space

PATCH = 16
PATCHES = (
    (200, 40, 40), (40, 160, 60), (60, 80, 200), (10, 10, 10),
    (128, 128, 128), (250, 240, 20), (30, 60, 90), (255, 255, 255),
)  # fmt: skip

USED, DROPPED, IGNORED = 0, 1, 16  # the notes, as a report has them


class Coloured(NamedTuple):
    """An image in one of the formats, the space that its samples are in, and the notes to expect.

    `browser` says whether Chromium is to show the same; `stored` are the samples of the patches.
    """

    name: str
    format: str
    data: bytes
    space: Space
    notes: int = USED
    browser: bool = True
    stored: Sequence[Rgb] = PATCHES


def strip(mode: str, colours: Sequence[Any]) -> Image.Image:
    """Patches of these colours, side by side."""
    image = Image.new(mode, (PATCH * len(colours), PATCH))
    for number, colour in enumerate(colours):
        image.paste(colour, (PATCH * number, 0, PATCH * (number + 1), PATCH))
    return image


def samples(image: Image.Image) -> list[Any]:
    """What is stored in the middle of each patch."""
    return [image.getpixel((x, PATCH // 2)) for x in range(PATCH // 2, image.width, PATCH)]


def patches(mode: str = "RGB") -> Image.Image:
    image = strip("RGB", PATCHES)
    if mode == "P":
        return image.quantize(16)
    if mode == "I;16":
        grey = image.convert("L").tobytes()
        doubled = bytes(itertools.chain.from_iterable(zip(grey, grey, strict=True)))
        return Image.frombytes("I;16", image.size, doubled)
    return image.convert(mode)


def middles(image: Image.Image) -> list[Rgb]:
    """The colour in the middle of each patch."""
    return samples(image.convert("RGB"))


def cicp(primaries: int, transfer: int, matrix: int = 0, full: int = 1) -> bytes:
    return png.chunk(b"cICP", bytes((primaries, transfer, matrix, full)))


def gama(gamma: float) -> bytes:
    return png.chunk(b"gAMA", round(gamma * 100_000).to_bytes(4, "big"))


def chrm(
    primaries: tuple[spaces.Point, ...] = spaces.BT_709, white: spaces.Point = spaces.D65
) -> bytes:
    parts = [round(part * 100_000) for point in (white, *primaries) for part in point]
    return png.chunk(b"cHRM", struct.pack(">8I", *parts))


SRGB_CHUNK = png.chunk(b"sRGB", b"\0")


def png_of(*chunks: bytes, mode: str = "RGB", late: tuple[bytes, ...] = ()) -> bytes:
    return png.with_chunks(png.encode(patches(mode)), *chunks, after=late)


def damaged(chunk: bytes) -> bytes:
    """The same chunk with a wrong checksum."""
    return chunk[:-1] + bytes((chunk[-1] ^ 1,))


def by_code_points() -> Iterator[Coloured]:
    """PNG's cICP with each of H.273's numbers that means something for SDR, and with others."""
    pairs = [(primaries, 13) for primaries in spaces.PRIMARIES]
    pairs += [(1, transfer) for transfer in spaces.TRANSFERS]
    pairs += [(9, 1), (9, 14), (9, 15), (12, 8), (6, 6), (5, 6), (12, 1), (9, 8)]
    for pair in dict.fromkeys(pairs):
        yield Coloured(f"cicp {pair}", "png", png_of(cicp(*pair)), spaces.numbered(*pair))
    yield Coloured("cicp unspecified", "png", png_of(cicp(2, 2)), SRGB)
    for pair in (
        (2, 8),
        (12, 2),
        (3, 13),
        (0, 13),
        (23, 13),
        (12, 9),
        (12, 10),
        (12, 12),
        (12, 99),
    ):
        yield Coloured(f"cicp {pair}", "png", png_of(cicp(*pair)), SRGB, IGNORED)
    yield Coloured("cicp narrow", "png", png_of(cicp(12, 13, full=0)), SRGB, IGNORED)
    matrix = png_of(cicp(12, 13, matrix=1))
    yield Coloured("cicp of YCbCr", "png", matrix, SRGB, IGNORED, browser=False)


def by_gamma() -> Iterator[Coloured]:
    """gAMA alone, near sRGB's and far from it, and with cHRM."""
    for gamma in (0.1, 0.25, 0.3333, 0.42, 0.48, 0.5, 0.55556, 0.7, 1.0, 1.5, 2.2):
        yield Coloured(f"gama {gamma}", "png", png_of(gama(gamma)), spaces.encoded_by(gamma))
    for gamma in (0.4329, 0.44, 0.45455, 0.4545, 0.46, 0.475):
        yield Coloured(f"gama {gamma}", "png", png_of(gama(gamma)), SRGB)
    for number, (white, primaries) in spaces.PRIMARIES.items():
        for gamma in (0.45455, 1.0):
            data = png_of(gama(gamma), chrm(primaries, white))
            space = spaces.encoded_by(gamma, primaries, white)
            yield Coloured(f"gama {gamma}, chrm {number}", "png", data, space)
    yield Coloured("chrm of sRGB", "png", png_of(chrm()), SRGB)
    yield Coloured("chrm alone", "png", png_of(chrm(spaces.P3)), SRGB, IGNORED)
    yield Coloured("gama 0", "png", png_of(gama(0)), SRGB, IGNORED)
    line = chrm(((0.2, 0.2), (0.3, 0.3), (0.4, 0.4)))
    for name, chunk in (("of zeros", chrm(((0, 0),) * 3, (0, 0))), ("on a line", line)):
        yield Coloured(f"chrm {name}", "png", png_of(gama(1.0), chunk), SRGB, IGNORED)


def in_modes() -> Iterator[Coloured]:
    """Every kind of PNG's samples."""
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        for chunks, space in (
            ((cicp(12, 13),), DISPLAY_P3),
            ((gama(1.0),), spaces.encoded_by(1.0)),
            ((gama(0.55556), chrm(spaces.ADOBE)), spaces.encoded_by(0.55556, spaces.ADOBE)),
        ):
            name, data = (
                " ".join([mode, *(chunk[4:8].decode() for chunk in chunks)]),
                png_of(*chunks, mode=mode),
            )
            grey = middles(patches("L" if mode == "I;16" else mode))
            yield Coloured(name, "png", data, space, stored=grey)


LADDER: tuple[tuple[str, bytes, Space], ...] = (
    ("cICP", cicp(12, 13), DISPLAY_P3),
    ("iCCP", png.iccp(icc.adobe_rgb()), ADOBE_RGB),
    ("sRGB", SRGB_CHUNK, SRGB),
    ("gAMA", gama(1.0), spaces.encoded_by(1.0)),
)
"""PNG's chunks, the one that goes first at the top."""


def by_precedence() -> Iterator[Coloured]:
    """All sets of PNG's chunks, in both orders, and each chunk damaged, late or doubled."""
    for size in range(2, len(LADDER) + 1):
        for rungs in itertools.combinations(LADDER, size):
            name = " ".join(rung[0] for rung in rungs)
            chunks = [rung[1] for rung in rungs]
            yield Coloured(name, "png", png_of(*chunks), rungs[0][2])
            yield Coloured(f"{name} turned", "png", png_of(*reversed(chunks)), rungs[0][2])
    for rung, below in itertools.pairwise(LADDER):
        notes = DROPPED if rung[0] == "iCCP" else IGNORED
        broken = png_of(damaged(rung[1]), below[1])
        yield Coloured(f"damaged {rung[0]}", "png", broken, below[2], notes)
        late = png_of(below[1], late=(rung[1],))
        yield Coloured(f"late {rung[0]}", "png", late, below[2], notes)
    twice = png_of(gama(1.0), gama(0.5))
    yield Coloured("gAMA twice", "png", twice, spaces.encoded_by(1.0))


def stored(data: bytes) -> list[Rgb]:
    """The samples of a file, as a decoder gives them."""
    with Image.open(io.BytesIO(data)) as image:
        return middles(image)


KINDS = (by_code_points, by_gamma, in_modes, by_precedence)
