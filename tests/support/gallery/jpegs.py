"""JPEG: colours, subsampling, scans, orientation, profiles."""

from __future__ import annotations

from random import Random

from PIL import Image

from support.gallery.case import Case, drawn, small
from support.gallery.descriptions import in_exif
from support.gallery.profiles import profile_for
from support.judges import BROWSERS, LIBVIPS
from support.specimens import jpeg
from support.specimens.exif import exif

MODES = {"grey": "L", "YCbCr": "RGB", "RGB": "RGB", "CMYK": "CMYK", "YCCK": "CMYK"}
YCCK = 2  # Adobe's transform


def make(rng: Random) -> Case:
    kind = rng.choice(list(MODES))
    adobe = MODES[kind] == "RGB" and rng.random() < 0.2
    picture = drawn(rng, small(rng) if adobe else None).convert("RGB").convert(MODES[kind])
    profile, colours = profile_for(rng, picture.mode)
    orientation = rng.randrange(1, 9)
    block, judge = exif(orientation), LIBVIPS
    if adobe:
        profile, (block, colours, judge) = b"", in_exif(rng, orientation)
    elif picture.mode == "CMYK" and not profile:
        judge = BROWSERS
    choices: dict[str, object] = {
        "quality": rng.choice((60, 85, 95, 100)),
        "subsampling": rng.choice((0, 1, 2)),
        "progressive": rng.random() < 0.5,
        "restart_marker_blocks": rng.choice((0, 0, 1, 3)),
    }
    if kind == "RGB":
        choices |= {"keep_rgb": True, "subsampling": 0}
    source = _written(picture, kind, choices, block, profile)
    name = f"{kind} {choices} orientation {orientation} {colours}"
    return Case(name, "jpeg", source, judge)


def _written(
    picture: Image.Image, kind: str, choices: dict[str, object], block: bytes, profile: bytes
) -> bytes:
    plain = jpeg.encode(picture, **choices)
    if kind == "YCCK":  # the samples stay, and mean others
        at = plain.index(b"Adobe") + 11
        plain = plain[:at] + bytes((YCCK,)) + plain[at + 1 :]
    segments = jpeg.icc_segments(profile) if profile else b""
    return jpeg.with_segments(plain, jpeg.exif_segment(block), segments)
