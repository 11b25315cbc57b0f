"""How a TIFF's samples lie in the file, and how to unpack them: decided from tags alone.

What isn't in the tables below is undamaged but beyond us: `UnsupportedFormat`, with a name for the
layout.

Source: TIFF 6.0, sections 3 to 6, 8, 14, 16 to 23; Adobe Photoshop TIFF Technical Notes (planar).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image.parsers.probe import corrupt

if TYPE_CHECKING:
    from collections.abc import Mapping

BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, PLANAR = 258, 259, 262, 277, 284
PREDICTOR, COLOUR_MAP, INK_SET, EXTRA_SAMPLES, SAMPLE_FORMAT = 317, 320, 332, 338, 339
TAGS = (
    BITS, COMPRESSION, PHOTOMETRIC, SAMPLES, PLANAR,
    PREDICTOR, COLOUR_MAP, INK_SET, EXTRA_SAMPLES, SAMPLE_FORMAT,
)  # fmt: skip
"""All tags that say how samples lie and what they mean."""

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
COLOURS = {RGB: 3, CMYK: 4, YCBCR: 3, LAB: 3, 9: 3, 10: 3}
NAMES = {
    WHITE_IS_ZERO: "grey", BLACK_IS_ZERO: "grey", RGB: "RGB", PALETTE: "palette", CMYK: "CMYK",
    YCBCR: "YCbCr", LAB: "CIE Lab", 4: "mask", 9: "ICC Lab", 10: "ITU Lab",
    32844: "LogL", 32845: "LogLuv",
}  # fmt: skip
UNSPECIFIED, ASSOCIATED, UNASSOCIATED, COREL = 0, 1, 2, 999  # Corel Draw 10 means unassociated
FORMATS = {2: "signed ", 3: "float ", 5: "complex ", 6: "complex "}
MOST_BITS = 64
UNSIGNED = {1, 4}  # 4 is "undefined", which all readers take as unsigned

FAX, OLD_JPEG, JPEG = {2, 3, 4, 32771}, 6, 7
COMPRESSIONS = {1, *FAX, 5, OLD_JPEG, JPEG, 8, 32773, 32946, 34925, 50000}
"""Those that the decoder knows; others are in use, as JPEG 2000 and JBIG are."""
PREDICTED = {5, 8, 32946, 34925, 50000}

# What the decoder makes of (photometric, bits, alpha): a mode of Pillow's, and its name for the
# samples. LA;16 isn't one, and is read byte by byte. libtiff gives 16-bit samples in this machine's
# byte order, N, whatever the file's is.
UNPACKED: Mapping[tuple[int, int, int | None], tuple[str, str]] = {
    (WHITE_IS_ZERO, 1, None): ("1", "1;I"),
    (WHITE_IS_ZERO, 2, None): ("L", "L;2I"),
    (WHITE_IS_ZERO, 4, None): ("L", "L;4I"),
    (WHITE_IS_ZERO, 8, None): ("L", "L;I"),
    (WHITE_IS_ZERO, 16, None): ("I;16", "I;16N"),
    (BLACK_IS_ZERO, 1, None): ("1", "1"),
    (BLACK_IS_ZERO, 2, None): ("L", "L;2"),
    (BLACK_IS_ZERO, 4, None): ("L", "L;4"),
    (BLACK_IS_ZERO, 8, None): ("L", "L"),
    (BLACK_IS_ZERO, 12, None): ("I;16", "I;12"),
    (BLACK_IS_ZERO, 16, None): ("I;16", "I;16N"),
    (BLACK_IS_ZERO, 8, UNASSOCIATED): ("LA", "LA"),
    (BLACK_IS_ZERO, 8, ASSOCIATED): ("La", "La"),
    (BLACK_IS_ZERO, 16, UNASSOCIATED): ("LA;16", "RGBA"),
    (BLACK_IS_ZERO, 16, ASSOCIATED): ("La;16", "RGBA"),
    (RGB, 8, None): ("RGB", "RGB"),
    (RGB, 8, UNASSOCIATED): ("RGBA", "RGBA"),
    (RGB, 8, ASSOCIATED): ("RGBA", "RGBa"),
    (RGB, 16, None): ("RGB", "RGB;16N"),
    (RGB, 16, UNASSOCIATED): ("RGBA", "RGBA;16N"),
    (RGB, 16, ASSOCIATED): ("RGBA", "RGBa;16N"),
    (PALETTE, 1, None): ("P", "P;1"),
    (PALETTE, 2, None): ("P", "P;2"),
    (PALETTE, 4, None): ("P", "P;4"),
    (PALETTE, 8, None): ("P", "P"),
    (CMYK, 8, None): ("CMYK", "CMYK"),
    (CMYK, 16, None): ("CMYK", "CMYK;16N"),
    (YCBCR, 8, None): ("RGB", "RGBX"),
    (LAB, 8, None): ("LAB", "LAB"),
}
SKIPPING = {"L": 1, "RGB": 3, "RGBA": 2, "RGBa": 2, "RGB;16N": 1, "CMYK": 2, "P": 1}
"""How many further samples a pixel of each kind may have, which are then skipped: X."""

APART = {"LA", "La", "LA;16", "La;16", "LAB"}
"""What the decoder can't put together from planes."""


class Layout(msgspec.Struct, frozen=True):
    """What the decoder makes of the samples.

    `mode` and `raw` are Pillow's names. Of samples that don't fit into 8 bits, `white` is the value
    of white, and `black` of black. `palette` has three bytes for each colour.
    """

    mode: str
    raw: str
    white: int = 255
    black: int = 0
    palette: bytes = b""


class Samples(msgspec.Struct, frozen=True):
    """What the tags say of samples, with the defaults of TIFF 6.0."""

    bits: tuple[int, ...]
    compression: int
    photometric: int
    planar: bool
    predictor: int
    extra: tuple[int, ...]
    format: int  # -1 where they differ
    ink_set: int

    def __str__(self) -> str:
        """Such as `16-bit CMYK with alpha`."""
        each = sorted(set(self.bits))
        bits = "/".join(str(number) for number in each[:4])
        kind = FORMATS.get(self.format, "" if self.format in UNSIGNED else "mixed ")
        name = NAMES.get(self.photometric, f"photometric {self.photometric}")
        more = " with alpha" if {ASSOCIATED, UNASSOCIATED} & {*self.extra} else ""
        if self.extra and not more:
            count = len(self.extra)
            more = f" with {count} further sample{'s' if count > 1 else ''}"
        return f"{bits}-bit {kind}{name}{more}{' in planes' if self.planar else ''}"


def layout(tags: Mapping[int, tuple[int, ...]]) -> Layout:
    """Decide how to unpack. `tags` has the values of TAGS, as far as there are any.

    Raises UnsupportedFormat, and CorruptImage where tags contradict each other.
    """
    samples = _samples(tags)
    if samples.compression not in COMPRESSIONS:
        method = samples.compression
        raise ItemFailure("UnsupportedFormat", f"the source is TIFF compressed by method {method}")
    if not _compressible(samples):
        how = f"method {samples.compression}, predictor {samples.predictor}"
        raise ItemFailure("UnsupportedFormat", f"the source is {samples} TIFF by {how}")
    found = _unpacked(samples)
    if found is None:
        raise ItemFailure(
            "UnsupportedFormat", f"the source is {samples} TIFF, which is not supported"
        )
    mode, raw = found
    if mode == "P":
        return Layout(mode, raw, palette=_palette(tags.get(COLOUR_MAP, ()), samples.bits[0]))
    if mode == "I;16":
        white = (1 << samples.bits[0]) - 1
        swap = samples.photometric == WHITE_IS_ZERO
        return Layout(mode, raw, *((0, white) if swap else (white, 0)))
    return Layout(mode, raw)


def _samples(tags: Mapping[int, tuple[int, ...]]) -> Samples:
    def first(tag: int, default: int) -> int:
        return tags[tag][0] if tags.get(tag) else default

    compression = first(COMPRESSION, 1)
    old = compression == OLD_JPEG  # it has no use for these tags: JPEG's own header counts
    photometric = YCBCR if old else first(PHOTOMETRIC, -1)
    if photometric < 0:
        raise corrupt("the TIFF does not say what its samples mean")
    bits = tags.get(BITS) or ((8,) if old else (1,))
    count = first(SAMPLES, 3 if old else 1)
    if len(bits) == 1:
        bits *= min(count, 65_536)
    extra = _extra(bits, count, photometric, tags.get(EXTRA_SAMPLES, ()))
    formats = set(tags.get(SAMPLE_FORMAT, ())) or {1}
    return Samples(
        bits=bits[:count],
        compression=compression,
        photometric=photometric,
        planar=first(PLANAR, 1) == 2 and count > 1,
        predictor=first(PREDICTOR, 1),
        extra=tuple(UNASSOCIATED if kind == COREL else kind for kind in extra),
        format=formats.pop() if len(formats) == 1 else -1,
        ink_set=first(INK_SET, 1),
    )


def _extra(
    bits: tuple[int, ...], count: int, photometric: int, stated: tuple[int, ...]
) -> tuple[int, ...]:
    """The meanings of samples beyond the colours. Raises CorruptImage for contradictions."""
    colours = COLOURS.get(photometric, 1)
    if not all(0 < number <= MOST_BITS for number in bits):
        raise corrupt(f"the TIFF states samples of {max(bits):,} bits")
    meant = colours + len(stated)
    if not count or len(bits) < count or (photometric in NAMES and count < meant):
        what = f"{count} samples a pixel, sizes of {len(bits)}, meanings of {meant}"
        raise corrupt(f"the TIFF's tags contradict each other: {what}")
    if not stated and count > colours:  # the tag is missing: all readers take the first for alpha
        return (UNASSOCIATED, *(UNSPECIFIED,) * (count - colours - 1))
    return stated


def _unpacked(samples: Samples) -> tuple[str, str] | None:
    """Pillow's mode and its name for the samples; None if there is none that is right."""
    bits, alpha = samples.bits[0], samples.extra[0] if samples.extra else UNSPECIFIED
    if samples.format not in UNSIGNED or len(set(samples.bits)) > 1:
        return None
    if UNSPECIFIED in samples.extra and {*samples.extra[1:]} - {UNSPECIFIED}:
        return None
    found = UNPACKED.get((samples.photometric, bits, alpha or None))
    if found is None or samples.ink_set != 1:
        return None
    mode, raw = found
    if samples.photometric == YCBCR:
        in_rgb = samples.compression == JPEG  # which converts by itself
        return None if samples.planar else (mode, "RGB" if in_rgb else raw)
    if samples.planar:  # each plane is unpacked alone, and those to skip aren't read
        return None if mode in APART else found
    skipped = len(samples.extra) - (alpha != UNSPECIFIED)
    name, colon, order = raw.partition(";")
    skipping = f"{name}{'X' * skipped}{colon}{order}"
    return (mode, skipping) if skipped <= SKIPPING.get(raw, 0) else None


def _compressible(samples: Samples) -> bool:
    """Whether the compression takes such samples."""
    bits, count, compression = samples.bits[0], len(samples.bits), samples.compression
    if compression in FAX:
        return bits == count == 1
    if compression in (OLD_JPEG, JPEG):
        return bits == 8
    return samples.predictor == 1 or bits in (8, 16) or compression not in PREDICTED


def _palette(values: tuple[int, ...], bits: int) -> bytes:
    """Red, green and blue of each colour, of a map that has all reds first.

    Some writers state 8 bits where 16 belong; libtiff's and libvips' rule: nothing is above 255.
    """
    count = 1 << bits
    if len(values) < 3 * count:
        raise corrupt(f"the TIFF's colour map has {len(values)} values, not {3 * count}")
    shift = 8 if max(values) > 255 else 0
    colours = bytes(value >> shift for value in values[: 3 * count])
    planes = (colours[:count], colours[count : 2 * count], colours[2 * count :])
    return bytes(value for colour in zip(*planes, strict=True) for value in colour)
