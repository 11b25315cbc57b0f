"""Hostile AVIF files."""

from __future__ import annotations

import io
import struct
from functools import cache

from support.specimens import avif
from support.specimens.avif import Box, box, boxes
from support.specimens.marks import zip_archive

from .case import CORRUPT, SAFE, TOO_LARGE, Hostile, hostile, picture, replaced


@cache
def _plain() -> bytes:
    return avif.encode(picture())


@cache
def _film() -> bytes:
    buffer = io.BytesIO()
    frames = [picture(64, 64), picture(64, 64).rotate(90), picture(64, 64).rotate(180)]
    frames[0].save(buffer, "AVIF", save_all=True, append_images=frames[1:], speed=10, max_threads=1)
    return buffer.getvalue()


def _find(data: bytes, kind: bytes) -> Box:
    return next(part for part in boxes(data) if part.kind == kind)


def _written(kind: bytes, offset: int, new: bytes, data: bytes | None = None) -> bytes:
    """The file with overwritten bytes in a box's payload."""
    data = data or _plain()
    return replaced(data, _find(data, kind).start + 8 + offset, new)


def _sized(kind: bytes, size: int) -> bytes:
    data = _plain()
    return replaced(data, _find(data, kind).start, struct.pack(">I", size))


def _claiming(width: int, height: int) -> bytes:
    return _written(b"ispe", 4, struct.pack(">II", width, height))


def _nested(levels: int) -> bytes:
    """Nested boxes, which exhaust the stack of a recursive parser."""
    inner = b""
    for _ in range(levels):
        inner = box(b"iprp", inner)
    plain = _plain()
    return plain[: _find(plain, b"meta").start] + box(b"meta", b"\0\0\0\0" + inner)


def _grid(rows: int, columns: int, width: int, height: int, refer: int) -> bytes:
    """A `grid` of tiles that all refer to the item `refer`: 1, the grid itself, loops."""
    tiles = rows * columns
    entries = box(b"infe", b"\2\0\0\0\0\1\0\0grid\0") + box(b"infe", b"\2\0\0\0\0\2\0\0av01\0")
    config = struct.pack(">BBBBII", 0, 1, (rows - 1) & 255, (columns - 1) & 255, width, height)
    size = box(b"ispe", b"\0\0\0\0" + struct.pack(">II", width, height))
    reference = struct.pack(">HH", 1, tiles) + struct.pack(">H", refer) * tiles
    location = struct.pack(
        ">BBBBBBHHHHHIIHHHHII", 1, 0, 0, 0, 0x44, 0, 2, 1, 1, 0, 1, 0, 12, 2, 0, 0, 1, 0, 500
    )
    parts = [
        box(b"hdlr", b"\0" * 8 + b"pict" + b"\0" * 13),
        box(b"pitm", b"\0\0\0\0\0\1"),
        box(b"iloc", location),
        box(b"iinf", b"\0\0\0\0\0\2" + entries),
        box(b"iref", b"\0\0\0\0" + box(b"dimg", reference)),
        box(b"iprp", box(b"ipco", size) + box(b"ipma", b"\0\0\0\0\0\0\0\1\0\1\1\1")),
        box(b"idat", config),
    ]
    plain = _plain()
    head = plain[: _find(plain, b"meta").start]
    return head + box(b"meta", b"\0\0\0\0" + b"".join(parts)) + box(b"mdat", b"\0" * 500)


def _dimensions() -> list[Hostile]:
    return [
        hostile("avif-65535x65535", _claiming(65535, 65535), TOO_LARGE),
        hostile("avif-16384x16384", _claiming(16384, 16384), TOO_LARGE),
        hostile("avif-2-to-the-32", _claiming(2**32 - 1, 2**32 - 1), TOO_LARGE),
        hostile("avif-zero-by-zero", _claiming(0, 0), CORRUPT),
        hostile("avif-claims-more-than-it-holds", _claiming(4000, 4000), SAFE),
        hostile("avif-claims-less-than-it-holds", _claiming(8, 8), SAFE),
        hostile("avif-grid-of-255x255", lambda: _grid(255, 255, 60_000, 60_000, 2), TOO_LARGE),
        hostile("avif-grid-of-itself", lambda: _grid(2, 2, 64, 64, 1), CORRUPT),
    ]


def _structure() -> list[Hostile]:
    plain = _plain()
    end = len(plain) - _find(plain, b"meta").start
    return [
        hostile("avif-box-of-0", _sized(b"meta", 0), SAFE),
        hostile("avif-box-of-1", _sized(b"meta", 1), CORRUPT),
        hostile("avif-box-of-2", _sized(b"meta", 2), CORRUPT),
        hostile("avif-box-of-4-gib", _sized(b"meta", 0xFFFFFFFF), CORRUPT),
        hostile("avif-box-over-the-rest", _sized(b"meta", end), SAFE),
        hostile("avif-inner-box-of-0", _sized(b"iprp", 0), CORRUPT),
        hostile("avif-inner-box-of-4-gib", _sized(b"ispe", 0xFFFFFFFF), CORRUPT),
        hostile("avif-first-box-of-4-gib", _sized(b"ftyp", 0xFFFFFFFF), CORRUPT),
        hostile("avif-5000-deep", lambda: _nested(5000), CORRUPT),
        hostile("avif-two-metas", plain + plain[_find(plain, b"meta").start :], SAFE),
        hostile("avif-extent-beyond-the-end", _written(b"iloc", 14, b"\x7f\xff\xff\xff"), CORRUPT),
        hostile("avif-extent-of-4-gib", _written(b"iloc", 18, b"\xff\xff\xff\xff"), CORRUPT),
        hostile("avif-65535-items", _written(b"iinf", 4, b"\xff\xff"), CORRUPT),
        hostile("avif-primary-item-missing", _written(b"pitm", 4, b"\x7f\xff"), CORRUPT),
        hostile("avif-no-pixels", plain[: _find(plain, b"mdat").start], CORRUPT),
        hostile("avif-garbage-pixels", _written(b"mdat", 0, b"\xa5" * 200), CORRUPT),
        hostile(
            "avif-meta-of-nothing",
            plain[: _find(plain, b"meta").start] + box(b"meta", b""),
            CORRUPT,
        ),
        hostile("avif-brand-only", plain[: _find(plain, b"meta").start], CORRUPT),
        hostile("avif-and-zip", plain + zip_archive(), SAFE),
        hostile("avif-and-20000-boxes", lambda: plain + box(b"free", b"") * 20_000, SAFE),
        hostile(
            "avif-film-of-2-to-the-32-samples",
            _endless_film,
            CORRUPT,
            animated=True,
        ),
        hostile("avif-film-cut-short", _film()[:-60], CORRUPT, animated=True),
    ]


def _endless_film() -> bytes:
    """A sequence whose table of sample sizes claims 2^32 entries."""
    data = _film()
    return replaced(data, data.index(b"stsz") + 12, b"\xff\xff\xff\xff")


def _truncations() -> list[Hostile]:
    data = _plain()
    result = []
    for number, part in enumerate(part for part in boxes(data) if part.start):
        path = b"-".join((*part.path, part.kind)).decode()
        for where, cut in (
            ("before", part.start),
            ("within", part.start + 8 + len(part.payload) // 2),
        ):
            result.append(hostile(f"avif-cut-{where}-{number:02}-{path}", data[:cut], CORRUPT))
    return result


def cases() -> list[Hostile]:
    return [*_dimensions(), *_structure(), *_truncations()]
