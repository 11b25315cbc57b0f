"""The same order makes the same bytes at any time: a second run rewrites what is there."""

from __future__ import annotations

import time
from pathlib import Path

from PIL import Image
from support import worker_process
from support.specimens import films, icc, jpeg, png, tiff, webp
from support.worker_process import Workplace

FORMATS = ("jpeg", "png", "webp", "avif")


def test_a_run_at_another_time_writes_the_same_bytes(tmp_path: Path) -> None:
    place, photo = Workplace(tmp_path / "pod"), Image.radial_gradient("L").convert("RGB")
    sources = {
        "jpeg": jpeg.stuffed(photo, icc.display_p3()),
        "png": png.stuffed(photo, icc.adobe_rgb()),
        "webp": webp.stuffed(photo, icc.display_p3()),
        "grey": tiff.encode(photo.convert("L"), profile=icc.grey()),
        "film": films.stuffed_gif([photo.resize((64, 64)).rotate(turn) for turn in (0, 90)], b""),
    }
    items = []
    for key, data in sources.items():
        place.put("box", key, data)
        outputs = [{"name": made, "format": made, "width": 120} for made in FORMATS]
        animated = [output | {"animated": True} for output in outputs]
        items.append(worker_process.item(key, animated if key == "film" else outputs))

    first = place.run(worker_process.order(items))
    second_of_the_first = int(time.time())
    while int(time.time()) == second_of_the_first:  # clocks in files count whole seconds
        pass
    again = place.run(worker_process.order(items, parallelism=2))

    assert [end and end.reason for end in first.ended] == ["Succeeded"] * len(items)
    assert [end and end.outputs for end in again.ended] == [
        end and end.outputs for end in first.ended
    ]
