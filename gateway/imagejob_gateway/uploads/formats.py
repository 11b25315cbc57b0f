"""Formats of images, by their first bytes and by their media types.

The worker decides what an image is (its `identify` step); this keeps out what is evidently none, or
evidently another than declared, before a byte is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_gateway.problem import ProblemError, ProblemReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_operator.api.imagejob import SourceFormat

HEAD_BYTES = 64
"""How much of a file `sniff` wants to see: an AVIF lists its brands within these."""

UNDECLARED = ("", "application/octet-stream")
"""Media types that declare nothing."""

MEDIA_TYPES: dict[str, SourceFormat] = {
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/tiff": "tiff",
    "image/avif": "avif",
}

_MAGIC: tuple[tuple[bytes, SourceFormat], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
)
_AVIF_BRANDS = (b"avif", b"avis")


def media_type(format_: str) -> str:
    """Return the media type that objects of a format get."""
    return f"image/{format_}"


def sniff(head: bytes) -> SourceFormat | None:
    """Return the format of a file that begins with `head`; None for anything but an image."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        # ISO/IEC 14496-12, 4.3: the major brand, a version, then the compatible ones.
        length = min(int.from_bytes(head[:4], "big"), len(head))
        brands = {head[8:12], *(head[at : at + 4] for at in range(16, length - 3, 4))}
        return "avif" if brands.intersection(_AVIF_BRANDS) else None
    return None


def check(head: bytes, declared: str, accepted: Sequence[SourceFormat]) -> SourceFormat:
    """Return the format of an upload. Raises ProblemError if it isn't accepted, or not declared."""
    declared = declared.partition(";")[0].strip().lower()
    listed = ", ".join(accepted)
    if declared not in UNDECLARED and MEDIA_TYPES.get(declared) not in accepted:
        raise _unsupported(f"The type {declared[:100]!r} isn't accepted ({listed} are).")
    found = sniff(head)
    if found is None:
        raise _unsupported(f"The body isn't an image of a known format ({listed} are accepted).")
    if found not in accepted:
        raise _unsupported(f"The body is {found}, which isn't accepted ({listed} are).")
    if declared not in UNDECLARED and MEDIA_TYPES[declared] != found:
        raise _unsupported(f"The body is {found}, but declared as {declared}.")
    return found


def _unsupported(detail: str) -> ProblemError:
    return ProblemError(ProblemReason.UNSUPPORTED_FORMAT, detail, header="Content-Type")
