"""What says a picture's colours otherwise than an ICC profile does, in each format that can."""

from __future__ import annotations

import struct
from random import Random
from typing import NamedTuple

from support.gallery.case import ORIENTATION
from support.gallery.profiles import profile_for
from support.judges import LIBVIPS, Judge, described
from support.specimens import png, spaces
from support.specimens.coloured import SRGB_CHUNK, chrm, cicp, gama
from support.specimens.coloured_others import described as exif_directory
from support.specimens.ifd import SHORT, Directory, tiff
from support.specimens.spaces import SRGB

CODE_POINTS = ((12, 13), (9, 13), (1, 8), (12, 8), (1, 4), (5, 13), (11, 13), (22, 13))
"""Primaries and transfers of ITU-T H.273 that mean the same in PNG and AVIF."""

GAMMAS = (0.25, 0.3333, 0.5, 0.55556, 1.0, 1.5)
CHROMATICITIES = {"none": None, "P3": spaces.P3, "Adobe": spaces.ADOBE}
EXIF = 0x8769
ADOBE_NUMBERS = ((2, b""), (65_535, b"R03"))


class Described(NamedTuple):
    """Chunks of a PNG, what they are called, and who says how it looks with them."""

    chunks: list[bytes]
    name: str
    judge: Judge


def in_png(rng: Random, mode: str) -> Described:
    """One or two of the four kinds of chunks; of two, the one that goes first counts."""
    pair = rng.choice(CODE_POINTS)
    gamma, points = rng.choice(GAMMAS), rng.choice(list(CHROMATICITIES))
    profile, profile_name = profile_for(rng, mode, always=True)
    ladder = [
        Described([cicp(*pair)], f"cICP {pair}", described(spaces.numbered(*pair))),
        Described([png.iccp(profile)], f"iCCP {profile_name}", LIBVIPS),
        Described([SRGB_CHUNK], "sRGB", described(SRGB)),
        Described([gama(gamma)], f"gAMA {gamma}", described(spaces.encoded_by(gamma))),
    ]
    if (chromaticities := CHROMATICITIES[points]) is not None:
        space = spaces.encoded_by(gamma, chromaticities)
        chunks = [gama(gamma), chrm(chromaticities)]
        ladder[3] = Described(chunks, f"gAMA {gamma} cHRM {points}", described(space))
    rungs = sorted(rng.sample(range(len(ladder)), rng.choice((1, 1, 2))))
    first = ladder[rungs[0]]
    chunks = [chunk for rung in rungs for chunk in ladder[rung].chunks]
    return Described(chunks, " over ".join(ladder[rung].name for rung in rungs), first.judge)


def in_avif(rng: Random, source: bytes) -> tuple[bytes, str, Judge]:
    """The same file with other code points in its box, which go before the bitstream's."""
    pair = rng.choice(CODE_POINTS)
    at = source.index(b"nclx") + 4
    written = source[:at] + struct.pack(">HH", *pair) + source[at + 4 :]
    return written, f"nclx {pair}", described(spaces.numbered(*pair))


def in_exif(rng: Random, orientation: int) -> tuple[bytes, str, Judge]:
    """An EXIF block with an orientation, which says that the colours are Adobe RGB's."""
    number, index = rng.choice(ADOBE_NUMBERS)
    main = {ORIENTATION: (SHORT, [orientation])}
    directory = Directory(main, {EXIF: exif_directory(number, index)})
    block = tiff([directory], rng.choice("<>"))
    return block, f"EXIF ColorSpace {number}", described(spaces.ADOBE_RGB)
