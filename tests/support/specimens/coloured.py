"""Images that say their colours in every way, and the space that each is in.

Eight patches each; what the space shows of them is computed in `spaces`, and what Chromium shows
is compared once by `make proof-colours`.
"""

from __future__ import annotations

import io
import itertools
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from PIL import Image

from . import avif, icc, jpeg, png, spaces, tiff, webp
from .colour import Rgb
from .ifd import ASCII, LONG, RATIONAL, SHORT, UNDEFINED, Directory, Value
from .ifd import tiff as directories
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


def patches(mode: str = "RGB") -> Image.Image:
    image = Image.new("RGB", (PATCH * len(PATCHES), PATCH))
    for number, rgb in enumerate(PATCHES):
        image.paste(rgb, (PATCH * number, 0, PATCH * (number + 1), PATCH))
    if mode == "P":
        return image.quantize(16)
    if mode == "I;16":
        grey = image.convert("L").tobytes()
        doubled = bytes(itertools.chain.from_iterable(zip(grey, grey, strict=True)))
        return Image.frombytes("I;16", image.size, doubled)
    return image.convert(mode)


def middles(image: Image.Image) -> list[Rgb]:
    """The colour in the middle of each patch."""
    rgb = image.convert("RGB")
    return [rgb.getpixel((x, PATCH // 2)) for x in range(PATCH // 2, rgb.width, PATCH)]  # type: ignore[misc]


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


def described(number: int, index: bytes = b"") -> Directory:
    """EXIF's own directory with a ColorSpace and, if it is given, an InteroperabilityIndex."""
    camera = Directory({0xA001: (SHORT, [number])})
    if index:
        camera.children[0xA005] = Directory({0x0001: (ASCII, index + b"\0")})
    return camera


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


def stored(data: bytes) -> list[Rgb]:
    """The samples of a file, as a decoder gives them."""
    with Image.open(io.BytesIO(data)) as image:
        return middles(image)


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


KINDS = (by_code_points, by_gamma, in_modes, by_precedence, by_exif, by_nclx, by_tiff)
