"""Images that say their colours by EXIF, by AVIF's code points, or by tags of TIFF."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator

from . import avif, coloured, icc, jpeg, png, spaces, tiff, webp
from .coloured import DROPPED, IGNORED, SRGB_CHUNK, USED, Coloured, patches, png_of, stored
from .ifd import ASCII, LONG, RATIONAL, SHORT, UNDEFINED, Directory, Value
from .ifd import tiff as directories
from .spaces import ADOBE_RGB, DISPLAY_P3, SRGB, Space


def described(number: int, index: bytes = b"") -> Directory:
    """EXIF's own directory with a ColorSpace and, if it is given, an InteroperabilityIndex."""
    camera = Directory({0xA001: (SHORT, [number])})
    if index:
        camera.children[0xA005] = Directory({0x0001: (ASCII, index + b"\0")})
    return camera


def by_exif() -> Iterator[Coloured]:
    """EXIF's ColorSpace, in each format that has EXIF. Browsers don't read it."""
    meanings = (
        (1, b"R98", SRGB, USED),
        (2, b"", ADOBE_RGB, USED),
        (65_535, b"R03", ADOBE_RGB, USED),
        (65_535, b"R98", SRGB, IGNORED),
        (65_535, b"", SRGB, IGNORED),
        (0xFFFD, b"", SRGB, IGNORED),
    )
    for (number, index, space, notes), order in zip(meanings, "<><><>", strict=True):
        camera = described(number, index)
        block = directories([Directory(children={0x8769: camera})], order)
        for kind, data in with_exif(block, camera).items():
            name = f"{kind} exif {number} {index.decode()}"
            shown = space is SRGB and kind != "tiff"
            found = stored(data)
            yield Coloured(name, kind, data, space, notes, browser=shown, stored=found)
    first = png_of(
        SRGB_CHUNK, png.chunk(b"eXIf", directories([Directory(children={0x8769: described(2)})]))
    )
    yield Coloured("sRGB before EXIF", "png", first, SRGB)


def with_exif(block: bytes, camera: Directory) -> dict[str, bytes]:
    """The patches in each format that has EXIF, with this one."""
    picture, page = patches(), tiff.pixels(patches())
    page.children[0x8769] = camera
    return {
        "jpeg": jpeg.with_segments(jpeg.encode(picture, quality=100), jpeg.exif_segment(block)),
        "png": png_of(png.chunk(b"eXIf", block)),
        "webp": webp.extended(picture, webp.EXIF_FLAG, after=(webp.chunk(b"EXIF", block),)),
        "avif": without_nclx(avif.encode(picture, quality=100, exif=block)),
        "tiff": directories([page]),
    }


def with_nclx(primaries: int, transfer: int, **options: object) -> bytes:
    """An AVIF whose box says these; what its bitstream says stays as it was."""
    data = bytearray(avif.encode(patches(), quality=100, **options))
    at = data.index(b"nclx") + 4
    data[at : at + 4] = struct.pack(">HH", primaries, transfer)
    return bytes(data)


def without_nclx(data: bytes, primaries: int = 2, transfer: int = 2) -> bytes:
    """An AVIF whose bitstream alone says these: its sequence header has them bit by bit."""
    at = data.index(b"colr")
    hidden = data[:at] + b"free" + data[at + 4 :]
    coded = next(item for item, kind in avif.item_types(data).items() if kind == b"av01")
    (start, _), *_ = avif.item_extents(data)[coded]
    head = int.from_bytes(hidden[start : start + 32], "big")
    pattern, mask = 1 << 16 | 13 << 8 | 6, (1 << 24) - 1
    shift = next(at for at in range(231, -1, -1) if head >> at & mask == pattern)
    head ^= (pattern ^ (primaries << 16 | transfer << 8 | 6)) << shift
    return hidden[:start] + head.to_bytes(32, "big") + hidden[start + 32 :]


def by_nclx() -> Iterator[Coloured]:
    """AVIF's code points, in its box or in the bitstream, alone and beside a profile.

    Video's curves count as sRGB's, and so does what is unspecified or unknown.
    """
    curves = dict.fromkeys((1, 6, 14, 15), spaces.srgb)
    pairs = [(primaries, 13) for primaries in spaces.PRIMARIES]
    pairs += [(1, transfer) for transfer in (1, 4, 5, 6, 7, 8, 14, 15, 17)]
    pairs += [(9, 1), (9, 14), (9, 15), (12, 8), (6, 6), (5, 6), (12, 1), (9, 8)]
    for primaries, transfer in dict.fromkeys(pairs):
        light = curves.get(transfer, spaces.TRANSFERS[transfer])
        space = Space(*spaces.PRIMARIES[primaries], light)
        pair = primaries, transfer
        yield _avif(f"nclx {pair}", with_nclx(*pair), space)
        bitstream = without_nclx(avif.encode(patches(), quality=100), *pair)
        yield _avif(f"bitstream {pair}", bitstream, space)
    for pair, space, notes in (
        ((2, 2), SRGB, USED),
        ((12, 2), DISPLAY_P3, USED),
        ((2, 8), spaces.encoded_by(1.0), USED),
        ((12, 3), DISPLAY_P3, IGNORED),
        ((12, 19), DISPLAY_P3, IGNORED),
        ((3, 8), spaces.encoded_by(1.0), IGNORED),
        ((23, 13), SRGB, IGNORED),
    ):
        browser = pair != (12, 3)  # a number that Chromium takes for damage
        yield _avif(f"nclx {pair}", with_nclx(*pair), space, notes, browser=browser)
    for pair in ((1, 8), (9, 13), (1, 13)):
        data = with_nclx(*pair, icc_profile=icc.display_p3())
        yield _avif(f"profile before nclx {pair}", data, DISPLAY_P3)
    unusable = with_nclx(12, 13, icc_profile=b"no profile" * 20)
    yield _avif("nclx for want of a profile", unusable, DISPLAY_P3, DROPPED, browser=False)


def _avif(
    name: str, data: bytes, space: Space, notes: int = USED, *, browser: bool = True
) -> Coloured:
    return Coloured(name, "avif", data, space, notes, browser, stored=stored(data))


def by_tiff() -> Iterator[Coloured]:
    """TIFF's own colorimetry, which is noted where it says other than sRGB, and used by nobody."""
    scale = 10_000
    white = [(round(part * scale), scale) for part in spaces.D65]
    of_srgb, of_p3 = (
        [(round(part * scale), scale) for point in primaries for part in point]
        for primaries in (spaces.BT_709, spaces.P3)
    )
    transfer = SHORT, [round(65_535 * (at / 255) ** 1.8) for at in range(256)]
    profile = UNDEFINED, icc.display_p3()
    cases: dict[str, tuple[dict[int, tuple[int, Value]], Space, int]] = {
        "primaries of sRGB": ({318: (RATIONAL, white), 319: (RATIONAL, of_srgb)}, SRGB, USED),
        "primaries of sRGB, no white": ({319: (RATIONAL, of_srgb)}, SRGB, USED),
        "primaries of P3": ({318: (RATIONAL, white), 319: (RATIONAL, of_p3)}, SRGB, IGNORED),
        "primaries of zeros": ({319: (RATIONAL, [(0, 0)] * 6)}, SRGB, IGNORED),
        "primaries nowhere": ({319: (LONG, [2**31])}, SRGB, IGNORED),
        "a transfer function": ({301: transfer}, SRGB, IGNORED),
        "a profile first": ({301: transfer, 34675: profile}, DISPLAY_P3, USED),
    }
    for order, (name, (entries, space, notes)) in itertools.product("<>", cases.items()):
        page = tiff.pixels(patches())
        page.entries |= entries
        data = directories([page], order)
        yield Coloured(f"tiff {order} {name}", "tiff", data, space, notes, browser=False)
    page = tiff.pixels(patches())
    page.entries |= {301: transfer}
    page.children[0x8769] = described(2)
    yield Coloured("tiff EXIF first", "tiff", directories([page]), ADOBE_RGB, browser=False)


KINDS = (*coloured.KINDS, by_exif, by_nclx, by_tiff)
