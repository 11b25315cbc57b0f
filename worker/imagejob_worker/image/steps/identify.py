"""Step: the format of the source, by its first bytes; file names and claimed types count nothing.

A format that is known but not supported is named, so that the person who uploaded it knows why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from imagejob_worker.contract.facts import SourceFacts
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.contract.order import SourceFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_worker.image.context import SourceContext

HEAD_BYTES = 4096
"""How much of a file `sniff` wants to see."""

SUPPORTED: tuple[tuple[bytes, SourceFormat], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
)

# The longest magic first where one begins another.
KNOWN: tuple[tuple[bytes, str], ...] = (
    (b"8BPS", "Photoshop (PSD)"),
    (b"%PDF", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript (EPS)"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"II\xbc", "JPEG XR"),
    (b"\0\0\x01\0", "ICO"),
    (b"\0\0\x02\0", "CUR"),
    (b"icns", "ICNS"),
    (b"II+\0", "BigTIFF"),
    (b"MM\0+", "BigTIFF"),
    (b"IIU\0", "camera RAW (RW2)"),
    (b"IIRO", "camera RAW (ORF)"),
    (b"IIRS", "camera RAW (ORF)"),
    (b"FUJIFILMCCD-RAW", "camera RAW (RAF)"),
    (b"FOVb", "camera RAW (X3F)"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"#?RGBE", "Radiance HDR"),
    (b"qoif", "QOI"),
    (b"DDS ", "DDS"),
    (b"BPG\xfb", "BPG"),
    (b"FLIF", "FLIF"),
    (b"\x8aMNG", "MNG"),
    (b"\x8bJNG", "JNG"),
    (b"gimp xcf", "GIMP (XCF)"),
    (b"SIMPLE  =", "FITS"),
    (b"PK\x03\x04", "ZIP"),
    (b"PK\x05\x06", "ZIP"),
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"\x1a\x45\xdf\xa3", "Matroska or WebM video"),
    (b"OggS", "Ogg"),
    (b"ID3", "MP3"),
    (b"fLaC", "FLAC"),
    (b"\x7fELF", "an ELF program"),
    (b"MZ", "a Windows program"),
)  # fmt: skip

CGBI = "a PNG of Apple's own kind (CgBI)"  # made for apps of iPhones, by a private extension
HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
AVIF_BRANDS = {b"avif", b"avis"}
BMP_HEADERS = {12, 40, 52, 56, 64, 108, 124}  # lengths of the header that follows BMP's own


def identify(context: SourceContext) -> None:
    """Raises UnsupportedFormat; the message names the format if it is a known one."""
    with context.files.source() as file:
        head = file.read(HEAD_BYTES)
    context.facts = SourceFacts(allowed_format(head, context.allowed))


def allowed_format(head: bytes, allowed: Sequence[SourceFormat]) -> SourceFormat:
    """Return the format of a file that begins with `head` (its first HEAD_BYTES, or all of it).

    Raises UnsupportedFormat, naming the format if it is a known one.
    """
    name = sniff(head)
    if name in allowed:
        return name  # type: ignore[return-value]  # `allowed` holds nothing but SourceFormats
    if not head:
        raise ItemFailure("UnsupportedFormat", "the source is empty")
    listed = ", ".join(allowed)
    if name in get_args(SourceFormat):
        message = (
            f"the source is {name.upper()}, which this platform does not allow (it allows {listed})"
        )
    elif name:
        message = f"the source is {name}, which is not supported ({listed} are)"
    else:
        message = f"the source is not an image of a known format ({listed} are supported)"
    raise ItemFailure("UnsupportedFormat", message)


def sniff(head: bytes) -> str:
    """Return a SourceFormat, or another format's name for people, or an empty string."""
    for magic, name in SUPPORTED:
        if head.startswith(magic):
            return CGBI if name == "png" and head[12:16] == b"CgBI" else name
    if head[:4] == b"RIFF":
        return {b"WEBP": "webp", b"AVI ": "AVI video", b"WAVE": "WAVE audio"}.get(head[8:12], "")
    if head[:4] in (b"II*\0", b"MM\0*"):
        return "camera RAW (CR2)" if head[8:10] == b"CR" else "tiff"
    if head[4:8] == b"ftyp":
        return _by_brand(head)
    for magic, other in KNOWN:
        if head.startswith(magic):
            return other
    return _bmp(head) or _text(head)


def _by_brand(head: bytes) -> str:
    """The format of an ISO base media file (ISO/IEC 14496-12, 4.3), by its ftyp box."""
    length = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12], *(head[at : at + 4] for at in range(16, length - 3, 4))}
    if brands & AVIF_BRANDS:
        return "avif"
    if brands & HEIC_BRANDS:
        return "HEIC"
    if brands & {b"mif1", b"msf1"}:
        return "HEIF"
    if head[8:12] == b"crx ":
        return "camera RAW (CR3)"
    return "QuickTime video" if head[8:12] == b"qt  " else "MP4 video"


def _bmp(head: bytes) -> str:
    is_bmp = head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in BMP_HEADERS
    return "BMP" if is_bmp else ""


def _text(head: bytes) -> str:
    """SVG, HTML, plain text, or netpbm: two letters and a space."""
    if head[:1] == b"P" and head[1:2] in b"1234567" and head[2:3] in b" \t\r\n" and len(head) > 3:
        return "PNM"
    if not head.strip():
        return ""
    if any(byte < 9 or (13 < byte < 32 and byte != 27) for byte in head):
        return ""
    lower = head.lower()
    if b"<svg" in lower:
        return "SVG"
    if lower.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<!doctype html", b"<html")):
        return "HTML"
    try:
        head[: len(head) - 4 if len(head) == HEAD_BYTES else None].decode()
    except UnicodeDecodeError:
        return ""
    return "plain text"
