"""WebP, AVIF and GIF, by their encoders: each choice that these leave open."""

from __future__ import annotations

from random import Random

import pyvips
from PIL import Image

from support.gallery.case import Case, drawn, orientation_block, small, turned
from support.gallery.descriptions import in_avif, in_exif
from support.gallery.profiles import profile_for
from support.judges import LIBVIPS, Judge, arithmetic
from support.shown import Shown
from support.specimens import avif, gif, webp

LARGER = range(96, 129)
"""Sides at which it doesn't show that libheif enlarges chroma by repeating it."""

LIMITED_GREY = arithmetic("libheif shows grey of limited range as if it were of full range.")
TURNED_WRONGLY = arithmetic(
    "libheif turns subsampled pictures wrongly if a side is odd, or if 4:2:2 has a quarter turn."
)
SUBSAMPLING = ("4:0:0", "4:2:0", "4:2:2", "4:4:4")


def make_webp(rng: Random) -> Case:
    mode = rng.choice(("RGB", "RGBA"))
    picture = drawn(rng, small(rng)).convert(mode)
    profile, colours = profile_for(rng, mode)
    orientation = rng.randrange(1, 9)
    block, judge = _exif(orientation), LIBVIPS
    if rng.random() < 0.2:
        profile, (block, colours, judge) = b"", in_exif(rng, orientation)
    choices = {
        "lossless": rng.random() < 0.5,
        "quality": rng.choice((30, 75, 100)),
        "alpha_quality": rng.choice((30, 100)),
        "method": rng.choice((0, 4)),
    }
    source = webp.encode(picture, icc_profile=profile, exif=block, **choices)
    return Case(f"{mode} {choices} orientation {orientation} {colours}", "webp", source, judge)


def make_avif(rng: Random) -> Case:
    """8 bits by Pillow, which makes the format's own turns of an orientation; more by libvips."""
    if rng.random() < 0.25:
        picture = drawn(rng, small(rng)).convert("RGB")
        source, colours, judge = in_avif(rng, avif.encode(picture))
        return Case(f"RGB 8-bit {colours}", "avif", source, judge)
    mode, bits = rng.choice(("RGB", "RGBA")), rng.choice((8, 8, 10, 12))
    picture = drawn(rng, (rng.choice(LARGER), rng.choice(LARGER))).convert(mode)
    if bits > 8:
        chroma = rng.choice(("on", "off"))
        source = deep_avif(picture, bits, chroma)
        return Case(f"{mode} {bits}-bit subsampling {chroma}", "avif", source)
    profile, colours = profile_for(rng, mode)
    choices = {"subsampling": rng.choice(SUBSAMPLING), "range": rng.choice(("full", "limited"))}
    orientation = rng.randrange(1, 9)
    judge = _judge(choices, orientation, picture.size)
    if judge is not LIBVIPS:
        profile, colours = b"", "no profile"
    source = avif.encode(picture, icc_profile=profile, exif=_exif(orientation), **choices)
    name = f"{mode} 8-bit {choices} orientation {orientation} {colours}"
    painted = _painted(picture, orientation, grey=choices["subsampling"] == "4:0:0")
    return Case(name, "avif", source, judge, painted=painted)


def _judge(choices: dict[str, str], orientation: int, sides: tuple[int, int]) -> Judge:
    if choices == {"subsampling": "4:0:0", "range": "limited"}:
        return LIMITED_GREY
    chroma = choices["subsampling"]
    odd = any(side % 2 for side in sides) and chroma in ("4:2:0", "4:2:2")
    quarter = chroma == "4:2:2" and orientation >= 5
    return TURNED_WRONGLY if orientation > 1 and (odd or quarter) else LIBVIPS


def make_gif(rng: Random) -> Case:
    colours = rng.choice((2, 4, 16, 64, 256))
    picture = drawn(rng).convert("RGB").quantize(colours)
    choices: dict[str, object] = {"interlace": rng.random() < 0.5}
    if rng.random() < 0.5:
        choices["transparency"] = rng.randrange(colours)
    return Case(f"{colours} colours {choices}", "gif", gif.encode(picture, **choices))


def _painted(picture: Image.Image, orientation: int, *, grey: bool) -> Shown:
    alpha = picture.convert("RGBA").getchannel("A")
    colours = picture.convert("L").convert("RGB") if grey else picture.convert("RGB")
    colours.putalpha(alpha)
    upright = turned(colours, orientation)
    return Shown(*upright.size, upright.tobytes())


def _exif(orientation: int) -> bytes:
    return orientation_block(orientation) if orientation > 1 else b""


def deep_avif(picture: Image.Image, bits: int, chroma: str) -> bytes:
    bands = len(picture.getbands())
    plain = pyvips.Image.new_from_memory(picture.tobytes(), *picture.size, bands, "uchar")
    deep = plain.copy(interpretation="srgb").colourspace("rgb16")
    options = {"bitdepth": bits, "subsample_mode": chroma, "Q": 90, "effort": 0}
    return bytes(deep.heifsave_buffer(compression="av1", **options))
