"""Sound images of each format with bytes changed at seeded places: a small, repeatable fuzzer."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

from support.specimens import avif, gif, jpeg, png, tiff, webp

from .case import CORRUPT, SAFE, TOO_LARGE, UNSUPPORTED, Hostile, hostile, picture

SEEDS = range(6)
HEADER = 64


def _flipped(plain: Callable[[], bytes], seed: int) -> bytes:
    """Odd seeds change 3 bytes of the header, even ones 8 bytes anywhere; the signature stays."""
    data = bytearray(plain())
    rng = random.Random(seed)
    first, last, count = (12, HEADER, 3) if seed % 2 else (12, len(data), 8)
    for _ in range(count):
        data[rng.randrange(first, last)] ^= rng.randrange(1, 256)
    return bytes(data)


def cases() -> list[Hostile]:
    sources: dict[str, Callable[[], bytes]] = {
        "jpeg": partial(jpeg.encode, picture()),
        "jpeg-progressive": partial(jpeg.encode, picture(), progressive=True),
        "png": partial(png.encode, picture()),
        "webp": partial(webp.encode, picture()),
        "webp-lossy": partial(webp.encode, picture(), lossless=False),
        "avif": partial(avif.encode, picture()),
        "gif": partial(gif.encode, picture()),
        "tiff": partial(tiff.encode, picture()),
    }
    return [
        hostile(
            f"flipped-{name}-{seed}",
            partial(_flipped, plain, seed),
            CORRUPT,
            SAFE,
            TOO_LARGE,
            UNSUPPORTED,
        )
        for name, plain in sources.items()
        for seed in SEEDS
    ]
