"""How a JPEG was written: what an encoder needs to write its pixels again with next to no loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from PIL import Image


class JpegSettings(msgspec.Struct, frozen=True):
    """Quantisation tables of brightness and of colour, 64 numbers each; 4:4:4, 4:2:2 or 4:2:0."""

    tables: tuple[tuple[int, ...], ...]
    subsampling: str
    progressive: bool


SUBSAMPLINGS = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}


def jpeg_settings(file: Image.Image) -> JpegSettings | None:
    """Return the settings of a file that JPEG's decoder has open.

    None for those that can't be had again: CMYK, and unusual subsampling.
    """
    from PIL.JpegImagePlugin import JpegImageFile, get_sampling  # loaded: the decoder is in there

    if not isinstance(file, JpegImageFile) or file.mode not in ("L", "RGB"):
        return None
    tables = [file.quantization.get(layer[3]) for layer in file.layer[:2]]
    subsampling = "4:2:0" if file.mode == "L" else SUBSAMPLINGS.get(get_sampling(file))
    if subsampling is None or None in tables:
        return None
    return JpegSettings(
        tuple(tuple(table) for table in tables if table is not None),
        subsampling,
        bool(file.info.get("progressive")),
    )
