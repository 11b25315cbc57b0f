"""Which layouts of TIFF samples are decoded, and who says that it is right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from support.judges import BROWSERS, LIBVIPS, OPAQUE, Judge, arithmetic
from support.shown import Shown
from support.specimens import colour, samples, strips
from support.specimens.samples import (
    ASSOCIATED,
    BLACK_IS_ZERO,
    CMYK,
    COREL,
    FLOAT,
    INT,
    LAB,
    MASK,
    PALETTE,
    RGB,
    UNASSOCIATED,
    UNSPECIFIED,
    VOID,
    WHITE_IS_ZERO,
    YCBCR,
    Colour,
    Layout,
    Paint,
)

SAMPLES_OF_12_BITS = arithmetic("libvips has no samples of 12 bits.")
YCBCR_WHOLE = arithmetic("libvips shows YCbCr that isn't subsampled as if it were RGB.")
LAB_OF_8_BITS = arithmetic("libvips doesn't read CIE L*a*b* of 8 bits.")
PLANES_APART = arithmetic("libvips takes the wrong rows of grey or a palette in planes.")


class Row(NamedTuple):
    """A layout, and what becomes of it with samples side by side and in planes: a judge of what
    is decoded, or what the refusal calls it."""

    layout: Layout
    together: Judge | str
    in_planes: Judge | str | None = None  # None: there is but one plane


def refused(name: str) -> tuple[str, str]:
    return name, f"{name} in planes"


def grey(bits: int, *extra: int, white: bool = False, kind: int = samples.UINT) -> Layout:
    photometric = WHITE_IS_ZERO if white else BLACK_IS_ZERO
    return Layout(photometric=photometric, bits=bits, extra=extra, format=kind)


def rgb(bits: int, *extra: int, kind: int = samples.UINT) -> Layout:
    return Layout(photometric=RGB, bits=bits, extra=extra, format=kind)


def of(photometric: int, bits: int, *extra: int) -> Layout:
    return Layout(photometric=photometric, bits=bits, extra=extra)


TABLE = [
    *(
        Row(grey(bits, white=white), LIBVIPS)
        for bits in (1, 2, 4, 8, 16)
        for white in (True, False)
    ),
    Row(grey(12), SAMPLES_OF_12_BITS),
    Row(grey(12, white=True), "12-bit grey"),
    Row(grey(10), "10-bit grey"),
    Row(grey(14), "14-bit grey"),
    Row(grey(32), "32-bit grey"),
    *(Row(grey(bits, kind=VOID), LIBVIPS) for bits in (8, 16)),
    *(Row(grey(bits, kind=INT), f"{bits}-bit signed grey") for bits in (8, 16, 32)),
    *(Row(grey(bits, kind=FLOAT), f"{bits}-bit float grey") for bits in (16, 32, 64)),
    *(
        Row(grey(bits, alpha), LIBVIPS, f"{bits}-bit grey with alpha in planes")
        for bits in (8, 16)
        for alpha in (ASSOCIATED, UNASSOCIATED)
    ),
    Row(grey(8, UNSPECIFIED), OPAQUE, PLANES_APART),
    Row(grey(16, UNSPECIFIED), "16-bit grey with 1 further sample", PLANES_APART),
    Row(grey(4, UNASSOCIATED), *refused("4-bit grey with alpha")),
    Row(grey(8, UNASSOCIATED, white=True), *refused("8-bit grey with alpha")),
    *(Row(rgb(bits), LIBVIPS, LIBVIPS) for bits in (8, 16)),
    *(Row(rgb(bits), *refused(f"{bits}-bit RGB")) for bits in (2, 4, 10, 12, 14, 32)),
    *(
        Row(rgb(bits, alpha), LIBVIPS, LIBVIPS)
        for bits in (8, 16)
        for alpha in (ASSOCIATED, UNASSOCIATED, COREL)
    ),
    *(Row(rgb(bits, UNSPECIFIED), OPAQUE, OPAQUE) for bits in (8, 16)),
    Row(rgb(8, UNSPECIFIED, UNSPECIFIED), OPAQUE, OPAQUE),
    *(Row(rgb(8, alpha, UNSPECIFIED), LIBVIPS, LIBVIPS) for alpha in (ASSOCIATED, UNASSOCIATED)),
    Row(rgb(8, UNSPECIFIED, UNASSOCIATED), *refused("8-bit RGB with alpha")),
    Row(rgb(16, UNASSOCIATED, UNSPECIFIED), "16-bit RGB with alpha", LIBVIPS),
    *(Row(rgb(bits, UNASSOCIATED), *refused(f"{bits}-bit RGB with alpha")) for bits in (10, 32)),
    *(Row(rgb(bits, kind=VOID), LIBVIPS, LIBVIPS) for bits in (8, 16)),
    *(Row(rgb(bits, kind=INT), *refused(f"{bits}-bit signed RGB")) for bits in (8, 16)),
    *(Row(rgb(bits, kind=FLOAT), *refused(f"{bits}-bit float RGB")) for bits in (16, 32, 64)),
    *(
        Row(replace(of(PALETTE, bits), map_bits=map_bits), LIBVIPS)
        for bits in (1, 2, 4, 8)
        for map_bits in (8, 16)
    ),
    Row(of(PALETTE, 16), "16-bit palette"),
    Row(of(PALETTE, 8, UNASSOCIATED), *refused("8-bit palette with alpha")),
    Row(of(PALETTE, 8, UNSPECIFIED), OPAQUE, PLANES_APART),
    *(Row(of(CMYK, bits), BROWSERS, BROWSERS) for bits in (8, 16)),
    Row(of(CMYK, 8, UNSPECIFIED), BROWSERS, BROWSERS),
    Row(of(CMYK, 16, UNSPECIFIED), "16-bit CMYK with 1 further sample", BROWSERS),
    *(
        Row(of(CMYK, bits, alpha), *refused(f"{bits}-bit CMYK with alpha"))
        for bits in (8, 16)
        for alpha in (ASSOCIATED, UNASSOCIATED)
    ),
    Row(of(CMYK, 4), *refused("4-bit CMYK")),
    Row(of(YCBCR, 8), YCBCR_WHOLE, "8-bit YCbCr in planes"),
    Row(replace(of(YCBCR, 8), subsampled=True), LIBVIPS),
    Row(of(YCBCR, 16), *refused("16-bit YCbCr")),
    Row(of(LAB, 8), LAB_OF_8_BITS, "8-bit CIE Lab in planes"),
    Row(of(LAB, 16), *refused("16-bit CIE Lab")),
    Row(of(9, 8), *refused("8-bit ICC Lab")),
    Row(of(MASK, 1), "1-bit mask"),
]

# Compression, predictor, and what else an encoder may choose.
WAYS: dict[str, dict[str, Any]] = {
    "plain": {"rows": 3},
    "bits reversed": {"fill_order": 2},
    "LZW": {"compression": strips.LZW},
    "deflate": {"compression": strips.DEFLATE},
    "PackBits": {"compression": strips.PACKBITS},
    "tiles": {"tile": 16},
}
PREDICTED: dict[str, dict[str, Any]] = {
    "LZW with predictor": {"compression": strips.LZW, "predictor": 2},
    "deflate with predictor": {"compression": strips.PIXAR_DEFLATE, "predictor": 2},
}


def painted(layout: Layout, paint: Paint, sides: tuple[int, int]) -> Shown:
    """What has to come out of a picture without alpha, by arithmetic."""
    width, height = sides
    pixels = [stored(layout, paint(x, y)) for y in range(height) for x in range(width)]
    return Shown(width, height, b"".join(bytes((*pixel, 255)) for pixel in pixels))


def stored(layout: Layout, colours: Colour) -> tuple[int, int, int]:
    parts = samples.stored(layout, colours)
    if layout.photometric == LAB:
        light, *signed = parts
        a, b = (part - 256 if part > 127 else part for part in signed)
        return colour.from_lab((light * 100 / 255, a, b))
    if layout.photometric == YCBCR:
        red, green, blue, _ = colours
        return round(255 * red), round(255 * green), round(255 * blue)
    if layout.photometric == PALETTE:
        colours, at = samples.colour_map(256, 8), int(parts[0])
        return colours[at], colours[256 + at], colours[512 + at]
    return (round(parts[0] * 255 / ((1 << layout.bits) - 1)),) * 3


def ways_of(layout: Layout) -> dict[str, dict[str, Any]]:
    """The ways that take such samples, and in which libvips reads them."""
    if layout.subsampled:
        return {"plain": {}}
    ways = WAYS | (PREDICTED if layout.bits in (8, 16) and layout.format != FLOAT else {})
    return {name: way for name, way in ways.items() if not (layout.planar and "tile" in way)}


def cells() -> Iterator[tuple[str, Layout, Judge | str]]:
    """Each row's layouts by name, with who judges them or what the refusal calls them."""
    for row in TABLE:
        for planar, verdict in ((False, row.together), (True, row.in_planes)):
            if verdict is not None:
                name = f"{name_of(row.layout)}{' in planes' * planar}"
                yield name, replace(row.layout, planar=planar), verdict


def name_of(layout: Layout) -> str:
    """Such as `photometric 2, 8-bit, extra 1, format 1`."""
    extra = f", extra {'+'.join(map(str, layout.extra))}" if layout.extra else ""
    rest = f", format {layout.format}" if layout.format != samples.UINT else ""
    colours = f", map of {layout.map_bits}" if layout.photometric == PALETTE else ""
    chroma = ", subsampled" if layout.subsampled else ""
    return f"photometric {layout.photometric}, {layout.bits}-bit{extra}{rest}{colours}{chroma}"
