"""Hostile WebP files."""

from __future__ import annotations

import struct

from PIL import Image

from support.specimens import webp
from support.specimens.marks import mark, zip_archive
from support.specimens.webp import (
    ANIMATION_FLAG,
    ICC_FLAG,
    assemble,
    chunk,
    chunks,
    extended_header,
)

from .case import CORRUPT, OUT_OF_MEMORY, SAFE, TOO_LARGE, Hostile, hostile, picture, replaced


def _plain() -> bytes:
    return webp.encode(picture())


def _pixels(width: int = 48, height: int = 32) -> bytes:
    return next(
        data for kind, data in chunks(webp.encode(picture(width, height))) if kind == b"VP8L"
    )


def _at_the_limit() -> bytes:
    return webp.encode(Image.new("RGBA", (4400, 4400), "#00800080"), quality=0, method=0)


def _riff(size: int) -> bytes:
    return replaced(_plain(), 4, struct.pack("<I", size))


def _canvas(width: int, height: int) -> bytes:
    return assemble(extended_header(width, height, 0), chunk(b"VP8L", _pixels()))


def _lossless_header(width: int, height: int) -> bytes:
    """A lone VP8L chunk: 14 bits a side, after its signature."""
    bits = (width - 1) | (height - 1) << 14
    return assemble(chunk(b"VP8L", b"\x2f" + struct.pack("<I", bits) + _pixels()[5:]))


def _lossy_header(width: int, height: int) -> bytes:
    data = next(
        data for kind, data in chunks(webp.encode(picture(), lossless=False)) if kind == b"VP8 "
    )
    return assemble(chunk(b"VP8 ", replaced(data, 6, struct.pack("<HH", width, height))))


def _frame(left: int, top: int, width: int, height: int, pixels: bytes) -> bytes:
    place = b"".join(
        n.to_bytes(3, "little") for n in (left // 2, top // 2, width - 1, height - 1, 50)
    )
    return chunk(b"ANMF", place + b"\0" + chunk(b"VP8L", pixels))


def _animation(width: int, height: int, *frames: bytes) -> bytes:
    head = extended_header(width, height, ANIMATION_FLAG)
    return assemble(head, chunk(b"ANIM", b"\xff" * 4 + b"\0\0"), *frames)


def _small_frames(width: int, height: int, count: int) -> bytes:
    return _animation(width, height, *[_frame(0, 0, 8, 8, _pixels(8, 8))] * count)


def _dimensions() -> list[Hostile]:
    return [
        hostile("webp-canvas-of-2-to-the-24", _canvas(1 << 24, 1 << 24), TOO_LARGE),
        hostile("webp-canvas-of-16383", _canvas(16383, 16383), TOO_LARGE),
        hostile("webp-canvas-unlike-its-picture", _canvas(500, 500), CORRUPT),
        hostile("webp-lossless-16383x16383", _lossless_header(16383, 16383), TOO_LARGE),
        hostile("webp-lossy-16383x16383", _lossy_header(16383, 16383), TOO_LARGE),
        hostile("webp-at-the-limit", _at_the_limit, SAFE, OUT_OF_MEMORY),
        hostile("webp-lossy-0x0", _lossy_header(0, 0), CORRUPT),
        hostile("webp-claims-more-than-it-holds", _lossless_header(4000, 4000), CORRUPT),
    ]


def _animations() -> list[Hostile]:
    pixels = _pixels(8, 8)
    return [
        hostile("webp-60-frames", _small_frames(3000, 3000, 60), TOO_LARGE, animated=True),
        hostile("webp-60-frames-for-a-still", _small_frames(3000, 3000, 60), SAFE),
        hostile(
            "webp-40-frames-of-9-megapixels",
            _small_frames(3000, 3000, 40),
            TOO_LARGE,
            animated=True,
        ),
        hostile(
            "webp-20000-frames", lambda: _small_frames(64, 64, 20_000), TOO_LARGE, animated=True
        ),
        hostile(
            "webp-frame-outside",
            _animation(64, 64, _frame(60_000, 0, 8, 8, pixels)),
            CORRUPT,
            animated=True,
        ),
        hostile(
            "webp-frame-unlike-its-picture",
            _animation(64, 64, _frame(0, 0, 60, 60, pixels)),
            SAFE,
            animated=True,
        ),
        hostile("webp-animation-without-frames", _animation(64, 64), CORRUPT, animated=True),
        hostile(
            "webp-animation-of-2-to-the-24",
            _animation(1 << 24, 1 << 24, _frame(0, 0, 8, 8, pixels)),
            TOO_LARGE,
            animated=True,
        ),
    ]


def _damages() -> list[Hostile]:
    truncated = chunk(b"VP8L", _pixels())[:-100]
    return [
        hostile("webp-riff-size-0", _riff(0), SAFE),
        hostile("webp-riff-size-of-4-gib", _riff(0xFFFFFFFF), SAFE),
        hostile("webp-riff-size-short", _riff(60), SAFE),
        hostile("webp-riff-size-odd", _riff(len(_plain()) - 7), SAFE),
        hostile("webp-signature-only", b"RIFF\x04\0\0\0WEBP", CORRUPT),
        hostile("webp-chunk-of-4-gib", assemble(b"VP8L\xff\xff\xff\xff" + _pixels()), SAFE),
        hostile("webp-chunk-of-nothing", assemble(chunk(b"VP8L", b"")), CORRUPT),
        hostile("webp-garbage", assemble(chunk(b"VP8L", b"\x2f" + b"\xa5" * 900)), TOO_LARGE),
        hostile(
            "webp-unknown-chunk-first",
            assemble(chunk(b"EVIL", mark("evil")), chunk(b"VP8L", _pixels())),
            CORRUPT,
        ),
        hostile("webp-pixels-cut-short", assemble(truncated), CORRUPT),
        hostile(
            "webp-3-mib-of-exif",
            lambda: webp.extended(
                picture(), webp.EXIF_FLAG, after=(chunk(b"EXIF", mark("exif") * 300_000),)
            ),
            SAFE,
        ),
        hostile(
            "webp-garbage-profile",
            webp.extended(picture(), ICC_FLAG, before=(chunk(b"ICCP", mark("icc") * 50),)),
            SAFE,
        ),
        hostile("webp-flags-that-lie", webp.extended(picture(), 0xFF & ~ANIMATION_FLAG), CORRUPT),
        hostile(
            "webp-animation-flag-on-a-still",
            webp.extended(picture(), ANIMATION_FLAG),
            CORRUPT,
        ),
        hostile(
            "webp-50000-chunks",
            lambda: webp.extended(picture(), 0, after=(chunk(b"ABCD", b""),) * 50_000),
            SAFE,
        ),
        hostile("webp-and-zip", _plain() + zip_archive(), SAFE),
    ]


def _truncations() -> list[Hostile]:
    data = webp.extended(
        picture(),
        ICC_FLAG,
        before=(chunk(b"ICCP", mark("icc") * 20),),
        after=(chunk(b"XMP ", mark("xmp")),),
    )
    result, position = [], 12
    for number, (kind, payload) in enumerate(chunks(data)):
        if not kind:
            break
        for where, cut in (("before", position), ("within", position + 8 + len(payload) // 2)):
            name = f"webp-cut-{where}-{number}-{kind.decode().strip()}"
            outcome = SAFE if kind == b"XMP " else CORRUPT  # every pixel is there
            result.append(hostile(name, data[:cut], outcome))
        position += 8 + len(payload) + len(payload) % 2
    return result


def cases() -> list[Hostile]:
    return [*_dimensions(), *_animations(), *_damages(), *_truncations()]
