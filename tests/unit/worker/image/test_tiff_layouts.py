"""Which layouts of TIFF samples are decoded, and that these look as libvips shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import pytest
from imagejob_worker.contract.failures import ItemFailure
from support.judges import BROWSERS, LIBVIPS, OPAQUE, PAINTED, Judge
from support.pictures import Bench
from support.specimens import colour, samples, strips
from support.specimens.samples import (
    ASSOCIATED,
    BLACK_IS_ZERO,
    CMYK,
    COREL,
    FLOAT,
    INT,
    LAB,
    PALETTE,
    RGB,
    UNASSOCIATED,
    UNSPECIFIED,
    VOID,
    WHITE_IS_ZERO,
    YCBCR,
    Colour,
    Layout,
)
from support.vips import Shown, mean_difference

SIDES = (12, 8)
TOLERANCE = 3.0


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
    Row(grey(12), PAINTED),
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
    Row(grey(8, UNSPECIFIED), OPAQUE, PAINTED),
    Row(grey(16, UNSPECIFIED), "16-bit grey with 1 further sample", PAINTED),
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
    Row(of(PALETTE, 8, UNSPECIFIED), OPAQUE, PAINTED),
    *(Row(of(CMYK, bits), BROWSERS, BROWSERS) for bits in (8, 16)),
    Row(of(CMYK, 8, UNSPECIFIED), BROWSERS, BROWSERS),
    Row(of(CMYK, 16, UNSPECIFIED), "16-bit CMYK with 1 further sample", BROWSERS),
    *(
        Row(of(CMYK, bits, alpha), *refused(f"{bits}-bit CMYK with alpha"))
        for bits in (8, 16)
        for alpha in (ASSOCIATED, UNASSOCIATED)
    ),
    Row(of(CMYK, 4), *refused("4-bit CMYK")),
    Row(of(YCBCR, 8), PAINTED, "8-bit YCbCr in planes"),
    Row(replace(of(YCBCR, 8), subsampled=True), LIBVIPS),
    Row(of(YCBCR, 16), *refused("16-bit YCbCr")),
    Row(of(LAB, 8), PAINTED, "8-bit CIE Lab in planes"),
    Row(of(LAB, 16), *refused("16-bit CIE Lab")),
    Row(of(9, 8), *refused("8-bit ICC Lab")),
    Row(of(4, 1), "1-bit mask"),
]

# Compression, predictor, and what else an encoder may choose.
WAYS = {
    "plain": {"rows": 3},
    "bits reversed": {"fill_order": 2},
    "LZW": {"compression": strips.LZW},
    "deflate": {"compression": strips.DEFLATE},
    "PackBits": {"compression": strips.PACKBITS},
    "tiles": {"tile": 16},
}
PREDICTED = {
    "LZW with predictor": {"compression": strips.LZW, "predictor": 2},
    "deflate with predictor": {"compression": strips.PIXAR_DEFLATE, "predictor": 2},
}


def paint(x: int, y: int) -> Colour:
    """All four change, each in its own direction."""
    right, down = x / (SIDES[0] - 1), y / (SIDES[1] - 1)
    return right, down, (x * 5 + y * 3) % 12 / 11, 0.3 + 0.7 * (1 - right)


def painted(layout: Layout) -> Shown:
    """What has to come out, by arithmetic."""
    pixels = [stored(layout, paint(x, y)) for y in range(SIDES[1]) for x in range(SIDES[0])]
    return Shown(*SIDES, b"".join(bytes((*pixel, 255)) for pixel in pixels))


def stored(layout: Layout, painted: Colour) -> tuple[int, int, int]:
    parts = samples.stored(layout, painted)
    if layout.photometric == LAB:
        light, *signed = parts
        a, b = (part - 256 if part > 127 else part for part in signed)
        return colour.from_lab((light * 100 / 255, a, b))
    if layout.photometric == YCBCR:
        red, green, blue, _ = painted
        return round(255 * red), round(255 * green), round(255 * blue)
    if layout.photometric == PALETTE:
        colours, at = samples.colour_map(256, 8), int(parts[0])
        return colours[at], colours[256 + at], colours[512 + at]
    return (round(parts[0] * 255 / ((1 << layout.bits) - 1)),) * 3


def variants(layout: Layout, verdict: Judge | str) -> Iterator[tuple[str, Layout]]:
    """The layout in both byte orders, compressed in each way that takes it."""
    ways = WAYS | (PREDICTED if layout.bits in (8, 16) and layout.format != FLOAT else {})
    if layout.subsampled or isinstance(verdict, str):
        ways = {"plain": {}}
    for name, way in ways.items():
        if layout.planar and "tile" in way:
            continue  # libvips lacks them
        for order in "<>":
            yield f"{name} {order}", replace(layout, order=order, **way)


def name_of(row: Row) -> str:
    layout = row.layout
    return (
        f"{layout.photometric}-{layout.bits}{'x'.join(map(str, ('', *layout.extra)))}"
        f"-{layout.format}-{layout.map_bits}{'-sub' * layout.subsampled}"
    )


CASES = [
    pytest.param(
        replace(row.layout, planar=planar), verdict, id=f"{name_of(row)}{'-planar' * planar}"
    )
    for row in TABLE
    for planar, verdict in ((False, row.together), (True, row.in_planes))
    if verdict is not None
]  # fmt: skip


@pytest.mark.parametrize(("layout", "verdict"), CASES)
def test_a_layout_is_decoded_right_or_refused_by_name(
    bench: Bench, layout: Layout, verdict: Judge | str
) -> None:
    for name, variant in variants(layout, verdict):
        source = samples.write(variant, paint, SIDES)
        if isinstance(verdict, str):
            with pytest.raises(ItemFailure) as caught:
                bench.process(source, {})
            assert caught.value.reason == "UnsupportedFormat", name
            assert f"the source is {verdict} TIFF" in caught.value.message, name
        else:
            expected = verdict.show(source, painted(layout))
            assert mean_difference(bench.shown(source), expected) <= TOLERANCE, name
