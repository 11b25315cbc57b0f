"""What Pillow's decoders know and don't say, of files that say it beforehand."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import pytest
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image import pillow_decoder
from imagejob_worker.image.pillow_decoder import JpegDecoder
from PIL.JpegImagePlugin import JpegImageFile
from support.pictures import Bench, encoded, photo

PHOTO = photo((200, 100))


def fed(data: bytes, scale: int = 1) -> JpegDecoder:
    file = JpegImageFile(io.BytesIO(data))
    if scale > 1:
        file.draft(None, (file.width // scale, file.height // scale))
    file.load_prepare()
    decoder = JpegDecoder(file)
    decoder.feed(data)
    return decoder


@pytest.mark.parametrize(
    ("options", "scans", "height", "restarts"),
    [
        ({"subsampling": 2}, 1, 16, 0),
        ({"subsampling": 1}, 1, 8, 0),
        ({"subsampling": 0}, 1, 8, 0),
        ({"progressive": True, "subsampling": 2}, 10, 16, 0),
        ({"subsampling": 0, "restart_marker_rows": 3}, 1, 8, 3),
        ({"subsampling": 2, "restart_marker_blocks": 14}, 1, 16, 2),
    ],
)
def test_a_whole_file(options: dict[str, Any], scans: int, height: int, restarts: int) -> None:
    decoder = fed(encoded(PHOTO, "JPEG", **options))

    assert decoder.finished
    assert (decoder.rows, decoder.height) == (100, 100)
    assert (decoder.warnings, decoder.skipped, decoder.scan) == (0, 0, scans)
    assert (decoder.mcu_height, decoder.mcu_row) == (height, -(-100 // height))
    assert decoder.restarts_after == restarts


@pytest.mark.parametrize("scale", [2, 4, 8])
def test_at_a_scale(scale: int) -> None:
    decoder = fed(encoded(PHOTO, "JPEG", subsampling=2), scale)

    assert (decoder.rows, decoder.mcu_height) == (-(-100 // scale), 16 // scale)


@pytest.mark.parametrize("count", [20, 30, 500])
def test_warnings_and_what_lies_before_the_end(count: int) -> None:
    data = encoded(PHOTO, "JPEG")

    decoder = fed(data[:-2] + bytes(count) + data[-2:])

    assert (decoder.finished, decoder.warnings) == (True, 1)
    assert count - 8 <= decoder.skipped <= count  # some are read ahead


STARVED = """
import io, resource, sys
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.image import pillow_decoder
from imagejob_worker.image.pillow_decoder import JpegDecoder
from PIL.JpegImagePlugin import JpegImageFile

data = sys.stdin.buffer.read()
file = JpegImageFile(io.BytesIO(data))
file.load_prepare()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 20), resource.RLIM_INFINITY))
decoder = JpegDecoder(file)
decoder.feed(data)
print(decoder.broken, decoder.out_of_memory)
"""


def test_a_lack_of_memory_is_told_from_damage() -> None:
    """libjpeg reports both as fatal errors. A progressive file needs memory for all of it."""
    data = encoded(photo((2000, 1000)), "JPEG", progressive=True)

    done = subprocess.run(
        [sys.executable, "-c", STARVED], input=data, capture_output=True, check=True
    )

    assert done.stdout == b"True True\n"


WHOLE = {"jpeg": encoded(PHOTO, "JPEG"), "png": encoded(PHOTO, "PNG")}


@pytest.mark.parametrize("name", ["jpeg", "png"])
def test_with_an_unknown_pillow_images_are_decoded_and_cut_ones_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    known = bench.shown(WHOLE[name])
    monkeypatch.setattr(pillow_decoder, "DECODER_BYTES", 152)

    assert bench.shown(WHOLE[name]) == known
    with pytest.raises(ItemFailure) as caught:
        bench.process(WHOLE[name][: len(WHOLE[name]) // 2], {})

    assert caught.value.reason == "CorruptImage"


@pytest.mark.parametrize("offset", ["DECODER_BYTES", "LIBJPEG_BYTES"])
def test_the_layout_is_checked(bench: Bench, monkeypatch: pytest.MonkeyPatch, offset: str) -> None:
    """Else it would be read at random."""
    damaged = WHOLE["jpeg"][:-200] + bytes(100) + WHOLE["jpeg"][-100:]
    with pytest.raises(ItemFailure):
        bench.process(damaged, {})
    monkeypatch.setattr(pillow_decoder, offset, 640)

    assert bench.process(damaged, {}).notes == 0
