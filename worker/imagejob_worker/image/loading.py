"""Load what an item needs before it is processed: behind the wall, nothing can be loaded any more.

Loading everything would take 10 ms, so only what sources and outputs may need is loaded. What else
Pillow imports late was found by tests/component/worker/test_wall_recorded.py.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imagejob_worker.contract.facts import MadeFormat
    from imagejob_worker.contract.order import Item, OutputFormat, SourceFormat

READERS: Final[dict[SourceFormat, tuple[str, str]]] = {
    "jpeg": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "png": ("PIL.PngImagePlugin", "PngImageFile"),
    "webp": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "gif": ("PIL.GifImagePlugin", "GifImageFile"),
    "tiff": ("imagejob_worker.image.steps.decode_tiff", "decode_tiff"),
    "avif": ("PIL.AvifImagePlugin", "AvifImageFile"),
}
"""Module and class, or function, of each format's decoder."""

COLOURS: Final = (
    "imagejob_worker.image.colours.judge",
    "imagejob_worker.image.colours.made_profile",
)

FRAMES = "imagejob_worker.image.steps.decode_frames"
SALVAGE = "imagejob_worker.image.steps.salvage"

LATE: Final[dict[SourceFormat, tuple[str, ...]]] = {
    "jpeg": COLOURS,
    "png": ("PIL.ImageChops", "PIL.ImagePalette", FRAMES, SALVAGE, *COLOURS),
    "webp": ("PIL.ImageChops", FRAMES, *COLOURS),
    "gif": ("PIL.ImageChops", "PIL.ImagePalette", "copy", FRAMES, SALVAGE),
    "tiff": ("PIL.ImagePalette", *COLOURS),
    "avif": ("PIL.ImageChops", "PIL.TiffImagePlugin", FRAMES, *COLOURS),
}
"""What some images of a format need: with transparency, palettes, several frames, EXIF, damage."""

WRITERS: Final[dict[MadeFormat, tuple[str, ...]]] = {
    "jpeg": ("PIL.JpegImagePlugin",),
    "png": ("PIL.PngImagePlugin", "PIL.ImagePalette", "imagejob_worker.image.palette"),
    "webp": ("PIL.WebPImagePlugin",),
    "avif": ("PIL.AvifImagePlugin", "imagejob_worker.image.steps.avif_timing"),
}
AUTOMATIC: Final[tuple[MadeFormat, ...]] = ("jpeg", "webp", "png")
"""The formats that `auto` may come to."""


def load(sources: Iterable[SourceFormat], items: Iterable[Item]) -> None:
    """Import what these items need, from sources of these formats."""
    outputs = [output for item in items for output in item.outputs]
    names: list[str] = []
    for source in sources:
        names += [READERS[source][0], f"imagejob_worker.image.parsers.{source}"]
        names += LATE[source]
    for output in outputs:
        names += _writers(output.format)
    if any(output.gravity == "smart" for output in outputs):
        names += ["PIL.ImageChops", "PIL.ImageFilter"]
    _load_jpeg()  # which nearly all need
    for name in dict.fromkeys(names):
        import_module(name)


def _load_jpeg() -> None:
    """Import Pillow's JPEG plugin with an empty module for subprocess.

    It would only start djpeg, which no child may, and subprocess takes 2 ms of 90.
    """
    absent = "subprocess" not in sys.modules
    if absent:
        sys.modules["subprocess"] = ModuleType("subprocess")
    from PIL import JpegImagePlugin  # noqa: F401

    if absent:
        del sys.modules["subprocess"]


def _writers(name: OutputFormat) -> list[str]:
    if name == "auto":  # ImageChops measures what the image shows
        return ["PIL.ImageChops", *(module for each in AUTOMATIC for module in WRITERS[each])]
    return list(WRITERS[name])
