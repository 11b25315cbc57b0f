"""WebP animations at random: blending or not, cleared or not, with and without the alpha flag."""

from __future__ import annotations

import io
import struct
from random import Random

from PIL import Image

from support.specimens import webp

from .film import Film, Frame, Pixel


def make(random: Random) -> tuple[bytes, Film]:
    """A WebP file, and the film that it holds. libwebp encodes each picture, without loss."""
    width, height = random.randint(2, 14), random.randint(2, 14)
    declared, plays = random.random() < 0.7, random.choice([0, 1, 4])
    alphas = [[255], [0, 255], *([[0, 60, 128, 200, 255]] if declared else [])]
    frames = [_frame(random, width, height, alphas) for _ in range(random.randint(2, 6))]
    flags = webp.ANIMATION_FLAG | (webp.ALPHA_FLAG if declared else 0)
    background = bytes(random.randrange(256) for _ in range(4))
    data = webp.assemble(
        webp.extended_header(width, height, flags),
        webp.chunk(b"ANIM", background + struct.pack("<H", plays)),
        *(_chunk(frame) for frame in frames),
    )
    features = {"alpha declared" if declared else "alpha undeclared"}
    for frame in frames:
        features |= {"blend" if frame.over else "no blend", f"disposal {frame.disposal}"}
        whole = (frame.width, frame.height) == (width, height)
        features |= {"frame of the canvas" if whole else "part of the canvas"}
    return data, Film(width, height, frames, plays, None, frozenset(features))


def _frame(random: Random, width: int, height: int, alphas: list[list[int]]) -> Frame:
    left, top = 2 * random.randrange((width + 1) // 2), 2 * random.randrange((height + 1) // 2)
    size = random.randint(1, width - left), random.randint(1, height - top)
    if random.random() < 0.2:
        left, top, size = 0, 0, (width, height)
    few = random.choice(alphas)
    pixels: list[Pixel] = [
        (random.randrange(256), random.randrange(256), random.randrange(256), random.choice(few))
        for _ in range(size[0] * size[1])
    ]
    shown = random.choice([0, 5, 20, 100])
    disposal = "background" if random.random() < 0.4 else "none"
    return Frame(left, top, *size, pixels, shown, disposal, over=random.random() < 0.6)


def _chunk(frame: Frame) -> bytes:
    numbers = (
        frame.left // 2,
        frame.top // 2,
        frame.width - 1,
        frame.height - 1,
        frame.milliseconds,
    )
    head = b"".join(struct.pack("<I", number)[:3] for number in numbers)
    flags = (0 if frame.over else 2) | (frame.disposal == "background")
    image = Image.frombytes("RGBA", (frame.width, frame.height), b"".join(map(bytes, frame.pixels)))
    file = io.BytesIO()
    image.save(file, "WEBP", lossless=True, exact=True)
    pictures = [
        webp.chunk(kind, data) for kind, data in webp.chunks(file.getvalue()) if kind == b"VP8L"
    ]
    return webp.chunk(b"ANMF", head + bytes((flags,)) + b"".join(pictures))
