"""JPEG files of a sound image with hostile metadata: all succeed, and none of it remains."""

from __future__ import annotations

import struct

from support.specimens import icc, jpeg
from support.specimens.exif import exif, main_directory
from support.specimens.ifd import LONG, SHORT, UNDEFINED, Directory, tiff
from support.specimens.jpeg import APP1, APP2, APP13, segment, with_segments
from support.specimens.marks import mark

from .case import SAFE, Hostile, hostile, picture


def _with(*extra: bytes) -> bytes:
    return with_segments(jpeg.encode(picture()), *extra)


def _exif(block: bytes) -> bytes:
    return _with(jpeg.exif_segment(block))


def _orientation(kind: int, values: list[int]) -> bytes:
    return tiff([Directory({0x0112: (kind, values)})])


def _self_referring() -> bytes:
    """EXIF, GPS and interoperability pointers that all lead back to the first directory."""
    entries = {tag: (LONG, [8]) for tag in (0x8769, 0x8825, 0xA005, 0x014A)}
    return tiff([Directory(dict(entries))], loop=0)


def _huge_counts() -> bytes:
    rows = b"".join(
        struct.pack("<HHII", tag, kind, 0xFFFFFFFF, 8)
        for tag, kind in ((0x0112, 3), (0x8769, 4), (0x8825, 4), (0x9286, 7))
    )
    return b"II*\0\x08\0\0\0" + struct.pack("<H", 4) + rows + b"\0\0\0\0"


def _bomb_thumbnail() -> bytes:
    small = bytearray(jpeg.encode(picture(16, 16)))
    at = small.index(b"\xff\xc0")
    struct.pack_into(">HH", small, at + 5, 65535, 65535)
    return exif(1, "<", bytes(small))


def _laughing_xmp() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 20))
    body = f'<!DOCTYPE x [<!ENTITY l0 "{mark("laughs").decode()}">{entities}]><x>&l19;</x>'
    return segment(APP1, jpeg.XMP_HEADER + body.encode())


def _lying_extended_xmp() -> bytes:
    place = b"A" * 32 + struct.pack(">II", 0xFFFFFFFF, 0xFFFFFFF0)
    return segment(APP1, jpeg.EXTENDED_XMP_HEADER + place + mark("xmp-extended")) * 50


def _lying_photoshop() -> bytes:
    body = b"8BIM\x04\x04\0\0\xff\xff\xff\xff" + mark("photoshop") + b"8BIM\x04\x0c\xff"
    return segment(APP13, b"Photoshop 3.0\0" + body)


def _lying_mpf() -> bytes:
    ifd = struct.pack(">HHHII", 2, 0xB001, 4, 1, 0xFFFFFFFF) + struct.pack(
        ">HHII", 0xB002, 7, 0xFFFFFFF0, 8
    )
    return segment(APP2, b"MPF\0MM\0*\0\0\0\x08" + ifd + b"\0\0\0\0")


def _endless_mpf() -> bytes:
    """A multi-picture index whose second image is the first one."""
    plain = jpeg.encode(picture())
    data = jpeg.with_second_image(plain, plain)
    entry = data.index(struct.pack(">I", 0x00020002))
    return data[: entry + 8] + b"\0\0\0\0" + data[entry + 12 :]


def _icc_parts(*parts: tuple[int, int, bytes]) -> bytes:
    return b"".join(
        segment(APP2, b"ICC_PROFILE\0" + bytes((n, of)) + part) for n, of, part in parts
    )


def _lying_profile(tag: bytes, offset: int, size: int) -> bytes:
    """A Display-P3 profile with a tag that lies elsewhere than it says."""
    profile = icc.display_p3()
    at = profile.index(tag, 128)
    return profile[: at + 4] + struct.pack(">II", offset, size) + profile[at + 12 :]


def _huge_lut() -> bytes:
    """A CMYK profile whose table claims 255^4 entries."""
    corners = {
        (c, m, y, k): (50.0, 0.0, 0.0)
        for c in (0, 1)
        for m in (0, 1)
        for y in (0, 1)
        for k in (0, 1)
    }
    profile = icc.cmyk(corners)
    at = profile.index(b"mft1", 128) + 10
    return profile[:at] + b"\xff" + profile[at + 1 :]


def _profiles() -> list[Hostile]:
    good = icc.display_p3()
    cmyk = picture().convert("CMYK")
    return [
        hostile("icc-garbage", _with(jpeg.icc_segments(mark("icc-garbage") * 40)), SAFE),
        hostile("icc-empty", _with(jpeg.icc_segments(b"") or _icc_parts((1, 1, b""))), SAFE),
        hostile("icc-truncated", _with(jpeg.icc_segments(good[:200])), SAFE),
        hostile("icc-3-mib", lambda: _with(jpeg.icc_segments(good + mark("icc") * 300_000)), SAFE),
        hostile("icc-for-grey", _with(jpeg.icc_segments(icc.grey())), SAFE),
        hostile(
            "icc-tag-beyond-the-end",
            _with(jpeg.icc_segments(_lying_profile(b"rTRC", 0xFFFFFFF0, 64))),
            SAFE,
        ),
        hostile(
            "icc-tag-of-4-gib",
            _with(jpeg.icc_segments(_lying_profile(b"rTRC", 128, 0xFFFFFFFF))),
            SAFE,
        ),
        hostile(
            "icc-part-missing", _with(_icc_parts((1, 3, good[:200]), (3, 3, good[200:]))), SAFE
        ),
        hostile("icc-part-twice", _with(_icc_parts((1, 2, good), (1, 2, good))), SAFE),
        hostile("icc-part-zero-of-zero", _with(_icc_parts((0, 0, good))), SAFE),
        hostile(
            "icc-255-to-the-4th",
            with_segments(jpeg.encode(cmyk), jpeg.icc_segments(_huge_lut())),
            SAFE,
        ),
    ]


def _exif_blocks() -> list[Hostile]:
    makernote = main_directory()
    makernote.children[0x8769].entries[0x927C] = UNDEFINED, b"\xff" * 60_000
    return [
        hostile("exif-orientation-65535", _exif(_orientation(SHORT, [65535])), SAFE),
        hostile("exif-orientation-0", _exif(_orientation(SHORT, [0])), SAFE),
        hostile("exif-orientation-9", _exif(_orientation(SHORT, [9])), SAFE),
        hostile("exif-orientation-2-to-the-32", _exif(_orientation(LONG, [0xFFFFFFFF])), SAFE),
        hostile("exif-orientation-of-many", _exif(_orientation(SHORT, [6] * 1000)), SAFE),
        hostile(
            "exif-orientation-as-text", _exif(tiff([Directory({0x0112: (2, b"six\0")})])), SAFE
        ),
        hostile("exif-referring-to-itself", _exif(_self_referring()), SAFE),
        hostile("exif-huge-counts", _exif(_huge_counts()), SAFE),
        hostile("exif-garbage", _exif(b"\xa5" * 65_000), SAFE),
        hostile("exif-empty", _exif(b""), SAFE),
        hostile("exif-cut-short", _exif(exif()[:60]), SAFE),
        hostile(
            "exif-chain-of-3000", _exif(tiff([Directory({0x0112: (SHORT, [1])})] * 3000)), SAFE
        ),
        hostile("exif-huge-makernote", _exif(tiff([makernote])), SAFE),
        hostile("exif-bomb-thumbnail", _exif(_bomb_thumbnail()), SAFE),
        hostile("exif-twice", _with(jpeg.exif_segment(exif(6)), jpeg.exif_segment(exif(3))), SAFE),
    ]


def cases() -> list[Hostile]:
    return [
        *_exif_blocks(),
        *_profiles(),
        hostile("xmp-billion-laughs", _with(_laughing_xmp()), SAFE),
        hostile("xmp-extended-of-4-gib", _with(_lying_extended_xmp()), SAFE),
        hostile("iptc-of-4-gib", _with(_lying_photoshop()), SAFE),
        hostile("mpf-of-4-gib", _with(_lying_mpf()), SAFE),
        hostile("mpf-endless", _endless_mpf(), SAFE),
    ]
