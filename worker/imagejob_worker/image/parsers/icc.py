"""ICC profiles: their header says whether one is usable for an image, and whether it is HDR.

Source: ICC.1:2022 (profile version 4.4), 7.2 (header), 7.3 (tag table), 9.2 (tags), cicpType.
"""

from __future__ import annotations

from struct import unpack_from
from typing import TYPE_CHECKING, Final, Literal

from imagejob_worker.image.parsers.probe import MAX_ICC_BYTES, PQ_AND_HLG

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER_BYTES: Final = 128
MAX_TAGS: Final = 100
"""As many as littleCMS reads; profiles have ten to thirty."""

CLASSES: Final = {b"scnr", b"mntr", b"prtr", b"spac"}
"""Those that describe samples: input, display, output, colour space."""

ELEMENTS: Final = (b"D2B0", b"D2B1", b"D2B2", b"D2B3")
"""Transforms of any number of elements, each of which may be a curve of any number of segments: in
4 MiB, hours of arithmetic. Every profile must have another transform for readers without them."""

Space = Literal["RGB", "GRAY", "CMYK", "LAB", "other"]


def space(profile: bytes) -> Space | None:
    """The colour space a profile describes; None if it is none for images, cut short or too large.

    More than 4 MiB are too large.
    """
    if not HEADER_BYTES + 4 <= len(profile) <= MAX_ICC_BYTES or profile[36:40] != b"acsp":
        return None
    length, count = unpack_from(">I", profile)[0], unpack_from(">I", profile, HEADER_BYTES)[0]
    if length > len(profile) or count > MAX_TAGS or profile[12:16] not in CLASSES:
        return None
    names: dict[bytes, Space] = {b"RGB ": "RGB", b"GRAY": "GRAY", b"CMYK": "CMYK", b"Lab ": "LAB"}
    return names.get(profile[16:20], "other")


def bounded(profile: bytes) -> bytes:
    """The same profile without the tags whose evaluation has no bound: renamed, so that no reader
    knows them."""
    found = bytearray(profile)
    for at, tag in _tags(profile):
        if tag in ELEMENTS:
            found[at] = ord("x")
    return bytes(found)


def hdr(profile: bytes) -> str | None:
    """PQ or HLG if the profile says so, by its cicp tag or (as older ones do) by its name."""
    if space(profile) is None:
        return None
    for at, tag in _tags(profile):
        offset, length = unpack_from(">II", profile, at + 4)
        value = profile[offset : offset + min(length, 1024)]
        if tag == b"cicp" and len(value) >= 12 and value[9] in PQ_AND_HLG:
            return PQ_AND_HLG[value[9]]
        if tag == b"desc" and (named := _named(value)):
            return named
    return None


def _tags(profile: bytes) -> Iterator[tuple[int, bytes]]:
    """Where each entry of the tag table begins, and its tag."""
    (count,) = unpack_from(">I", profile, HEADER_BYTES)
    for at in range(HEADER_BYTES + 4, HEADER_BYTES + 4 + 12 * min(count, MAX_TAGS), 12):
        if at + 12 > len(profile):
            return
        yield at, profile[at : at + 4]


def _named(description: bytes) -> str | None:
    """HDR by name, as in `Rec. ITU-R BT.2100 PQ` or `HDR_P3_D65_ST2084`; ASCII or UTF-16."""
    text = description.replace(b"\0", b"")
    if b"2100" not in text and b"HDR" not in text:
        return None
    if b"PQ" in text or b"2084" in text:
        return "PQ"
    return "HLG" if b"HLG" in text else None
