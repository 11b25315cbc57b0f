"""Images with ICC profiles of displays and of presses, small and large."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterator
from functools import partial

from PIL import Image

from . import avif, coloured, icc, jpeg, png, spaces, tiff, webp
from .coloured import Coloured
from .spaces import ADOBE_RGB, DISPLAY_P3, Space

Lab = tuple[float, float, float]

ENCODERS: dict[str, Callable[..., bytes]] = {
    "jpeg": partial(jpeg.encode, quality=100),
    "png": png.encode,
    "webp": webp.encode,
    "avif": partial(avif.encode, quality=100),
}

GRIDS = (2, 5, 9, 17, 25, 28, 33)
"""Steps of each ink in a press's table: 33 of them make a profile of 3.4 MiB."""


def rgb_and_grey() -> Iterator[Coloured]:
    """Matrices and curves, in every format that browsers read."""
    profiles: tuple[tuple[str, bytes, Space], ...] = (
        ("Display P3", icc.display_p3(), DISPLAY_P3),
        ("Display P3 of 150 KiB", icc.large(), DISPLAY_P3),
        ("Adobe RGB", icc.adobe_rgb(), ADOBE_RGB),
        ("gamma 1.8", icc.rgb_profile(icc.SRGB, icc._gamma(1.8)), spaces.encoded_by(1 / 1.8)),
        (
            "linear",
            icc.rgb_profile(icc.DISPLAY_P3, icc._gamma(1.0)),
            spaces.encoded_by(1, spaces.P3),
        ),
    )
    for kind in ENCODERS:
        for name, profile, space in profiles:
            yield _with(f"{kind} in {name}", kind, "RGB", profile, space)
    for kind in ("jpeg", "png"):
        for gamma in (1.0, 1.4, 1.8, 2.2, 2.6):
            space = spaces.encoded_by(1 / gamma)
            yield _with(f"grey {kind} of gamma {gamma}", kind, "L", icc.grey(gamma), space)


def grey_in_rgb() -> Iterator[Coloured]:
    """A profile for RGB on samples of grey: its grey. libvips ignores it, browsers don't."""
    for kind, mode in itertools.product(("jpeg", "png"), ("L", "LA")):
        for gamma in (1.0, 1.4, 1.8, 2.6):
            profile = icc.rgb_profile(icc.DISPLAY_P3, icc._gamma(gamma))
            name = f"{mode} {kind} of gamma {gamma}"
            if (kind, mode) != ("jpeg", "LA"):
                yield _with(name, kind, mode, profile, spaces.encoded_by(1 / gamma))


def _with(name: str, kind: str, mode: str, profile: bytes, space: Space) -> Coloured:
    data = ENCODERS[kind](coloured.patches(mode), icc_profile=profile)
    return Coloured(name, kind, data, space, stored=coloured.stored(data))


def cmyk() -> Iterator[Coloured]:
    """Presses whose tables have more and more steps, as JPEG and TIFF."""
    picture = inks()
    for grid in GRIDS:
        profile = press(grid)
        size = f"{len(profile) / 2**20:.1f} MiB"
        files = {
            "jpeg": jpeg.encode(picture, icc_profile=profile, quality=100),
            "tiff": tiff.encode(picture, profile=profile),
        }
        for kind, data in files.items():
            yield Coloured(f"{kind} for a press of {size}", kind, data, spaces.SRGB, browser=False)


def inks() -> Image.Image:
    """Eight patches: each ink alone, in pairs, and white."""
    levels = (
        (0, 0, 0, 0), (255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0),
        (0, 0, 0, 128), (200, 120, 0, 0), (0, 180, 220, 20), (90, 60, 70, 40),
    )  # fmt: skip
    image = Image.new("CMYK", (coloured.PATCH * len(levels), coloured.PATCH))
    for number, level in enumerate(levels):
        at = coloured.PATCH * number
        image.paste(level, (at, 0, at + coloured.PATCH, coloured.PATCH))
    return image


def press(grid: int) -> bytes:
    """A press with so many steps for each ink (ICC.1:2022, lut8Type): inks cover each other."""
    steps = [step / (grid - 1) for step in range(grid)]
    table = bytearray()
    for cyan, magenta, yellow, black in itertools.product(steps, repeat=4):
        paper = 1 - black
        lightness = 100 * paper * (1 - 0.35 * cyan) * (1 - 0.5 * magenta) * (1 - 0.08 * yellow)
        red_green = paper * (70 * magenta - 35 * cyan)
        yellow_blue = paper * (85 * yellow - 45 * cyan - 5 * magenta)
        table += bytes((round(lightness * 2.55), round(red_green + 128), round(yellow_blue + 128)))
    head = struct.pack(">4s4xBBBx", b"mft1", 4, 3, grid)
    identity = b"".join(icc._fixed(float(i == j)) for i in range(3) for j in range(3))
    ramp = bytes(range(256))
    lut = head + identity + ramp * 4 + bytes(table) + ramp * 3
    tags = {b"wtpt": icc._xyz(icc.D50_XYZ), b"A2B0": lut}
    return icc.profile(b"CMYK", b"Lab ", tags, "press")
