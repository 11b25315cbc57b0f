"""For each source format, files that carry one kind of metadata each, named as in the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PIL import Image

from . import avif, gif, icc, jpeg, png, tiff, webp
from .exif import gps, main_directory, thumbnail_directory
from .ifd import BYTE, UNDEFINED, Directory, ascii_entry
from .ifd import tiff as structure
from .marks import iptc, mark, xmp, zip_archive

Carriers = Mapping[str, Callable[[Image.Image], bytes]]


def _camera() -> bytes:
    """EXIF without a location."""
    directory = main_directory()
    del directory.children[0x8825]
    return structure([directory])


def _position() -> bytes:
    return structure([Directory(children={0x8825: gps()})])


def _preview() -> bytes:
    return structure(
        [Directory({0x010F: ascii_entry(mark("make"))}), thumbnail_directory(jpeg.thumbnail())]
    )


def _with_tags(picture: Image.Image, **tags: tuple[int, bytes]) -> bytes:
    page = tiff.pixels(picture)
    page.entries |= {int(tag[1:]): value for tag, value in tags.items()}
    return structure([page])


def _with_position(picture: Image.Image) -> bytes:
    page = tiff.pixels(picture)
    page.children[34853] = gps()
    return structure([page])


JPEG: Carriers = {
    "exif": lambda p: jpeg.with_segments(jpeg.encode(p), jpeg.exif_segment(_camera())),
    "exif gps": lambda p: jpeg.with_segments(jpeg.encode(p), jpeg.exif_segment(_position())),
    "exif thumbnail": lambda p: jpeg.with_segments(jpeg.encode(p), jpeg.exif_segment(_preview())),
    "xmp": lambda p: jpeg.with_segments(jpeg.encode(p), jpeg.xmp_segment()),
    "icc": lambda p: jpeg.with_segments(jpeg.encode(p), jpeg.icc_segments(icc.display_p3())),
    "comment": lambda p: jpeg.with_segments(
        jpeg.encode(p), jpeg.segment(jpeg.COM, mark("comment"))
    ),
    "trailing": lambda p: jpeg.encode(p) + zip_archive(),
    "other": lambda p: jpeg.with_segments(jpeg.encode(p), jpeg.segment(jpeg.APP11, mark("c2pa"))),
}
PNG: Carriers = {
    "exif": lambda p: png.with_chunks(png.encode(p), png.chunk(b"eXIf", _camera())),
    "exif gps": lambda p: png.with_chunks(png.encode(p), png.chunk(b"eXIf", _position())),
    "exif thumbnail": lambda p: png.with_chunks(png.encode(p), png.chunk(b"eXIf", _preview())),
    "xmp": lambda p: png.with_chunks(png.encode(p), png.xmp_chunk()),
    "icc": lambda p: png.with_chunks(png.encode(p), png.iccp(icc.display_p3())),
    "text": lambda p: png.with_chunks(png.encode(p), png.text(b"Author", mark("text"))),
    "trailing": lambda p: png.encode(p) + zip_archive(),
    "other": lambda p: png.with_chunks(png.encode(p), png.chunk(b"prVt", mark("private"))),
}
WEBP: Carriers = {
    "exif": lambda p: webp.extended(p, webp.EXIF_FLAG, after=(webp.chunk(b"EXIF", _camera()),)),
    "exif gps": lambda p: webp.extended(
        p, webp.EXIF_FLAG, after=(webp.chunk(b"EXIF", _position()),)
    ),
    "exif thumbnail": lambda p: webp.extended(
        p, webp.EXIF_FLAG, after=(webp.chunk(b"EXIF", _preview()),)
    ),
    "xmp": lambda p: webp.extended(p, webp.XMP_FLAG, after=(webp.chunk(b"XMP ", xmp()),)),
    "icc": lambda p: webp.extended(
        p, webp.ICC_FLAG, before=(webp.chunk(b"ICCP", icc.display_p3()),)
    ),
    "trailing": lambda p: webp.encode(p) + zip_archive(),
    "other": lambda p: webp.extended(p, 0, after=(webp.chunk(b"prVt", mark("private")),)),
}
AVIF: Carriers = {
    "exif": lambda p: avif.encode(p, exif=_camera()),
    "exif gps": lambda p: avif.encode(p, exif=_position()),
    "exif thumbnail": lambda p: avif.encode(p, exif=_preview()),
    "xmp": lambda p: avif.encode(p, xmp=xmp()),
    "icc": lambda p: avif.encode(p, icc_profile=icc.display_p3()),
    "trailing": lambda p: avif.encode(p) + zip_archive(),
    "other": lambda p: avif.encode(p) + avif.box(b"uuid", bytes(16) + mark("uuid")),
}
GIF: Carriers = {
    "xmp": lambda p: gif.with_blocks(gif.encode(p), gif.xmp_application()),
    "icc": lambda p: gif.with_blocks(
        gif.encode(p), gif.application(b"ICCRGBG1012", icc.display_p3())
    ),
    "comment": lambda p: gif.with_blocks(gif.encode(p), gif.comment(mark("comment"))),
    "trailing": lambda p: gif.encode(p) + zip_archive(),
    "other": lambda p: gif.with_blocks(gif.encode(p), gif.application(b"LEAKAPP1.00", mark("app"))),
}
TIFF: Carriers = {
    "exif gps": _with_position,
    "xmp": lambda p: _with_tags(p, t700=(BYTE, xmp())),
    "iptc": lambda p: _with_tags(p, t33723=(UNDEFINED, iptc())),
    "icc": lambda p: _with_tags(p, t34675=(UNDEFINED, icc.display_p3())),
    "other": lambda p: _with_tags(p, t65000=ascii_entry(mark("private"))),
    "trailing": lambda p: tiff.encode(p) + zip_archive(),
}
CARRIERS: Mapping[str, Carriers] = {
    "jpeg": JPEG, "png": PNG, "webp": WEBP, "avif": AVIF, "gif": GIF, "tiff": TIFF,
}  # fmt: skip
