"""The uploads: photos of 3 MP, no two the same, made by the benchmark."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from imagebench.photos import QUALITY, photo
from PIL import Image, ImageChops

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SIZE = (2000, 1500)
STEP = 7
"""By how many pixels each is shifted against the one before. No multiple of a JPEG's blocks."""


def upload(client: Any, bucket: str, count: int, cache: Path) -> Sequence[str]:  # noqa: ANN401
    """Put `count` photos into a bucket, through a boto3 client; their names.

    They are one picture, kept in `cache`, moved a little further each time: as dense as the first,
    and made in no time.
    """
    names = [f"photo-{number:03}" for number in range(count)]
    with Image.open(photo(SIZE, cache)) as image:
        picture = image.convert("RGB")

    def put(number: int) -> None:
        key = f"incoming/{names[number]}.jpg"
        client.put_object(Bucket=bucket, Key=key, Body=_shifted(picture, number * STEP))

    with ThreadPoolExecutor() as workers:
        list(workers.map(put, range(count)))
    return names


def _shifted(picture: Image.Image, pixels: int) -> bytes:
    file = io.BytesIO()
    shifted = ImageChops.offset(picture, pixels, pixels)
    shifted.save(file, "JPEG", quality=QUALITY, subsampling="4:2:0")
    return file.getvalue()
