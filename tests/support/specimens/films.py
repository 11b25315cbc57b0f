"""Animations of each format that has them, with metadata around and between their frames."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

from PIL import Image

from . import gif, png, webp
from .exif import exif
from .jpeg import thumbnail
from .marks import mark, xmp, zip_archive


def saved(frames: Sequence[Image.Image], kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    options |= {"save_all": True, "append_images": frames[1:], "duration": 100}
    frames[0].save(buffer, kind, **options)
    return buffer.getvalue()


def stuffed_gif(frames: Sequence[Image.Image], profile: bytes) -> bytes:
    plain = saved(frames, "GIF", loop=0, disposal=1)
    starts = [at for at in gif.boundaries(plain) if plain[at] == 0x2C]
    between = gif.comment(mark("comment-between")) + gif.application(b"LEAKAPP1.00", mark("app"))
    # Before the second frame's graphic control extension, which is 8 bytes long.
    at = starts[1] - 8
    return gif.with_blocks(
        plain[:at] + between + plain[at:],
        gif.xmp_application(),
        gif.application(b"ICCRGBG1012", profile),
        after=gif.comment(mark("comment-late")),
        trailing=zip_archive(),
    )


def stuffed_png(frames: Sequence[Image.Image], profile: bytes) -> bytes:
    plain = saved(frames, "PNG", loop=0)
    second = plain.index(b"fcTL", plain.index(b"fcTL") + 1) - 4
    between = png.text(b"Between", mark("text-between")) + png.chunk(b"prVt", mark("private"))
    return png.with_chunks(
        plain[:second] + between + plain[second:],
        png.iccp(profile),
        png.chunk(b"eXIf", exif(1, ">", thumbnail())),
        png.xmp_chunk(),
        after=(png.text(b"Late", mark("text-late")),),
        trailing=zip_archive(),
    )


def stuffed_webp(frames: Sequence[Image.Image], profile: bytes) -> bytes:
    options = {"icc_profile": profile, "exif": exif(1, "<", thumbnail()), "xmp": xmp()}
    plain = saved(frames, "WEBP", lossless=True, **options)
    parts = [webp.chunk(kind, data) for kind, data in webp.chunks(plain) if kind]
    return webp.assemble(*parts, webp.chunk(b"prVt", mark("private"))) + zip_archive()


def stuffed_avif(frames: Sequence[Image.Image], profile: bytes) -> bytes:
    options = {"icc_profile": profile, "exif": exif(None, "<", thumbnail()), "xmp": xmp()}
    plain = saved(frames, "AVIF", quality=90, speed=9, max_threads=1, **options)
    return plain + struct.pack(">I", 40) + b"uuid" + bytes(16) + mark("uuid").ljust(16)


STUFFED = {"gif": stuffed_gif, "png": stuffed_png, "webp": stuffed_webp, "avif": stuffed_avif}
