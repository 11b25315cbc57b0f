"""Load what an item needs before it is processed: behind the wall, nothing can be loaded any more.

Loading everything would take 10 ms, so only what sources and outputs may need is loaded. What else
Pillow imports late was found by tests/component/worker/test_wall_recorded.py.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imagejob_worker.contract.facts import MadeFormat
    from imagejob_worker.contract.order import Item, OutputFormat, SourceFormat

ALWAYS: Final = ("PIL.ImageCms", "PIL.ImageChops", "PIL.ImagePalette")
"""For profiles, for transparency, for palettes: which a source has is known once it is read."""

READERS: Final[dict[SourceFormat, tuple[str, str]]] = {
    "jpeg": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "png": ("PIL.PngImagePlugin", "PngImageFile"),
    "webp": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "gif": ("PIL.GifImagePlugin", "GifImageFile"),
    "tiff": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "avif": ("PIL.AvifImagePlugin", "AvifImageFile"),
}
"""Module and class of each format's decoder."""

LATE: Final[dict[SourceFormat, tuple[str, ...]]] = {
    "gif": ("copy",),
    "avif": ("PIL.TiffImagePlugin",),
}
"""What Pillow's decoders import only when they meet some images."""

WRITERS: Final[dict[MadeFormat, tuple[str, ...]]] = {
    "jpeg": ("PIL.JpegImagePlugin",),
    "png": ("PIL.PngImagePlugin",),
    "webp": ("PIL.WebPImagePlugin",),
    "avif": ("PIL.AvifImagePlugin", "imagejob_worker.image.steps.zero_timestamps"),
}
AUTOMATIC: Final[tuple[MadeFormat, ...]] = ("jpeg", "webp", "png")
"""The formats that `auto` may come to."""


def load(sources: Iterable[SourceFormat], items: Iterable[Item]) -> None:
    """Import what these items need, from sources of these formats."""
    outputs = [output for item in items for output in item.outputs]
    names = [*ALWAYS]
    for source in sources:
        names += [READERS[source][0], f"imagejob_worker.image.parsers.{source}"]
        names += LATE.get(source, ())
    for output in outputs:
        names += _writers(output.format)
    if any(output.gravity == "smart" for output in outputs):
        names.append("PIL.ImageFilter")
    for name in dict.fromkeys(names):
        import_module(name)


def _writers(name: OutputFormat) -> list[str]:
    formats = AUTOMATIC if name == "auto" else (name,)
    return [module for each in formats for module in WRITERS[each]]
