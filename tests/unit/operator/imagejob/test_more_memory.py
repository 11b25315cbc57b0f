"""A worker that finds that it has too little memory: what follows, and that it follows once."""

from __future__ import annotations

import msgspec
import pytest
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.reasons import Reason
from imagejob_operator.cache.last_failure import is_spent
from imagejob_operator.config.platform import MIB, Size
from imagejob_operator.imagejob.decide import JobHistory, WriteStatus, decide
from imagejob_operator.imagejob.evaluate import evaluate
from imagejob_operator.imagejob.inputs import JobState
from imagejob_operator.kube.worker import Worker
from imagejob_operator.scheduling.sizing import size_of
from support.api_objects import (
    DIGEST,
    NOW,
    PLATFORM,
    image_job,
    inputs,
    last_failure,
    needs,
    pod,
    report,
    store,
    terminated,
    worker_job,
)
from support.resolving import resolve

CAT = image_job(retries=0)


def worker(job: ImageJob, mebibytes: int, size: Size = "standard", others: int = 0) -> Worker:
    neighbours = [image_job(f"other-{index}") for index in range(others)]
    state = terminated(report(needs(mebibytes), *[None] * others))
    return Worker(worker_job(job, *neighbours, size=size), pod(state=state))


def known(job: ImageJob, mebibytes: int) -> ImageJob:
    """The same, as its status shows it after the first worker."""
    status = msgspec.structs.replace(job.status, memory_bytes=mebibytes * MIB)
    return msgspec.structs.replace(job, status=status)


def state_of(job: ImageJob, of: Worker) -> JobState:
    return evaluate(inputs(job, of), PLATFORM, NOW)


@pytest.mark.parametrize("others", [0, 2])
def test_another_worker_follows_at_no_cost_even_without_retries(others: int) -> None:
    state = state_of(CAT, worker(CAT, 1264, others=others))

    assert (state.phase, state.reason) == ("Queued", Reason.NEEDS_MEMORY)
    assert state.memory_bytes == 1264 * MIB
    assert (state.failure, state.queue) == (None, None)
    assert state.message == (
        "by its header it takes 1.2 GiB of memory, and its worker had less; another worker follows"
    )


@pytest.mark.parametrize(
    ("mebibytes", "had", "gets"),
    [
        (300, "small", "standard"),
        (768, "small", "standard"),
        (769, "small", "large"),
        (769, "standard", "large"),
        (2816, "standard", "large"),
    ],
)
def test_the_next_worker_is_of_the_smallest_size_that_is_enough(
    mebibytes: int, had: Size, gets: Size
) -> None:
    assert state_of(CAT, worker(CAT, mebibytes, had)).phase == "Queued"

    job = known(CAT, mebibytes)
    resolved = resolve(job, None, {"uploads": store()}, PLATFORM)

    assert size_of(job, resolved, PLATFORM) == gets  # type: ignore[arg-type]
    assert resolved.item.memory_bytes == mebibytes * MIB  # type: ignore[union-attr]


def test_an_attempt_that_fails_later_leaves_the_size() -> None:
    job = known(image_job(status=last_failure(1, "StorageUnavailable")), 1264)
    resolved = resolve(job, None, {"uploads": store()}, PLATFORM)

    assert size_of(job, resolved, PLATFORM) == "large"  # type: ignore[arg-type]


TOO_MUCH = {
    "more than the largest has": (CAT, worker(CAT, 2817)),
    "more than anything has": (CAT, worker(CAT, 1 << 27)),
    "and its worker was the largest": (CAT, worker(CAT, 2000, "large")),
    "once more": (known(CAT, 500), worker(known(CAT, 500), 900, "standard")),
    "the same once more": (known(CAT, 500), worker(known(CAT, 500), 500, "standard")),
}


@pytest.mark.parametrize(("job", "of"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_what_no_other_worker_can_cure_is_too_large(job: ImageJob, of: Worker) -> None:
    state = state_of(job, of)

    assert (state.phase, state.reason) == ("Failed", Reason.TOO_LARGE)
    assert "more than its worker had; the largest worker has 2.8 GiB" in state.message


def written(job: ImageJob, of: Worker) -> ImageJob:
    """The ImageJob with the status that the operator writes once the state has settled."""
    before = inputs(job, of)
    history = decide(before, JobHistory(), PLATFORM, NOW).history
    decision = decide(before, history, PLATFORM, NOW + PLATFORM.timings.settle)
    assert isinstance(decision.action, WriteStatus)
    return msgspec.structs.replace(job, status=decision.action.status)


def test_the_status_pins_the_source_and_has_done_with_the_worker() -> None:
    of = worker(CAT, 1264)

    after = written(CAT, of)

    assert not is_spent(of.job, CAT)
    assert is_spent(of.job, after)
    assert after.status.source
    assert after.status.source.sha256 == DIGEST.hex()
    assert after.status.memory_bytes == 1264 * MIB
    assert not is_spent(worker_job(after, size="large"), after)


def test_an_operator_that_starts_before_the_status_is_written_decides_the_same() -> None:
    of = worker(CAT, 1264)

    assert state_of(CAT, of) == state_of(CAT, of)
    assert written(CAT, of).status == written(CAT, of).status


def test_it_waits_for_a_worker_as_any_other_then() -> None:
    after = written(CAT, worker(CAT, 1264))

    assert evaluate(inputs(after), PLATFORM, NOW).waits_for == "worker"
