"""A fresh canvas: what stands between the pixels of a source and the file of an output."""

from __future__ import annotations

from PIL import Image


def bare(image: Image.Image) -> Image.Image:
    """The same pixels, not copied, in an image that knows nothing else.

    Pillow's encoders write what they find in an image's `info` (comments, profiles, transparency),
    and its operations hand `info` on, or add to it.
    """
    return Image.Image()._new(image.im)  # noqa: SLF001 (the public ways all copy the pixels)
