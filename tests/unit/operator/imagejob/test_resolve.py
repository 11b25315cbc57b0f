"""The task of an attempt: the ImageJob, with all its references resolved."""

from __future__ import annotations

from typing import Any

import pytest
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.api.reasons import Reason
from imagejob_operator.contract.order import OrderItem
from imagejob_operator.imagejob.resolve import Held, Refused, Resolved
from support.api_objects import PLATFORM, image_job, last_failure, profile, store
from support.resolving import resolve


def item(job: ImageJob, of: ImageProfile | None = None) -> OrderItem:
    answer = resolve(job, of, {"uploads": store()}, PLATFORM)
    assert isinstance(answer, Resolved)
    return answer.item


def test_limits_can_be_lowered_and_not_raised() -> None:
    limits: dict[str, Any] = {"maxBytes": "1Mi", "maxPixels": 900_000_000}

    told = item(image_job(limits=limits, timeoutSeconds=9))

    assert told.limits.max_bytes == 1024 * 1024
    assert told.limits.max_pixels == PLATFORM.limits.max_pixels
    assert told.timeout_seconds == 9


def test_damage_is_refused_unless_the_job_accepts_it() -> None:
    jobs = [image_job(), image_job(limits={}), image_job(limits={"damage": "Note"})]

    assert [item(job).limits.damage for job in jobs] == ["Refuse", "Refuse", "Note"]


def test_attempts_are_numbered_after_those_that_counted() -> None:
    jobs = [image_job(), *(image_job(status=last_failure(attempt)) for attempt in (0, 1, 3))]

    assert [item(job).attempt for job in jobs] == [1, 1, 2, 4]


def test_a_profile_is_recorded_as_it_was() -> None:
    told = item(image_job(profileRef={"name": "web"}), profile())

    assert told.profile is not None
    assert told.profile.name == "web"
    assert told.profile.digest.startswith("sha256:")
    assert [output.max_bytes for output in told.outputs] == [None, 300 * 1024]


def opened_by(account: str, bucket: str = "bucket", **more: Any) -> dict[str, Any]:
    return {
        "endpoint": "https://s3.test",
        "bucket": bucket,
        "credentials": {"serviceAccountName": account},
        **more,
    }


ITS_OWN_OUTPUT = {"storeRef": {"name": "uploads"}, "key": "derived/cat/thumb.webp"}
OVERWRITTEN = Refused(
    Reason.INVALID_SPEC, 'output "thumb" would overwrite the source, derived/cat/thumb.webp'
)
OBSTACLES = {
    "two stores, two service accounts": (
        image_job(destination={"storeRef": {"name": "b"}}),
        {
            "uploads": store(s3=opened_by("reader")),
            "b": store("b", s3=opened_by("writer")),
        },
        Held(
            Reason.WORKER_REFUSED,
            "a pod has one service account, but the stores name two: reader, writer",
        ),
    ),
    "a profile's output would overwrite the source": (
        image_job(source=ITS_OWN_OUTPUT, profileRef={"name": "web"}),
        {"uploads": store()},
        OVERWRITTEN,
    ),
    "an output would overwrite the source through another store": (
        image_job(
            source=ITS_OWN_OUTPUT, destination={"storeRef": {"name": "below"}, "prefix": "cat"}
        ),
        {
            "uploads": store(s3=opened_by("uploader", "team-a")),
            "below": store("below", s3=opened_by("uploader", "team-a", prefix="derived")),
        },
        OVERWRITTEN,
    ),
}


@pytest.mark.parametrize(("job", "stores", "expected"), OBSTACLES.values(), ids=OBSTACLES)
def test_what_can_t_run_as_it_is(
    job: ImageJob, stores: dict[str, ImageStore], expected: Held | Refused
) -> None:
    assert resolve(job, profile(), stores, PLATFORM) == expected
