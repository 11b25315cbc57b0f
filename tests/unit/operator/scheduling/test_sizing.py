"""How much memory an ImageJob may need."""

from __future__ import annotations

from typing import Any

import pytest
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.config.platform import MIB
from imagejob_operator.imagejob.resolve import Resolved
from imagejob_operator.scheduling.sizing import bytes_needed, size_of
from support.api_objects import PLATFORM, image_job, store
from support.resolving import resolve

SMALL = {"maxPixels": 4_000_000}
THUMB = {"name": "thumb", "width": 320, "height": 320, "fit": "cover"}


def resolved(job: ImageJob) -> Resolved:
    answer = resolve(job, None, {"uploads": store()}, PLATFORM)
    assert isinstance(answer, Resolved)
    return answer


@pytest.mark.parametrize(
    ("size", "spec"),
    [
        ("standard", {}),
        ("small", {"limits": SMALL}),
        ("small", {"limits": SMALL, "outputs": [THUMB]}),
        ("small", {"limits": {"maxPixels": 10_000_000}, "outputs": [THUMB]}),
        ("standard", {"limits": {"maxPixels": 20_000_000}, "outputs": [THUMB]}),
        ("standard", {"limits": SMALL, "outputs": [{"name": "full", "format": "avif"}]}),
    ],
)
def test_limits_and_outputs_say_what_it_may_need(size: str, spec: dict[str, Any]) -> None:
    job = image_job(**spec)

    assert size_of(job, resolved(job), PLATFORM) == size


def test_what_a_first_try_has_shown_counts_more_than_what_may_be() -> None:
    job = image_job(status={"source": {"width": 640, "height": 480, "frames": 1}})

    assert size_of(job, resolved(job), PLATFORM) == "small"


@pytest.mark.parametrize("frames", [{"frames": 1}, {}], ids=["one frame", "number unknown"])
def test_a_source_has_one_frame_unless_the_status_has_more(frames: dict[str, int]) -> None:
    job = image_job(status={"source": {"width": 2500, "height": 2000, **frames}})

    assert size_of(job, resolved(job), PLATFORM) == "small"


def test_who_had_too_little_gets_the_largest() -> None:
    failure = {
        "attempt": 1,
        "reason": "OutOfMemory",
        "message": "",
        "time": "2026-11-22T09:00:00Z",
        "worker": "ij-0",
    }
    job = image_job(limits=SMALL, status={"lastFailure": failure})

    assert size_of(job, resolved(job), PLATFORM) == "large"


def test_an_enlarged_output_may_be_larger_than_its_source() -> None:
    plain = {"name": "wide", "width": 8000}
    kept, enlarged = (
        bytes_needed(resolved(image_job(limits=SMALL, outputs=[each])).item, None)
        for each in (plain, {**plain, "enlarge": True})
    )

    assert enlarged - kept == (8000 * 8000 - 4_000_000) * 12


def test_a_pod_has_room_for_all_its_slots() -> None:
    memory = PLATFORM.memory_of("standard")

    assert memory.pod_bytes_for(1) == 1024 * MIB
    assert memory.pod_bytes_for(2) == (1024 + 768) * MIB
