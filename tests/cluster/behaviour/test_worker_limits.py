"""An ImageQuota limits how long the namespace's ImageJobs may keep a worker, whatever they ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.dripping import Hog, drip
from support.s3_stores import Stub, serving
from support.tenant import reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client

pytestmark = [pytest.mark.laptop, pytest.mark.usefixtures("operator")]  # a store on this machine

SECONDS = 90.0  # a store that is too slow fails after 30 s
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "the time of an attempt": ({"maxTimeoutSeconds": 5}, "TimedOut"),
    "the rate of a store": ({"minBytesPerSecond": "64Ki"}, "StorageUnavailable"),
}


@pytest.fixture
def hog(cluster: Client, namespace: str) -> Iterator[Hog]:
    """Its ImageJobs ask for an hour and ten retries, from a store that would take 20 minutes."""
    with serving(Stub(drip)) as stub:
        hog = Hog(cluster, namespace, stub)
        hog.open()
        yield hog


@pytest.mark.parametrize(("limits", "expected"), CASES.values(), ids=CASES)
def test_a_quota_ends_what_would_keep_a_worker_for_long(
    hog: Hog, limits: dict[str, Any], expected: str
) -> None:
    hog.quota("50/1h", workerLimits={"maxRetries": 0, **limits})
    hog.begin(1)

    ended = hog.wait_finished("drip-0", SECONDS)

    assert (ended["phase"], reason(ended), ended["attempts"]) == ("Failed", expected, 1)
    lowered = {note.partition(" ")[0] for note in ended["notes"]}
    assert lowered == {"timeoutSeconds", "retries"}
    hog.wait_for_no_workers()
