"""ICC profiles: their header says whether one is usable for an image, and whether it is HDR.

Source: ICC.1:2022 (profile version 4.4), 7.2 (header), 7.3 (tag table), 10.5 (cicpType).
"""

from __future__ import annotations

from struct import unpack_from
from typing import Literal

from imagejob_worker.image.parsers.probe import MAX_ICC_BYTES, PQ_AND_HLG

HEADER_BYTES = 128
MAX_TAGS = 256

Space = Literal["RGB", "GRAY", "CMYK", "LAB", "other"]


def space(profile: bytes) -> Space | None:
    """The colour space a profile describes; None if it is no profile, or larger than 1 MiB."""
    if not HEADER_BYTES + 4 <= len(profile) <= MAX_ICC_BYTES or profile[36:40] != b"acsp":
        return None
    names: dict[bytes, Space] = {b"RGB ": "RGB", b"GRAY": "GRAY", b"CMYK": "CMYK", b"Lab ": "LAB"}
    return names.get(profile[16:20], "other")


def hdr(profile: bytes) -> str | None:
    """PQ or HLG if the profile says so, by its cicp tag or (as older ones do) by its name."""
    if space(profile) is None:
        return None
    (count,) = unpack_from(">I", profile, HEADER_BYTES)
    for index in range(min(count, MAX_TAGS)):
        at = HEADER_BYTES + 4 + 12 * index
        if at + 12 > len(profile):
            return None
        tag, offset, length = unpack_from(">4sII", profile, at)
        value = profile[offset : offset + min(length, 1024)]
        if tag == b"cicp" and len(value) >= 12 and value[9] in PQ_AND_HLG:
            return PQ_AND_HLG[value[9]]
        if tag == b"desc" and (named := _named(value)):
            return named
    return None


def _named(description: bytes) -> str | None:
    """HDR by name, as in `Rec. ITU-R BT.2100 PQ` or `HDR_P3_D65_ST2084`; ASCII or UTF-16."""
    text = description.replace(b"\0", b"")
    if b"2100" not in text and b"HDR" not in text:
        return None
    if b"PQ" in text or b"2084" in text:
        return "PQ"
    return "HLG" if b"HLG" in text else None
