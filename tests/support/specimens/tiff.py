"""TIFF files directory by directory (TIFF 6.0)."""

from __future__ import annotations

from PIL import Image

from .exif import gps, main_directory
from .ifd import BYTE, LONG, SHORT, UNDEFINED, Directory, ascii_entry, tiff
from .jpeg import thumbnail
from .marks import iptc, mark, photoshop, xmp, zip_archive


def pixels(picture: Image.Image) -> Directory:
    """The tags of an uncompressed image in one strip: grey, RGB or CMYK."""
    photometric = {"L": 1, "RGB": 2, "CMYK": 5}[picture.mode]
    bands = len(picture.getbands())
    entries = {
        256: (LONG, [picture.width]),
        257: (LONG, [picture.height]),
        258: (SHORT, [8] * bands),
        259: (SHORT, [1]),
        262: (SHORT, [photometric]),
        277: (SHORT, [bands]),
        278: (LONG, [picture.height]),
        279: (LONG, [len(picture.tobytes())]),
        284: (SHORT, [1]),
    }
    return Directory(dict(entries), blobs={273: picture.tobytes()})


def encode(
    picture: Image.Image, order: str = "<", orientation: int | None = None, profile: bytes = b""
) -> bytes:
    directory = pixels(picture)
    if orientation is not None:
        directory.entries[274] = SHORT, [orientation]
    if profile:
        directory.entries[34675] = UNDEFINED, profile
    return tiff([directory], order)


def stuffed(picture: Image.Image, profile: bytes, orientation: int = 1) -> bytes:
    """Everything that a TIFF can carry: tags, sub-directories, a second page, a ZIP behind it."""
    first, metadata = pixels(picture), main_directory(orientation)
    first.entries |= metadata.entries | {
        700: (BYTE, xmp()),
        269: ascii_entry(mark("tiff-document")),
        285: ascii_entry(mark("tiff-page")),
        33723: (UNDEFINED, iptc()),
        34377: (BYTE, photoshop(thumbnail=thumbnail())),
        34675: (UNDEFINED, profile),
        37724: (UNDEFINED, b"Adobe Photoshop Document Data Block\0" + mark("tiff-layers")),
        65000: ascii_entry(mark("tiff-private")),
    }
    preview = pixels(picture.resize((8, 8)))
    preview.entries[270] = ascii_entry(mark("tiff-preview"))
    first.children = {**metadata.children, 34853: gps(), 330: preview}
    second = pixels(picture.resize((8, 8)))
    second.entries[270] = ascii_entry(mark("tiff-second-page"))
    return tiff([first, second], ">") + zip_archive()
