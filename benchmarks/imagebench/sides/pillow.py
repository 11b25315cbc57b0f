"""Pillow's own `Image.thumbnail`, as its manual shows it."""

from __future__ import annotations

import PIL
from PIL import Image, features
from serve import Task, serve


def make(task: Task) -> list[str]:
    (width,) = task.widths
    path = f"{task.folder}/{width}.jpg"
    with Image.open(task.source) as image:
        image.thumbnail((width, width))
        image.save(path, quality=task.quality, optimize=True, subsampling="4:2:0", exif=b"")
    return [path]


if __name__ == "__main__":
    serve(
        {"Pillow": PIL.__version__, "libjpeg_turbo": str(features.version("libjpeg_turbo"))}, make
    )
