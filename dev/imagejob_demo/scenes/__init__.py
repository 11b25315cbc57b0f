"""Eight images that look like photos, painted from seeded noise: the same ones every time.

A scene is a function of the size alone. It paints sRGB; what is written into the file beside the
pixels is told elsewhere (uploads.py).
"""

from __future__ import annotations

from collections.abc import Callable

from PIL import Image

from imagejob_demo.scenes.coast import dunes, lighthouse
from imagejob_demo.scenes.night import aurora, city
from imagejob_demo.scenes.sky import balloons, sunset
from imagejob_demo.scenes.still import orange, poppy

Scene = Callable[[tuple[int, int]], Image.Image]

__all__ = [
    "Scene",
    "aurora",
    "balloons",
    "city",
    "dunes",
    "lighthouse",
    "orange",
    "poppy",
    "sunset",
]
