"""Pixels without metadata: what stands between the decoder and the encoder."""

from __future__ import annotations

from PIL import Image


def strip_metadata(image: Image.Image) -> Image.Image:
    """Return the same pixels, not copied, in an image that holds nothing else.

    Pillow's encoders write what they find in an image's `info` (comments, profiles, transparency),
    and its operations hand `info` on, or add to it.
    """
    return Image.Image()._new(image.im)  # noqa: SLF001 (the public ways all copy the pixels)
