"""What decoders take beside their pixels."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from imagejob_worker.image.steps.reader import reader_of
from support.pictures import encoded, photo


@pytest.mark.parametrize("frames", [1, 3])
def test_avif_is_decoded_in_this_thread(tmp_path: Path, frames: int) -> None:
    """Else it takes one for each CPU, and its memory depends on the node."""
    first, *others = (photo((640, 480), seed=seed) for seed in range(frames))
    path = tmp_path / "source"
    path.write_bytes(encoded(first, "AVIF", save_all=True, append_images=others))
    before = psutil.Process().num_threads()

    with path.open("rb") as stored:
        file = reader_of("avif")(stored)
        file.load()

        assert psutil.Process().num_threads() == before
