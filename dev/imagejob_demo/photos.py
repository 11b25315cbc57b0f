"""The eight photos: which scene, in which format, with what private data in it."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from imagejob_demo import scenes
from imagejob_demo.icc import display_p3
from imagejob_demo.private import exif, iptc_segment, png_text, xmp

Transpose = Image.Transpose
Saving = Mapping[str, Any]


@dataclass(frozen=True)
class Photo:
    """One upload. Its sides are as displayed; `carries` names metadata as statuses do."""

    name: str
    file: str
    width: int
    height: int
    scene: scenes.Scene
    carries: frozenset[str]
    about: str
    saving: Callable[[], Saving] = field(default=dict)
    stored: Callable[[Image.Image], Image.Image] = field(default=lambda image: image)

    @property
    def key(self) -> str:
        """Where it is uploaded to."""
        return f"incoming/{self.file}"

    def encoded(self, scale: float = 1.0) -> bytes:
        """The file. A smaller scale is for tests, which need the metadata and not the pixels."""
        size = (round(self.width * scale), round(self.height * scale))
        image = self.stored(self.scene(size))
        buffer = io.BytesIO()
        format_ = Image.registered_extensions()["." + self.file.rpartition(".")[2]]
        image.save(buffer, format_, **self.saving())
        return buffer.getvalue()


def _sideways(image: Image.Image) -> Image.Image:
    """As a phone held upright stores it: orientation 6 says to turn it back, clockwise."""
    return image.transpose(Transpose.ROTATE_90)


def _for_print(image: Image.Image) -> Image.Image:
    return image.convert("CMYK")


PHOTOS = (
    Photo(
        "lighthouse",
        "lighthouse.jpg",
        2268,
        3024,
        scenes.lighthouse,
        frozenset({"exif", "gps"}),
        "a phone's: stored sideways (EXIF orientation 6), with the place",
        lambda: {"quality": 90, "exif": exif(orientation=6, place=(54.434, 13.572))},
        _sideways,
    ),
    Photo(
        "sunset",
        "sunset.jpg",
        2400,
        1600,
        scenes.sunset,
        frozenset({"exif", "gps", "icc"}),
        "wide-gamut colours (Display P3)",
        lambda: {
            "quality": 92,
            "subsampling": 0,
            "icc_profile": display_p3(),
            "exif": exif(place=(46.8, 8.23)),
        },
    ),
    Photo(
        "dunes",
        "dunes.jpg",
        2048,
        1365,
        scenes.dunes,
        frozenset({"xmp", "comment"}),
        "progressive, edited: XMP and a comment",
        lambda: {
            "quality": 90,
            "progressive": True,
            "xmp": xmp("Five in the dunes"),
            "comment": b"call before publishing: +49 30 901820",
        },
    ),
    Photo(
        "balloons",
        "balloons.jpg",
        1600,
        1200,
        scenes.balloons,
        frozenset({"iptc"}),
        "CMYK, from a print shop, with IPTC",
        lambda: {"quality": 92, "extra": iptc_segment("Balloons over the hills")},
        _for_print,
    ),
    Photo(
        "orange",
        "orange.png",
        1200,
        1200,
        scenes.orange,
        frozenset({"text"}),
        "a cut-out with transparency, and text chunks",
        lambda: {"pnginfo": png_text(Author="Robin Example", Comment="draft, not paid for")},
    ),
    Photo(
        "aurora",
        "aurora.png",
        1600,
        1000,
        scenes.aurora,
        frozenset({"exif", "gps", "xmp"}),
        "PNG with EXIF, a place and XMP",
        lambda: {
            "exif": exif(place=(69.649, 18.956)),
            "pnginfo": png_text(with_xmp="Northern lights"),
        },
    ),
    Photo(
        "city",
        "city.webp",
        1920,
        1080,
        scenes.city,
        frozenset({"exif", "xmp"}),
        "WebP with EXIF and XMP",
        lambda: {"quality": 88, "exif": exif(), "xmp": xmp("Blue hour")},
    ),
    Photo(
        "poppy",
        "poppy.jpg",
        500,
        500,
        scenes.poppy,
        frozenset({"comment"}),
        "small, and must not be enlarged",
        lambda: {"quality": 90, "comment": b"taken in R. Example's garden"},
    ),
)
