"""What schemathesis sends as an image: one, so that uploads get further than their first bytes."""

from __future__ import annotations

import io

import schemathesis
from hypothesis import strategies as st
from PIL import Image


def _image(kind: str, size: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (size, size), "red").save(file, kind)
    return file.getvalue()


FORMATS = ("jpeg", "png", "webp", "gif", "tiff")
IMAGES = {kind: st.sampled_from([_image(kind, size) for size in (1, 64)]) for kind in FORMATS}
ANY = st.one_of(*IMAGES.values())

for kind, images in IMAGES.items():
    schemathesis.openapi.media_type(f"image/{kind}", images)
for media_type in ("image/jpg", "image/avif", "application/octet-stream"):
    schemathesis.openapi.media_type(media_type, ANY)
schemathesis.openapi.format("binary", ANY)
