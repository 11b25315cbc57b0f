"""An EXIF block with everything that cameras and phones put there."""

from __future__ import annotations

from .ifd import ASCII, BYTE, RATIONAL, SHORT, UNDEFINED, Directory, ascii_entry, tiff
from .marks import mark


def exif(orientation: int | None = None, order: str = "<", thumbnail: bytes = b"") -> bytes:
    """IFD0, EXIF with a MakerNote, GPS, interoperability; with a thumbnail, IFD1."""
    directories = [main_directory(orientation)]
    if thumbnail:
        directories.append(thumbnail_directory(thumbnail))
    return tiff(directories, order)


def main_directory(orientation: int | None = None) -> Directory:
    directory = Directory(
        {
            0x010E: ascii_entry(mark("exif-description")),
            0x010F: ascii_entry(mark("exif-make")),
            0x0110: ascii_entry(mark("exif-model")),
            0x0131: ascii_entry(mark("exif-software")),
            0x0132: ascii_entry(b"2026:11:22 10:00:00"),
            0x013B: ascii_entry(mark("exif-artist")),
            0x013C: ascii_entry(mark("exif-host")),
            0x8298: ascii_entry(mark("exif-copyright")),
            0x9C9B: (BYTE, (mark("exif-xptitle").decode() + "\0").encode("utf-16-le")),
        },
        {0x8769: _camera(), 0x8825: gps()},
    )
    if orientation is not None:
        directory.entries[0x0112] = SHORT, [orientation]
    return directory


def _camera() -> Directory:
    interoperability = Directory(
        {0x0001: ascii_entry(b"R98"), 0x1000: ascii_entry(mark("exif-interop"))}
    )
    return Directory(
        {
            0x9000: (UNDEFINED, b"0232"),
            0x9003: ascii_entry(b"2026:11:22 10:00:00"),
            0x927C: (UNDEFINED, b"Apple iOS\0\0\x01MM" + mark("exif-makernote") * 40),
            0x9286: (UNDEFINED, b"ASCII\0\0\0" + mark("exif-usercomment")),
            0xA430: ascii_entry(mark("exif-owner")),
            0xA431: ascii_entry(mark("exif-serial")),
            0xA434: ascii_entry(mark("exif-lens")),
        },
        {0xA005: interoperability},
    )


def gps() -> Directory:
    return Directory(
        {
            0: (BYTE, [2, 3, 0, 0]),
            1: (ASCII, b"N\0"),
            2: (RATIONAL, [(52, 1), (30, 1), (5, 1)]),
            3: (ASCII, b"E\0"),
            4: (RATIONAL, [(13, 1), (24, 1), (3, 1)]),
            27: (UNDEFINED, b"ASCII\0\0\0" + mark("gps-method")),
            28: (UNDEFINED, b"ASCII\0\0\0" + mark("gps-area")),
        }
    )


def thumbnail_directory(jpeg: bytes) -> Directory:
    """IFD1: the embedded preview, a whole JPEG with metadata of its own."""
    return Directory(
        {0x0103: (SHORT, [6]), 0x0202: (4, [len(jpeg)]), 0x0131: ascii_entry(mark("exif-ifd1"))},
        blobs={0x0201: jpeg},
    )
