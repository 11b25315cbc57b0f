"""Hostile GIF files."""

from __future__ import annotations

from support.specimens import gif
from support.specimens.gif import application, comment, control, frame, screen, sub_blocks
from support.specimens.marks import mark, zip_archive

from .case import CORRUPT, SAFE, TOO_LARGE, Hostile, hostile, picture

_PIXEL = b"\x44\x01"  # one white pixel: clear, 1, end


def _codes(pixels: int) -> bytes:
    """LZW data of `pixels` zeros without compression: a clear code before the codes get longer."""
    bits, count = 0, 0
    for number in range(pixels):
        if number % 2 == 0:
            bits |= 4 << count
            count += 3
        count += 3
    bits |= 5 << count
    return bits.to_bytes((count + 10) // 8, "little")


def _file(width: int, height: int, *blocks: bytes, end: bytes = b";") -> bytes:
    return screen(width, height) + b"".join(blocks) + end


def _frames(width: int, height: int, count: int) -> bytes:
    """Frames of one pixel, each of which a reader composes onto the whole canvas."""
    loop = application(b"NETSCAPE2.0", b"\x01\0\0")
    return _file(width, height, loop, *[control() + frame(1, 1, _PIXEL)] * count)


def _dimensions() -> list[Hostile]:
    return [
        hostile("gif-65535x65535", _file(65535, 65535, frame(1, 1, _PIXEL)), TOO_LARGE),
        hostile(
            "gif-frame-beyond-the-canvas",
            _file(1, 1, frame(65535, 65535, _PIXEL)),
            TOO_LARGE,
        ),
        hostile(
            "gif-frame-far-off",
            _file(8, 8, frame(1, 1, _PIXEL, left=65000, top=65000)),
            TOO_LARGE,
        ),
        hostile(
            "gif-second-frame-beyond-the-canvas",
            _file(8, 8, frame(8, 8, _codes(64)), control() + frame(60000, 60000, _PIXEL)),
            TOO_LARGE,
            animated=True,
        ),
        hostile("gif-zero-by-zero", _file(0, 0, frame(0, 0, _PIXEL)), CORRUPT),
        hostile("gif-frame-of-nothing", _file(8, 8, frame(0, 0, _PIXEL)), CORRUPT),
        hostile(
            "gif-claims-more-than-it-holds", _file(4000, 4000, frame(4000, 4000, _PIXEL)), CORRUPT
        ),
    ]


def _animations() -> list[Hostile]:
    return [
        hostile(
            "gif-60-frames-of-36-megapixels", _frames(6000, 6000, 60), TOO_LARGE, animated=True
        ),
        hostile("gif-60-frames-of-9-megapixels", _frames(3000, 3000, 60), TOO_LARGE, animated=True),
        hostile("gif-60-frames-for-a-still", _frames(3000, 3000, 60), SAFE),
        hostile("gif-40-frames-of-9-megapixels", _frames(3000, 3000, 40), TOO_LARGE, animated=True),
        hostile("gif-50-frames-at-the-limit", _frames(600, 600, 50), SAFE, animated=True),
        hostile("gif-20000-frames", _frames(8, 8, 20_000), TOO_LARGE, animated=True),
        hostile("gif-20000-frames-for-a-still", _frames(8, 8, 20_000), SAFE),
    ]


def _damages() -> list[Hostile]:
    garbage = frame(48, 32, b"\xa5" * 400)
    endless = frame(48, 32, b"\x24" + b"\x49\x92\x24" * 1000)
    return [
        hostile("gif-lzw-garbage", _file(48, 32, garbage), CORRUPT),
        hostile("gif-lzw-nothing-but-clear-codes", _file(48, 32, endless), CORRUPT),
        hostile("gif-lzw-minimum-0", _file(8, 8, frame(8, 8, _PIXEL, minimum=0)), CORRUPT),
        hostile("gif-lzw-minimum-12", _file(8, 8, frame(8, 8, _PIXEL, minimum=12)), CORRUPT),
        hostile("gif-lzw-minimum-255", _file(8, 8, frame(8, 8, _PIXEL, minimum=255)), CORRUPT),
        hostile("gif-lzw-empty", _file(8, 8, frame(8, 8, b"")), CORRUPT),
        hostile("gif-no-frame", _file(8, 8), CORRUPT),
        hostile("gif-signature-only", b"GIF89a", CORRUPT),
        hostile("gif-palette-missing", b"GIF89a\x08\0\x08\0\xf7\0\0", CORRUPT),
        hostile("gif-unknown-block", _file(8, 8, b"\x99" * 50, frame(1, 1, _PIXEL)), SAFE),
        hostile(
            "gif-comment-of-3-mib",
            lambda: _file(8, 8, comment(b"x" * (3 << 20)), frame(8, 8, _codes(64))),
            SAFE,
        ),
        hostile(
            "gif-20000-extensions",
            lambda: _file(
                8,
                8,
                b"!\xf0" + sub_blocks(b"x"),
                *[application(b"XXXXXXXX1.0", b"x")] * 20_000,
                frame(8, 8, _codes(64)),
            ),
            SAFE,
        ),
        hostile("gif-endless-extension", _file(8, 8, b"!\xff" + b"\xff" * 9999), CORRUPT),
        hostile("gif-and-zip", gif.encode(picture()) + zip_archive(), SAFE),
        hostile(
            "gif-and-javascript",
            gif.with_blocks(gif.encode(picture()), comment(b"*/=1;alert(1)//" + mark("js"))),
            SAFE,
        ),
    ]


def _truncations() -> list[Hostile]:
    plain = gif.encode(picture())
    data = gif.with_blocks(plain, comment(mark("comment")), control())
    result = []
    for number, start in enumerate(gif.boundaries(data)):
        kind = {0x21: "extension", 0x2C: "image", 0x3B: "trailer"}[data[start]]
        outcome = SAFE if kind == "trailer" else CORRUPT  # complete except for the end mark
        result.append(hostile(f"gif-cut-before-{number}-{kind}", data[:start], outcome))
        if kind != "trailer":
            result.append(hostile(f"gif-cut-within-{number}-{kind}", data[: start + 6], CORRUPT))
    half = (gif.palette_end(plain) + len(plain)) // 2
    return [*result, hostile("gif-cut-within-pixels", plain[:half], CORRUPT)]


def cases() -> list[Hostile]:
    return [*_dimensions(), *_animations(), *_damages(), *_truncations()]
