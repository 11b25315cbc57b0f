"""Hostile TIFF files."""

from __future__ import annotations

import struct

from support.specimens import tiff as files
from support.specimens.ifd import LONG, SHORT, UNDEFINED, Directory, Value, tiff
from support.specimens.marks import mark, zip_archive

from .case import CORRUPT, SAFE, TOO_LARGE, UNSUPPORTED, Hostile, hostile, picture, replaced
from .pngs import deflated

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, OFFSETS = 256, 257, 258, 259, 262, 273
SAMPLES, ROWS, COUNTS, PLANAR, PREDICTOR, ORIENTATION = 277, 278, 279, 284, 317, 274


def _page(**changes: tuple[int, Value]) -> Directory:
    """A sound page with some overwritten tags (`t256=(LONG, [1])`)."""
    page = files.pixels(picture())
    page.entries |= {int(tag[1:]): value for tag, value in changes.items()}
    return page


def _file(**changes: tuple[int, Value]) -> bytes:
    return tiff([_page(**changes)])


def _without(*tags: int) -> bytes:
    page = _page()
    for tag in tags:
        page.entries.pop(tag, None)
        page.blobs.pop(tag, None)
    return tiff([page])


def _deflate_bomb() -> bytes:
    """A strip of 64 by 64 that inflates to 1 GiB."""
    data = deflated(1024)
    page = _page(t256=(LONG, [64]), t257=(LONG, [64]), t278=(LONG, [64]), t259=(SHORT, [8]))
    page.entries[COUNTS] = LONG, [len(data)]
    page.blobs[OFFSETS] = data
    return tiff([page])


def _lying_count(tag: int, count: int) -> bytes:
    """The entry of `tag` claims `count` values."""
    data = _file()
    start = struct.unpack_from("<I", data, 4)[0]
    entries = struct.unpack_from("<H", data, start)[0]
    for number in range(entries):
        at = start + 2 + 12 * number
        if struct.unpack_from("<H", data, at)[0] == tag:
            return replaced(data, at + 4, struct.pack("<I", count))
    raise LookupError(tag)


def _many_strips(count: int) -> bytes:
    page = _page(t278=(LONG, [1]), t279=(LONG, [1] * count), t257=(LONG, [count]))
    page.blobs.clear()
    page.entries[OFFSETS] = LONG, [8] * count
    return tiff([page])


def _deep(levels: int) -> bytes:
    """SubIFDs within SubIFDs."""
    inner = Directory({270: (2, mark("deep") + b"\0")})
    for _ in range(levels):
        inner = Directory({254: (LONG, [1])}, {330: inner})
    page = _page()
    page.children[330] = inner
    return tiff([page])


def _tiled(side: int) -> bytes:
    page = _page(t322=(LONG, [side]), t323=(LONG, [side]), t324=(LONG, [8]), t325=(LONG, [64]))
    for tag in (ROWS, COUNTS):
        del page.entries[tag]
    page.blobs.clear()
    return tiff([page])


def _dimensions() -> list[Hostile]:
    def sized(width: int, height: int, rows: int | None = None) -> bytes:
        return _file(t256=(LONG, [width]), t257=(LONG, [height]), t278=(LONG, [rows or height]))

    return [
        hostile("tiff-65535x65535", sized(65535, 65535), TOO_LARGE),
        hostile("tiff-2-to-the-32", sized(2**32 - 1, 2**32 - 1), TOO_LARGE),
        hostile("tiff-2-to-the-31-by-1", sized(2**31 - 1, 1), TOO_LARGE),
        hostile("tiff-zero-by-zero", sized(0, 0, 1), CORRUPT),
        hostile("tiff-claims-more-than-it-holds", sized(4000, 4000), CORRUPT),
        hostile("tiff-65535-samples", _file(t277=(SHORT, [65535])), CORRUPT),
        hostile("tiff-65535-bits", _file(t258=(SHORT, [65535] * 3)), CORRUPT),
        hostile("tiff-1000-bits-entries", _file(t258=(SHORT, [8] * 1000)), SAFE),
        hostile("tiff-0-rows-a-strip", _file(t278=(LONG, [0])), CORRUPT),
        hostile("tiff-tiles-of-2-to-the-31", _tiled(2**31), CORRUPT),
        hostile("tiff-tiles-of-60000", _tiled(60_000), CORRUPT),
        hostile("tiff-tiles-of-nothing", _tiled(0), CORRUPT),
    ]


def _directories() -> list[Hostile]:
    sound = _file()
    return [
        hostile("tiff-looping-to-itself", tiff([_page()], loop=0), SAFE),
        hostile(
            "tiff-looping-chain",
            tiff([_page(), _page(), _page()], loop=1),
            SAFE,
        ),
        hostile(
            "tiff-chain-of-5000",
            lambda: tiff([_page()] + [Directory({254: (LONG, [1])})] * 5000),
            SAFE,
        ),
        hostile("tiff-300-deep", _deep(300), SAFE),
        hostile("tiff-directory-beyond-the-end", b"II*\0\xf0\xff\xff\xff" + b"\0" * 40, CORRUPT),
        hostile("tiff-directory-on-the-header", b"II*\0\0\0\0\0" + b"\0" * 40, CORRUPT),
        hostile("tiff-65535-entries", b"II*\0\x08\0\0\0\xff\xff" + b"\xa5" * 4000, CORRUPT),
        hostile("tiff-empty-directory", b"II*\0\x08\0\0\0\0\0\0\0\0\0", CORRUPT),
        hostile("tiff-header-only", b"MM\0*", CORRUPT),
        hostile(
            "tiff-big-tiff",
            b"II+\0\x08\0\0\0" + struct.pack("<Q", 2**63) + b"\0" * 20,
            UNSUPPORTED,
        ),
        hostile("tiff-no-width", _without(WIDTH), CORRUPT),
        hostile("tiff-no-strips", _without(OFFSETS), CORRUPT),
        hostile("tiff-no-photometric", _without(PHOTOMETRIC), CORRUPT),
        hostile(
            "tiff-unknown-types",
            sound.replace(struct.pack("<HH", PLANAR, SHORT), struct.pack("<HH", PLANAR, 99)),
            CORRUPT,
        ),
        hostile("tiff-count-of-2-to-the-32", _lying_count(OFFSETS, 2**32 - 1), CORRUPT),
        hostile("tiff-counts-of-2-to-the-30", _lying_count(COUNTS, 2**30), CORRUPT),
        hostile("tiff-orientation-65535", _file(t274=(SHORT, [65535])), SAFE),
        hostile("tiff-and-zip", sound + zip_archive(), SAFE),
    ]


def _pixels() -> list[Hostile]:
    def jpeg_tables() -> bytes:
        return _file(t259=(SHORT, [7]), t347=(UNDEFINED, b"\xff\xd8\xff\xdb\xff\xff"))

    return [
        hostile("tiff-deflate-of-1-gib", _deflate_bomb, SAFE),
        hostile("tiff-10000-strips", lambda: _many_strips(10_000), CORRUPT),
        hostile("tiff-300000-strips", lambda: _many_strips(300_000), TOO_LARGE),
        hostile("tiff-strip-beyond-the-end", _file(t279=(LONG, [2**32 - 1])), SAFE),
        hostile("tiff-unknown-compression", _file(t259=(SHORT, [65535])), UNSUPPORTED),
        hostile("tiff-lzw-garbage", _file(t259=(SHORT, [5])), CORRUPT),
        hostile(
            "tiff-fax-garbage",
            _file(t259=(SHORT, [4]), t258=(SHORT, [1]), t277=(SHORT, [1]), t262=(SHORT, [0])),
            SAFE,
        ),
        hostile("tiff-packbits-garbage", _file(t259=(SHORT, [32773])), SAFE),
        hostile("tiff-jpeg-garbage", jpeg_tables(), CORRUPT),
        hostile("tiff-lzma-garbage", _file(t259=(SHORT, [34925])), CORRUPT),
        hostile("tiff-zstd-garbage", _file(t259=(SHORT, [50000])), CORRUPT),
        hostile("tiff-predictor-65535", _file(t259=(SHORT, [8]), t317=(SHORT, [65535])), CORRUPT),
        hostile("tiff-planes-apart", _file(t284=(SHORT, [2])), CORRUPT),
        hostile("tiff-cut-in-half", _file()[: len(_file()) // 2], CORRUPT),
        hostile("tiff-cut-in-pixels", lambda: _pixels_last()[:-500], CORRUPT),
    ]


def _pixels_last() -> bytes:
    """A file whose strip comes after its directory."""
    page = _page()
    data = page.blobs.pop(OFFSETS)
    page.entries[OFFSETS] = LONG, [0]
    size = len(tiff([page]))
    page.entries[OFFSETS] = LONG, [size]
    return tiff([page]) + data


def cases() -> list[Hostile]:
    return [*_dimensions(), *_directories(), *_pixels()]
