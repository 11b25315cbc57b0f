"""An animation of which frames are missing: what is there is right, and the rest is said."""

from __future__ import annotations

import pytest
from imagejob_worker.contract.facts import Note
from imagejob_worker.contract.failures import ItemFailure
from support.pictures import Bench, opened, photo
from support.specimens.films import saved

FRAMES = [photo((48, 32), seed=seed) for seed in range(4)]
WHOLE = {
    "apng": saved(FRAMES, "PNG"),
    "gif": saved(FRAMES, "GIF"),
    "webp": saved(FRAMES, "WEBP"),
}
MOVING = {"animated": True, "format": "webp"}


@pytest.mark.parametrize("name", ["apng", "gif", "webp"])
class TestFrames:
    def test_those_that_nobody_asked_for_fail_nothing(self, bench: Bench, name: str) -> None:
        whole, data = WHOLE[name], WHOLE[name][: int(0.9 * len(WHOLE[name]))]

        processed = bench.process(data, {"format": "png"})

        assert opened(processed.outputs[0]).tobytes() == bench.picture(whole).tobytes()

    def test_those_that_are_asked_for_do(self, bench: Bench, name: str) -> None:
        data = WHOLE[name][: int(0.9 * len(WHOLE[name]))]

        with pytest.raises(ItemFailure) as caught:
            bench.process(data, MOVING)

        assert caught.value.reason == "CorruptImage"
        assert caught.value.message == "the frames from 4 on are missing or damaged"

    def test_the_whole_ones_are_shown_if_damage_is_accepted(self, bench: Bench, name: str) -> None:
        data = WHOLE[name][: int(0.9 * len(WHOLE[name]))]

        processed = bench.process(data, MOVING, limits={"damage": "Note"})

        assert opened(processed.outputs[0]).n_frames == 3  # type: ignore[attr-defined]
        assert processed.notes == Note.DAMAGED

    def test_without_its_end_an_animation_is_whole(self, bench: Bench, name: str) -> None:
        whole, cut = WHOLE[name], 12 if name == "apng" else 1
        data = (
            whole[:4] + (90).to_bytes(4, "little") + whole[8:] if name == "webp" else whole[:-cut]
        )

        processed = bench.process(data, MOVING)

        assert processed.notes == Note.NO_END
        assert opened(processed.outputs[0]).n_frames == len(FRAMES)  # type: ignore[attr-defined]
