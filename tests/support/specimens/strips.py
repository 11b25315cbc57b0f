"""How TIFF's strips and tiles are compressed.

LZW and PackBits are written here, in their simplest form; JPEG, WebP and fax are other formats'
encoders, put into strips.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator

from PIL import Image, ImageChops

NONE, FAX3, FAX4, LZW, JPEG, DEFLATE, PACKBITS = 1, 3, 4, 5, 7, 8, 32773
PIXAR_DEFLATE, WEBP = 32946, 50001
CLEAR, END = 256, 257

Shape = tuple[int, int, int]
"""Width, height, and samples of a pixel."""


def compress(method: int, data: bytes, shape: Shape, chroma: int | None = None) -> bytes:
    """One strip or tile, of packed rows. `chroma` is JPEG's subsampling, of YCbCr samples."""
    if method in (DEFLATE, PIXAR_DEFLATE):
        return zlib.compress(data)
    if method == LZW:
        return lzw(data)
    if method == PACKBITS:
        return packbits(data)
    if method == JPEG:
        return _jpeg(data, shape, chroma)
    if method == WEBP:
        return _saved(_image(data, shape), "WEBP", lossless=True, exact=True)
    if method in (FAX3, FAX4):
        return _fax(method, data, shape)
    return data


def lzw(data: bytes) -> bytes:
    """Literals of 9 bits: the table is cleared before its codes would need ten."""
    codes = [CLEAR]
    for at, byte in enumerate(data):
        if at and at % 240 == 0:
            codes.append(CLEAR)
        codes.append(byte)
    bits = "".join(f"{code:09b}" for code in (*codes, END))
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def packbits(data: bytes) -> bytes:
    """Runs where the byte repeats, literals elsewhere."""
    return b"".join(_packets(data))


def _packets(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        run = 1
        while run < 128 and data[at : at + 1] == data[at + run : at + run + 1]:
            run += 1
        yield bytes((257 - run if run > 1 else 0, data[at]))
        at += run


def _saved(image: Image.Image, name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def _image(data: bytes, shape: Shape) -> Image.Image:
    width, height, samples = shape
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[samples]
    return Image.frombytes(mode, (width, height), data)


def _jpeg(data: bytes, shape: Shape, chroma: int | None) -> bytes:
    """Whole JPEG files, of samples as they are: Pillow would convert RGB, and invert CMYK."""
    width, height, samples = shape
    if chroma is not None:
        image = Image.frombytes("YCbCr", (width, height), data)
        return _saved(image, "JPEG", quality=95, subsampling=chroma)
    if samples == 4:
        image = ImageChops.invert(Image.frombytes("CMYK", (width, height), data))
        return _saved(image, "JPEG", quality=95)
    return _saved(_image(data, shape), "JPEG", quality=95, keep_rgb=True)


def _fax(method: int, data: bytes, shape: Shape) -> bytes:
    """The strip of a TIFF that libtiff has written."""
    image = Image.frombytes("1", shape[:2], data)
    name = {FAX3: "group3", FAX4: "group4"}[method]
    file = _saved(image, "TIFF", compression=name)
    with Image.open(io.BytesIO(file)) as written:
        tags = written.tag_v2  # type: ignore[attr-defined]
        (start,), (length,) = tags[273], tags[279]
    return file[start : start + length]
