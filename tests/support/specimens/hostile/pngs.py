"""Hostile PNG files, including animated ones."""

from __future__ import annotations

import struct
import zlib

from support.specimens import icc, png
from support.specimens.marks import mark, zip_archive
from support.specimens.png import SIGNATURE, assemble, chunk, chunks, header, with_chunks

from .case import CORRUPT, SAFE, TOO_LARGE, Hostile, hostile, picture, replaced

_END = chunk(b"IEND", b"")


def deflated(size: int, byte: bytes = b"\0") -> bytes:
    """zlib data of `size` MiB of one byte, made fast: one compressed MiB, repeated."""
    packer = zlib.compressobj(9)
    first = packer.compress(byte * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(byte * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + again * (size - 1) + packer.flush()


def _plain() -> bytes:
    return png.encode(picture())


def _rows(width: int, height: int, bytes_per_pixel: int, start: bytes = b"\0") -> bytes:
    return zlib.compress((start + b"\x80" * (width * bytes_per_pixel)) * height)


def _image(
    width: int, height: int, depth: int, colour: int, data: bytes, *, interlaced: bool = False
) -> bytes:
    head = header(width, height, depth, colour, interlaced=interlaced)
    return assemble(head, chunk(b"IDAT", data), _END)


def _claiming(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    return _image(width, height, depth, colour, _rows(8, 8, 3))


def _damaged(kind: bytes) -> bytes:
    """The image with a wrong checksum in its first chunk of this kind."""
    data = with_chunks(_plain(), png.text(b"Author", mark("text")))
    at = data.index(kind) + 4 + int.from_bytes(data[data.index(kind) - 4 : data.index(kind)], "big")
    return replaced(data, at, b"\xde\xad\xbe\xef")


def _frame_control(sequence: int, width: int, height: int, left: int = 0) -> bytes:
    return chunk(b"fcTL", struct.pack(">IIIIIHHBB", sequence, width, height, left, 0, 1, 10, 0, 0))


def _animation(
    width: int, height: int, frames: int, claimed: int | None = None, side: int = 8
) -> bytes:
    """Frames of `side` by `side` on a canvas that they hardly cover."""
    parts = [header(width, height), chunk(b"acTL", struct.pack(">II", claimed or frames, 0))]
    parts += [_frame_control(0, width, height), chunk(b"IDAT", _rows(width, height, 3))]
    for number in range(1, frames):
        parts.append(_frame_control(2 * number - 1, side, side))
        parts.append(chunk(b"fdAT", struct.pack(">I", 2 * number) + _rows(side, side, 3)))
    return assemble(*parts, _END)


def _dimensions() -> list[Hostile]:
    return [
        hostile("png-65535x65535", _claiming(65535, 65535), TOO_LARGE),
        hostile("png-2-to-the-31", _claiming(2**31 - 1, 2**31 - 1), TOO_LARGE),
        hostile("png-2-to-the-32", _claiming(2**32 - 1, 2**32 - 1), TOO_LARGE),
        hostile("png-one-row-of-2-to-the-31", _claiming(2**31 - 1, 1), TOO_LARGE),
        hostile("png-zero-by-zero", _claiming(0, 0), CORRUPT),
        hostile("png-16-bit-65535x65535", _claiming(65535, 65535, depth=16, colour=6), TOO_LARGE),
        hostile(
            "png-interlaced-65535x65535",
            _image(65535, 65535, 8, 2, b"", interlaced=True),
            TOO_LARGE,
        ),
        hostile("png-claims-more-than-it-holds", _claiming(4000, 4000), CORRUPT),
        hostile("png-depth-3", _image(8, 8, 3, 0, _rows(8, 8, 1)), CORRUPT),
        hostile("png-true-colour-of-1-bit", _image(8, 8, 1, 2, _rows(8, 8, 3)), CORRUPT),
        hostile("png-colour-type-7", _image(8, 8, 8, 7, _rows(8, 8, 3)), CORRUPT),
        hostile("png-two-headers", with_chunks(_plain(), header(60000, 60000)), CORRUPT),
        hostile(
            "png-header-last", assemble(chunk(b"IDAT", _rows(8, 8, 3)), header(8, 8), _END), CORRUPT
        ),
    ]


def _bombs() -> list[Hostile]:
    exif = b"MM\0*\0\0\0\x08\0\0\0\0\0\0" + mark("exif") * 300_000
    return [
        hostile("png-idat-of-1-gib", lambda: _image(64, 64, 8, 2, deflated(1024)), SAFE),
        hostile(
            "png-solid-at-the-limit", lambda: _image(4400, 4400, 8, 2, _rows(4400, 4400, 3)), SAFE
        ),
        hostile("png-interlaced-at-the-limit", _solid_interlaced, SAFE),
        hostile("png-zero-palette-index", _image(64, 64, 8, 3, _rows(64, 64, 1)), CORRUPT),
        hostile("png-ztxt-of-1-gib", lambda: _texted(b"zTXt", b"k\0\0"), SAFE),
        hostile("png-itxt-of-1-gib", lambda: _texted(b"iTXt", b"k\0\x01\0\0\0"), SAFE),
        hostile("png-iccp-of-1-gib", lambda: _texted(b"iCCP", b"k\0\0"), SAFE),
        hostile("png-100-ztxt-of-1-mib", lambda: with_chunks(_plain(), _small_bombs() * 100), SAFE),
        hostile("png-exif-of-3-mib", lambda: with_chunks(_plain(), chunk(b"eXIf", exif)), SAFE),
        hostile(
            "png-3-mib-of-text",
            lambda: with_chunks(_plain(), png.text(b"k", b"x" * (3 << 20))),
            SAFE,
        ),
        hostile(
            "png-50000-text-chunks",
            lambda: with_chunks(_plain(), png.text(b"k", b"v") * 50_000),
            SAFE,
        ),
        hostile("png-iccp-garbage", with_chunks(_plain(), chunk(b"iCCP", b"k\0\0not zlib")), SAFE),
        hostile("png-iccp-for-grey", with_chunks(_plain(), png.iccp(icc.grey())), SAFE),
        hostile("png-exif-garbage", with_chunks(_plain(), chunk(b"eXIf", b"\xa5" * 999)), SAFE),
        hostile("png-gamma-and-chromaticities-zero", _zero_colours(), SAFE),
        hostile("png-and-zip", _plain() + zip_archive(), SAFE),
    ]


def _texted(kind: bytes, start: bytes) -> bytes:
    return with_chunks(_plain(), chunk(kind, start + deflated(1024)))


def _small_bombs() -> bytes:
    return png.compressed_text(b"k", b"x" * (1 << 20))


def _solid_interlaced() -> bytes:
    """Adam7 of 1-bit grey: seven passes over almost as many pixels as allowed."""
    side, data = 4400, b""
    for x, y, dx, dy in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        width, height = -(-(side - x) // dx), -(-(side - y) // dy)
        data += (b"\0" * (1 + -(-width // 8))) * height
    return _image(side, side, 1, 0, zlib.compress(data), interlaced=True)


def _zero_colours() -> bytes:
    return with_chunks(_plain(), chunk(b"gAMA", b"\0" * 4), chunk(b"cHRM", b"\0" * 32))


def _damages() -> list[Hostile]:
    garbage = chunk(b"IDAT", b"\xa5" * 500)
    lying = SIGNATURE + header(8, 8) + b"\xff\xff\xff\xffIDAT" + _rows(8, 8, 3)
    tiny = b"".join(chunk(b"IDAT", bytes((byte,))) for byte in _rows(200, 200, 3))
    return [
        hostile("png-header-checksum", _damaged(b"IHDR"), CORRUPT),
        hostile("png-pixels-checksum", _damaged(b"IDAT"), SAFE),
        hostile("png-text-checksum", _damaged(b"tEXt"), SAFE),
        hostile("png-no-pixels", assemble(header(8, 8), _END), CORRUPT),
        hostile("png-garbage-pixels", assemble(header(8, 8), garbage, _END), CORRUPT),
        hostile("png-bad-filter", _image(8, 8, 8, 2, _rows(8, 8, 3, b"\x09")), CORRUPT),
        hostile("png-chunk-of-4-gib", lying, SAFE),
        hostile("png-signature-only", SIGNATURE, CORRUPT),
        hostile("png-one-byte-chunks", assemble(header(200, 200), tiny, _END), SAFE),
        hostile("png-empty-transparency", with_chunks(_plain(), chunk(b"tRNS", b"")), CORRUPT),
        hostile(
            "png-huge-palette",
            with_chunks(_plain(), chunk(b"PLTE", b"\1\2\3" * 5000)),
            SAFE,
        ),
        hostile(
            "png-unknown-critical-chunk",
            with_chunks(_plain(), chunk(b"EVIL", mark("evil"))),
            SAFE,
        ),
    ]


def _animations() -> list[Hostile]:
    outside = _animation(64, 64, 3).replace(
        _frame_control(1, 8, 8), _frame_control(1, 8, 8, left=60_000)
    )
    disordered = _animation(64, 64, 3).replace(_frame_control(1, 8, 8), _frame_control(77, 8, 8))
    return [
        hostile("apng-60-frames", lambda: _animation(3000, 3000, 60), TOO_LARGE, animated=True),
        hostile(
            "apng-40-frames-of-9-megapixels",
            lambda: _animation(3000, 3000, 40),
            TOO_LARGE,
            animated=True,
        ),
        hostile(
            "apng-claims-2-to-the-31-frames",
            _animation(64, 64, 2, 2**31 - 1),
            SAFE,
            animated=True,
        ),
        hostile(
            "apng-claims-no-frames",
            _animation(64, 64, 2).replace(
                chunk(b"acTL", struct.pack(">II", 2, 0)), chunk(b"acTL", bytes(8))
            ),
            SAFE,
            animated=True,
        ),
        hostile("apng-frame-outside", outside, CORRUPT, animated=True),
        hostile("apng-disordered", disordered, CORRUPT, animated=True),
        hostile(
            "apng-fewer-frames-than-claimed",
            _animation(64, 64, 2, 40),
            SAFE,
            animated=True,
        ),
    ]


def _truncations() -> list[Hostile]:
    data = with_chunks(_plain(), png.text(b"Author", mark("text")), chunk(b"pHYs", bytes(9)))
    result, position = [], len(SIGNATURE)
    for number, (kind, payload) in enumerate(chunks(data)):
        if not kind:
            break
        for where, cut in (("before", position), ("within", position + 10)):
            name = f"png-cut-{where}-{number:02}-{kind.decode()}"
            outcome = SAFE if kind == b"IEND" else CORRUPT  # every pixel is there
            result.append(hostile(name, data[:cut], outcome))
        position += 12 + len(payload)
    return result


def cases() -> list[Hostile]:
    return [*_dimensions(), *_bombs(), *_damages(), *_animations(), *_truncations()]
