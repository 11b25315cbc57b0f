"""When the pipeline reports that the source is decoded."""

from __future__ import annotations

import io
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from imagejob_worker.contract import order
from imagejob_worker.image import pipeline
from imagejob_worker.image.files import Files
from PIL import Image


def gif(frames: int) -> bytes:
    out = io.BytesIO()
    first, *others = (Image.new("RGB", (8, 8), (40 * i, 0, 0)) for i in range(frames))
    first.save(out, "GIF", save_all=True, append_images=others)
    return out.getvalue()


def said(source: bytes, folder: Path, *, animated: bool) -> list[list[str]]:
    """The outputs that had contents at each report."""
    place = folder / "source"
    place.write_bytes(source)
    outputs = folder / "outputs"
    outputs.mkdir()
    raw = {
        "uid": "u",
        "source": {"store": "s", "key": "k"},
        "destination": {"store": "s", "prefix": "p"},
        "outputs": [{"name": "a", "format": "webp", "animated": animated}],
        "limits": {"maxBytes": 10_000, "maxPixels": 10_000, "maxFrames": 10},
    }
    seen: list[list[str]] = []

    def see() -> None:
        seen.append([path.name for path in outputs.iterdir() if path.stat().st_size])

    item = msgspec.convert(raw, order.Item)
    with closing(Files(str(place), str(outputs), item.outputs)) as files:
        pipeline.process(files, item, ("gif",), see)
    return seen


@pytest.mark.parametrize("animated", [False, True])
def test_it_says_so_once_and_before_anything_is_written(tmp_path: Path, *, animated: bool) -> None:
    assert said(gif(3), tmp_path, animated=animated) == [[]]
