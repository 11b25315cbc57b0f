"""Files that are no image, or none that the worker opens, under any name."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile

from PIL import Image

from support.specimens.marks import zip_archive

from .case import UNSUPPORTED, Hostile, hostile, picture

_EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(/etc/passwd) (r) file\n"
_SVG = (
    b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><text>&x;</text></svg>'
)
_LAUGHS = b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">' + b"".join(
    b'<!ENTITY %c "%s">' % (letter + 1, b"&%c;" % letter * 10) for letter in range(97, 107)
)


def _saved(kind: str) -> bytes:
    buffer = io.BytesIO()
    picture().save(buffer, kind)
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../../etc/passwd"))
    return buffer.getvalue()


def _iso_media(brand: bytes) -> bytes:
    """A file of the ISO base media family; only the brand says that it is HEIC, or a film."""
    return struct.pack(">I4s4sI4s4s", 24, b"ftyp", brand, 0, b"mif1", brand) + b"\0\0\0\x08mdat"


def cases() -> list[Hostile]:
    files = {
        "empty": b"",
        "one-byte": b"\xff",
        "two-bytes-of-jpeg": b"\xff\xd8",
        "zeros": b"\0" * 4096,
        "text": b"this is not a picture\n" * 50,
        "utf-16-text": "\ufeffnot a picture".encode("utf-16"),
        "html": b"<!doctype html><script>alert(document.cookie)</script>",
        "svg-with-entity": _SVG,
        "xml-billion-laughs": _LAUGHS + b"]><l>&j;</l>",
        "php": b"<?php system($_GET['c']); ?>",
        "shell-script": b"#!/bin/sh\nrm -rf /\n",
        "pdf": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n",
        "postscript": _EPS,
        "eps-with-preview": struct.pack("<I6IH", 0xC6D3D0C5, 30, len(_EPS), 0, 0, 0, 0, 0xFFFF)
        + _EPS,
        "zip": zip_archive(),
        "gzip": gzip.compress(b"x" * 100_000, mtime=0),
        "tar": _tar(),
        "elf": b"\x7fELF\x02\x01\x01" + b"\0" * 57,
        "windows-program": b"MZ" + b"\0" * 62,
        "java-class": b"\xca\xfe\xba\xbe" + b"\0" * 20,
        "heic": _iso_media(b"heic"),
        "film": _iso_media(b"isom"),
        "jpeg-xl": b"\xff\x0a\xfa\x7f\x01\x90\x08\x06\x01",
        "jpeg-2000": b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0" * 40,
        "photoshop": b"8BPS\0\x01" + b"\0" * 60,
        "wmf": b"\xd7\xcd\xc6\x9a" + b"\0" * 60,
        "fits": b"SIMPLE  =                    T".ljust(80) * 36,
        "xbm": b"#define x_width 9999999\n#define x_height 9999999\nstatic char x_bits[] = {0};\n",
        "riff-wave": b"RIFF\x24\0\0\0WAVEfmt ",
        "mng": b"\x8aMNG\r\n\x1a\n" + b"\0" * 40,
        "almost-gif": b"GIF88a" + b"\0" * 40,
        "almost-png": b"\x89PNG\n\n\x1a\n" + b"\0" * 40,
        **{
            f"pillow-{kind.lower()}": _saved(kind)
            for kind in ("BMP", "ICO", "PPM", "TGA", "DDS", "QOI", "PCX")
        },
    }
    result = [hostile(f"misnamed-{name}", data, UNSUPPORTED) for name, data in files.items()]
    return [*result, hostile("misnamed-huge-bmp-header", _huge_bmp, UNSUPPORTED)]


def _huge_bmp() -> bytes:
    header = bytearray(_saved("BMP"))
    struct.pack_into("<ii", header, 18, 2**31 - 1, 2**31 - 1)
    return bytes(header)


def unlisted() -> list[Hostile]:
    """Sound images in formats that Pillow writes, for an order that allows only JPEG."""
    return [
        hostile(f"unlisted-{kind.lower()}", _saved(kind), UNSUPPORTED)
        for kind in ("PNG", "WEBP", "AVIF", "GIF", "TIFF")
        if kind in Image.SAVE
    ]
