"""TIFF by libtiff, into what the layout says. Pillow's own reader isn't used.

Its table of modes knows some in one byte order only, it has other code for uncompressed files than
for compressed ones, and it turns an image by what XMP says.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, _imaging, _imagingcms

from imagejob_worker.image.damage import rows_last
from imagejob_worker.image.parsers.probe import corrupt
from imagejob_worker.image.pillow_decoder import rows_drawn

if TYPE_CHECKING:
    from imagejob_worker.image.parsers.probe import Probe
    from imagejob_worker.image.parsers.tiff_layout import Layout

OUT_OF_MEMORY = -9  # IMAGING_CODEC_MEMORY
HIGH = 1 if sys.byteorder == "little" else 0
AS_BYTES = {"LA;16": "LA", "La;16": "La"}
"""16-bit grey with alpha is read as four channels, and the high bytes are kept."""


def decode_tiff(file: BinaryIO, probe: Probe) -> Image.Image:
    """The first image, as stored: not turned. Raises CorruptImage, and MemoryError."""
    assert probe.layout is not None  # noqa: S101 (for mypy: the parser has set it)
    return _shown(_decoded(file, probe, probe.layout), probe.layout)


def _decoded(file: BinaryIO, probe: Probe, layout: Layout) -> Image.Image:
    """The samples. The decoder, which may hold a strip as large as the image, ends with this."""
    mode = "RGBA" if layout.mode in AS_BYTES else layout.mode
    image = Image.new(mode, probe.stored, None)
    decoder = _imaging.libtiff_decoder(mode, layout.raw, file.fileno(), 0)
    decoder.setimage(image.im, (0, 0, *image.size))
    _, error = decoder.decode(b"----")  # not looked at, as it reads the file itself
    if error == OUT_OF_MEMORY:
        raise MemoryError
    if error < 0:
        rows = rows_drawn(decoder, image.size)
        raise corrupt(rows_last(1 - rows / image.height).message)
    return image


def _shown(image: Image.Image, layout: Layout) -> Image.Image:
    """Samples of 8 bits, in a mode that says what they mean."""
    if layout.mode in AS_BYTES:
        image = Image.merge(AS_BYTES[layout.mode], image.split()[HIGH::2])
    if image.mode == "La":
        return image.convert("LA")
    if image.mode == "I;16":
        scale = 255 / (layout.white - layout.black)
        return image.point(lambda level: level * scale + (0.5 - layout.black * scale)).convert("L")
    if image.mode == "LAB":
        return _from_lab(image)
    if layout.palette:
        image.putpalette(layout.palette)
    return image


def _from_lab(image: Image.Image) -> Image.Image:
    """Into sRGB, by littleCMS."""
    lab, srgb = (_imagingcms.createProfile(name) for name in ("LAB", "sRGB"))
    converted = Image.new("RGB", image.size, None)
    _imagingcms.buildTransform(lab, srgb, "LAB", "RGB", 0).apply(image.getim(), converted.getim())
    return converted
