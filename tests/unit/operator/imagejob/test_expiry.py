"""When a finished ImageJob is deleted."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from imagejob_operator.imagejob.expiry import expires_at, has_expired
from support.api_objects import NOW, image_job

FINISHED = NOW.replace(microsecond=0)
SUCCEEDED = {"phase": "Succeeded", "completionTime": FINISHED.isoformat()}
FAILED = {**SUCCEEDED, "phase": "Failed"}
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("status", "spec", "meta", "at"),
    [
        (SUCCEEDED, {"ttlSecondsAfterFinished": 60}, {}, FINISHED + 60 * SECOND),
        (FAILED, {"ttlSecondsAfterFinished": 60}, {}, FINISHED + 60 * SECOND),
        (SUCCEEDED, {"ttlSecondsAfterFinished": 0}, {}, FINISHED),
        (SUCCEEDED, {"ttlSecondsAfterFinished": 31_536_000}, {}, FINISHED + timedelta(days=365)),
        (SUCCEEDED, {}, {}, None),
        ({"phase": "Running"}, {"ttlSecondsAfterFinished": 0}, {}, None),
        ({**SUCCEEDED, "phase": "Queued"}, {"ttlSecondsAfterFinished": 0}, {}, None),
        ({}, {"ttlSecondsAfterFinished": 0}, {}, None),
        ({"phase": "Succeeded"}, {"ttlSecondsAfterFinished": 0}, {}, None),
        (SUCCEEDED, {"ttlSecondsAfterFinished": 0}, {"deletionTimestamp": NOW}, None),
    ],
    ids=[
        "succeeded",
        "failed",
        "at once",
        "the longest",
        "kept",
        "running",
        "not finished, whatever else it says",
        "not met yet",
        "nobody knows when it finished",
        "being deleted",
    ],
)
def test_it_expires(
    status: dict[str, Any], spec: dict[str, Any], meta: dict[str, Any], at: datetime | None
) -> None:
    job = image_job(status=status, meta=meta, **spec)

    assert expires_at(job) == at


@pytest.mark.parametrize(
    ("after", "expired"), [(timedelta(seconds=59.999), False), (60 * SECOND, True)], ids=str
)
def test_it_has_expired_from_then_on(after: timedelta, *, expired: bool) -> None:
    job = image_job(status=SUCCEEDED, ttlSecondsAfterFinished=60)

    assert has_expired(job, FINISHED + after) == expired


def test_what_is_kept_never_expires() -> None:
    assert not has_expired(image_job(status=SUCCEEDED), FINISHED + timedelta(days=3650))
