"""Photoshop image resources (`8BIM`), which a JPEG may carry in an application segment.

Source: Adobe Photoshop File Formats Specification, Image Resource Blocks.
"""

from __future__ import annotations

from struct import unpack_from

from imagejob_worker.contract.facts import Kind


def kinds_of(resources: bytes) -> Kind:
    """The kinds of metadata in a sequence of resources."""
    kinds, at = Kind(0), 0
    while resources[at : at + 4] == b"8BIM" and at + 12 <= len(resources):
        (number,) = unpack_from(">H", resources, at + 4)
        name = resources[at + 6] + 1
        sizes = at + 6 + name + name % 2
        if sizes + 4 > len(resources):
            break
        (length,) = unpack_from(">I", resources, sizes)
        kinds |= {0x0404: Kind.IPTC, 0x0409: Kind.THUMBNAIL, 0x040C: Kind.THUMBNAIL}.get(
            number, Kind.OTHER
        )
        at = sizes + 4 + length + length % 2
    return kinds or Kind.OTHER
