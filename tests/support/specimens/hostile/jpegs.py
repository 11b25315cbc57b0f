"""Hostile JPEG files: false claims in their frame, their scans and their end."""

from __future__ import annotations

import io
import struct

from PIL import Image

from support.specimens import jpeg
from support.specimens.jpeg import COM, SOS, segment, segments, with_segments
from support.specimens.marks import mark, zip_archive

from .case import (
    CORRUPT,
    SAFE,
    TOO_LARGE,
    UNSUPPORTED,
    Hostile,
    hostile,
    picture,
    replaced,
)

_DIMENSIONS = 5  # bytes from a frame's marker to its height: marker, length, precision


def _plain(**options: object) -> bytes:
    return jpeg.encode(picture(), **options)


def _frame(data: bytes) -> int:
    """Where the frame header (SOF) begins."""
    return next(part.start for part in segments(data) if part.marker in (0xC0, 0xC1, 0xC2))


def _sized(width: int, height: int, **options: object) -> bytes:
    data = _plain(**options)
    return replaced(data, _frame(data) + _DIMENSIONS, struct.pack(">HH", height, width))


def _sampled(*factors: int) -> bytes:
    """Sampling factors, one byte a component, which overwrite the original ones."""
    data = _plain()
    for number, factor in enumerate(factors):
        data = replaced(data, _frame(data) + 11 + 3 * number, bytes((factor,)))
    return data


def _frame_byte(offset: int, value: int) -> bytes:
    data = _plain()
    return replaced(data, _frame(data) + offset, bytes((value,)))


def _progressive_at_the_limit() -> bytes:
    """A decoder holds all coefficients of such a file, at two bytes each, until its last scan."""
    return jpeg.encode(Image.new("RGB", (4400, 4400), "teal"), progressive=True)


def _second_frame() -> bytes:
    """A harmless frame header, then one that claims 60000 by 60000."""
    data = _plain()
    start = _frame(data)
    huge = bytearray(data[start : start + 19])
    struct.pack_into(">HH", huge, _DIMENSIONS, 60000, 60000)
    return data[: start + 19] + bytes(huge) + data[start + 19 :]


def _scan_bomb(side: int, scans: int) -> bytes:
    """A progressive file whose every scan says in a few bytes that all blocks are empty.

    A decoder visits each block in each scan ("Two Issues with the JPEG Standard", 2017).
    """
    frame = segment(0xC2, struct.pack(">BHHBBBB", 8, side, side, 1, 1, 0x11, 0))
    quantization = segment(0xDB, b"\0" + b"\x01" * 64)
    # One code of one bit: for DC a difference of 0, for AC a run of 2^14 empty blocks.
    tables = segment(0xC4, b"\x00" + b"\x01" + b"\0" * 15 + b"\x00")
    tables += segment(0xC4, b"\x10" + b"\x01" + b"\0" * 15 + b"\xe0")
    blocks = ((side + 7) // 8) ** 2
    direct = segment(SOS, b"\x01\x01\x00\x00\x00\x00") + b"\0" * (blocks // 8 + 1)
    runs = b"\x00" * (2 * (blocks >> 14) + 2)
    empty = segment(SOS, b"\x01\x01\x00\x01\x3f\x00") + runs
    return b"\xff\xd8" + quantization + frame + tables + direct + empty * scans + b"\xff\xd9"


def _without(marker: int) -> bytes:
    data = _plain()
    kept = [
        data[part.start : part.start + 4 + len(part.payload) + len(part.tail)]
        for part in segments(data)
        if part.marker not in (marker, 0xD9)
    ]
    return b"\xff\xd8" + b"".join(kept) + b"\xff\xd9"


def _garbage_table(marker: int, payload: bytes) -> bytes:
    data = _plain()
    at = next(part.start for part in segments(data) if part.marker == SOS)
    return data[:at] + segment(marker, payload) + data[at:]


def _dimensions() -> list[Hostile]:
    return [
        hostile("jpeg-65535x65535", _sized(65535, 65535), TOO_LARGE),
        hostile("jpeg-progressive-65535x65535", _sized(65535, 65535, progressive=True), TOO_LARGE),
        hostile("jpeg-65500x400", _sized(65500, 400), TOO_LARGE),
        hostile("jpeg-claims-more-than-it-holds", _sized(4000, 4000), CORRUPT),
        hostile("jpeg-progressive-at-the-limit", _progressive_at_the_limit, SAFE),
        hostile("jpeg-zero-width", _sized(0, 32), CORRUPT),
        hostile("jpeg-zero-height", _sized(48, 0), CORRUPT),
        hostile("jpeg-two-frames", _second_frame, TOO_LARGE),
        hostile("jpeg-255-components", _frame_byte(9, 255), CORRUPT),
        hostile("jpeg-no-components", _frame_byte(9, 0), CORRUPT),
        hostile("jpeg-2-components", _frame_byte(9, 2), CORRUPT),
        hostile("jpeg-12-bit", _frame_byte(4, 12), UNSUPPORTED),
        hostile("jpeg-255-bit", _frame_byte(4, 255), CORRUPT),
        hostile("jpeg-lossless-frame", _frame_byte(1, 0xC3), UNSUPPORTED),
        hostile("jpeg-hierarchical-frame", _frame_byte(1, 0xC5), UNSUPPORTED),
        hostile("jpeg-arithmetic-frame", _frame_byte(1, 0xC9), SAFE),
        hostile("jpeg-sampling-15x15", _sampled(0xFF), CORRUPT),
        hostile("jpeg-sampling-zero", _sampled(0x00), CORRUPT),
        hostile("jpeg-sampling-4x4-and-3x3", _sampled(0x44, 0x33), CORRUPT),
        hostile("jpeg-sampling-4x4-all", _sampled(0x44, 0x44, 0x44), CORRUPT),
        hostile("jpeg-sampling-3x1-and-1x3", _sampled(0x31, 0x13, 0x22), CORRUPT),
    ]


def _scans() -> list[Hostile]:
    return [
        hostile("jpeg-10000-scans", lambda: _scan_bomb(4000, 10_000), TOO_LARGE),
        hostile("jpeg-1000-scans", lambda: _scan_bomb(64, 1000), TOO_LARGE),
        hostile("jpeg-no-scan", _without(SOS), CORRUPT),
        hostile("jpeg-no-frame", _without(0xC0), CORRUPT),
        hostile("jpeg-no-quantization", _without(0xDB), CORRUPT),
        hostile(
            "jpeg-garbage-huffman",
            _garbage_table(0xC4, b"\x00" + b"\xff" * 16 + b"\0" * 256),
            CORRUPT,
        ),
        hostile("jpeg-garbage-quantization", _garbage_table(0xDB, b"\xff" * 65), CORRUPT),
        hostile("jpeg-arithmetic-conditioning", _garbage_table(0xCC, b"\xff" * 90), CORRUPT),
        hostile("jpeg-restart-interval", _garbage_table(0xDD, b"\0\x01"), CORRUPT),
        hostile("jpeg-segment-of-length-zero", with_segments(_plain(), b"\xff\xe5\0\0"), CORRUPT),
        hostile(
            "jpeg-segment-beyond-the-end", with_segments(_plain(), b"\xff\xe5\xff\xff"), CORRUPT
        ),
        hostile(
            "jpeg-20000-comments",
            lambda: with_segments(_plain(), segment(COM, b"x") * 20_000),
            SAFE,
        ),
        hostile(
            "jpeg-3-mib-of-padding",
            lambda: with_segments(_plain(), b"\xff" * (3 << 20)),
            SAFE,
        ),
    ]


def _polyglots() -> list[Hostile]:
    script = segment(COM, b"<script>" + mark("script") + b"</script>*/=alert(1);/*")
    return [
        hostile("jpeg-and-zip", _plain() + zip_archive(), SAFE),
        hostile("jpeg-and-php", _plain() + b"<?php " + mark("php"), SAFE),
        hostile("jpeg-and-html", with_segments(_plain(), script), SAFE),
        hostile(
            "jpeg-and-pdf", with_segments(_plain(), segment(COM, b"%PDF-1.4 " + mark("pdf"))), SAFE
        ),
        hostile("jpeg-and-jpeg", _plain() + _sized(65535, 65535), SAFE),
        hostile("jpeg-and-3-mib", lambda: _plain() + mark("trailing") * (3 << 16), SAFE),
        hostile("jpeg-over-the-byte-limit", lambda: _plain() + b"\0" * (5 << 20), TOO_LARGE),
    ]


def _truncations(name: str, data: bytes) -> list[Hostile]:
    """Cut before, and in the middle of, each segment."""
    result = []
    for number, part in enumerate(segments(data)):
        size = 4 + len(part.payload) + len(part.tail)
        cuts = {"before": part.start, "within": part.start + size // 2}
        if part.marker == 0xD9:
            cuts = {"before": part.start}
        for where, cut in cuts.items():
            outcome = UNSUPPORTED if cut < 4 else CORRUPT
            if part.marker == 0xD9:  # every pixel is there
                outcome = SAFE
            label = f"{name}-cut-{where}-{number:02}-{part.marker:02x}"
            result.append(hostile(label, data[:cut], outcome))
    return result


def cases() -> list[Hostile]:
    return [
        *_dimensions(),
        *_scans(),
        *_polyglots(),
        *_truncations("jpeg", _plain()),
        *_truncations("jpeg-progressive", _plain(progressive=True)),
        hostile("jpeg-tiny-scan", io.BytesIO(_plain()).read(-1)[:-40], CORRUPT),
    ]
