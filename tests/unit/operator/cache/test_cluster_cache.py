"""Messages that come late, twice or out of order, and what they must not cause."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.imagejob.gather import gather
from imagejob_operator.kube.reader import Unreadable
from imagejob_operator.quota.wait_queue import in_order
from support.api_objects import image_job, pod, profile, running, store, terminated, worker_job
from support.caches import RecordingCache

CAT, DOG = image_job("cat"), image_job("dog")


def newer(job: ImageJob, version: int, **status: Any) -> ImageJob:
    """The same ImageJob some writes later."""
    meta = msgspec.structs.replace(job.metadata, resource_version=str(version))
    changed = msgspec.convert({**msgspec.to_builtins(job.status), **status}, type(job.status))
    return msgspec.structs.replace(job, metadata=meta, status=changed)


def touched(cache: RecordingCache) -> list[str | tuple[str, str]]:
    """The enqueued keys."""
    return cache.drain()


def test_a_late_message_is_ignored() -> None:
    cache = RecordingCache()
    cache.upsert(newer(CAT, 5))
    touched(cache)

    cache.upsert(newer(CAT, 4, phase="Running"))

    inputs = gather(cache, "uid-cat")
    assert inputs is not None
    assert inputs.job.status.phase is None
    assert touched(cache) == []


def test_versions_are_numbers() -> None:
    cache = RecordingCache()
    cache.upsert(newer(CAT, 9))

    cache.upsert(newer(CAT, 10, phase="Running"))

    inputs = gather(cache, "uid-cat")
    assert inputs is not None
    assert inputs.job.status.phase == "Running"


def test_a_finished_image_job_is_not_brought_back_by_a_late_message() -> None:
    cache = RecordingCache()
    cache.upsert(newer(CAT, 1))

    cache.upsert(newer(CAT, 5, phase="Succeeded"))
    cache.upsert(newer(CAT, 4, phase="Running"))

    assert gather(cache, "uid-cat") is None
    assert cache.jobs.has_left("uid-cat")


def test_an_image_job_that_leaves_is_enqueued_once_more() -> None:
    cache = RecordingCache()
    cache.upsert(newer(CAT, 1))
    touched(cache)

    cache.upsert(newer(CAT, 2, phase="Failed"))

    assert touched(cache) == ["uid-cat"]


def test_what_left_long_ago_is_forgotten() -> None:
    cache = RecordingCache()
    for job, left_at in ((CAT, 3), (DOG, 8)):
        cache.upsert(newer(job, 1))
        cache.remove(newer(job, left_at))

    cache.jobs.forget_left(before=5)

    assert [cache.jobs.has_left(uid) for uid in ("uid-cat", "uid-dog")] == [False, True]


def test_a_name_used_again_is_another_image_job() -> None:
    cache = RecordingCache()
    cache.upsert(newer(CAT, 1))
    successor = msgspec.structs.replace(
        CAT, metadata=msgspec.structs.replace(CAT.metadata, uid="uid-2", resource_version="9")
    )

    cache.upsert(successor)
    cache.remove(newer(CAT, 8))

    assert gather(cache, "uid-cat") is None
    assert gather(cache, "uid-2") is not None


def test_what_changes_for_a_namespace_touches_its_image_jobs() -> None:
    for change in (store(), profile()):
        cache = RecordingCache()
        cache.upsert(CAT)
        touched(cache)

        cache.upsert(change)

        assert touched(cache) == ["uid-cat"]


def test_a_pod_touches_the_image_jobs_of_its_worker() -> None:
    cache = RecordingCache()
    cache.upsert(CAT)
    cache.upsert(worker_job(CAT))
    touched(cache)

    cache.upsert(pod(by=worker_job(CAT), state=running()))

    assert touched(cache) == [("team-a", "ij-1"), "uid-cat"]
    inputs = gather(cache, "uid-cat")
    assert inputs is not None
    assert inputs.worker is not None
    assert inputs.worker.pod is not None


def test_a_worker_that_may_still_write_is_a_rival_for_its_destination() -> None:
    shared = {"destination": {"prefix": "shared"}}
    cat, dog = image_job("cat", **shared), image_job("dog", **shared)
    cache = RecordingCache()
    for thing in (cat, dog, worker_job(cat)):
        cache.upsert(thing)
    rivals = [rival(cache, "uid-dog"), rival(cache, "uid-cat")]
    touched(cache)

    cache.upsert(pod(by=worker_job(cat), state=terminated()))

    assert rivals == ["ij-1", None]
    assert rival(cache, "uid-dog") is None
    assert "uid-dog" in touched(cache)


def test_a_destination_is_taken_before_the_worker_exists() -> None:
    shared = {"destination": {"prefix": "shared"}}
    cat, dog = image_job("cat", **shared), image_job("dog", **shared)
    cache = RecordingCache()
    cache.upsert(cat)
    cache.upsert(dog)

    cache.assume(cat, "ij-1")
    claimed = [rival(cache, "uid-dog"), rival(cache, "uid-cat")]
    touched(cache)
    cache.forget(cat)

    assert claimed == ["ij-1", None]
    assert rival(cache, "uid-dog") is None
    assert "uid-dog" in touched(cache)


def test_a_worker_of_another_namespace_carries_nothing() -> None:
    forged = worker_job(CAT)
    elsewhere = msgspec.structs.replace(forged.metadata, namespace="team-b")
    cache = RecordingCache()
    cache.upsert(CAT)

    cache.upsert(type(forged)(elsewhere, forged.spec))

    inputs = gather(cache, "uid-cat")
    assert inputs is not None
    assert inputs.worker is None


def test_of_two_workers_the_one_that_stays_counts() -> None:
    cache = RecordingCache()
    for thing in (
        CAT,
        worker_job(CAT, name="ij-1", deletionTimestamp="2026-11-22T10:00:00Z"),
        worker_job(CAT, name="ij-2"),
    ):
        cache.upsert(thing)

    inputs = gather(cache, "uid-cat")

    assert inputs is not None
    assert inputs.worker is not None
    assert inputs.worker.job.metadata.name == "ij-2"


def test_what_a_list_lacks_is_named_unless_it_is_newer() -> None:
    cache = RecordingCache()
    cache.upsert(newer(CAT, 3))
    cache.upsert(newer(DOG, 8))

    absent = cache.jobs.absent_from(set(), as_of=5)

    assert [job.metadata.name for job in absent] == ["cat"]


def test_another_worker_of_an_image_job_is_its_rival_wherever_it_writes() -> None:
    elsewhere = image_job("cat", destination={"prefix": "elsewhere"})
    cache = RecordingCache()
    for thing in (
        image_job("cat"),
        worker_job(elsewhere),
        worker_job(image_job("cat"), name="ij-2"),
    ):
        cache.upsert(thing)

    assert rival(cache, "uid-cat") == "ij-1"


def rival(cache: RecordingCache, uid: str) -> str | None:
    inputs = gather(cache, uid)
    assert inputs is not None
    return inputs.rival


MANY = [image_job(f"photo-{number}", priority=number % 7) for number in range(100)]
IN_ORDER = [each.metadata.uid for each in in_order(MANY)]


def unreadable_quota(version: int = 50) -> Unreadable:
    return Unreadable("imagequotas", "ImageQuota", "team-a", "default", "u", version, "it is newer")


@pytest.mark.parametrize("waited_for", ["its store", "a quota that could not be read"])
def test_all_that_waited_are_reconciled_in_the_order_in_which_they_continue(
    waited_for: str,
) -> None:
    cache = RecordingCache()
    for each in MANY:
        cache.upsert(each)
    cache.upsert(unreadable_quota())
    touched(cache)

    if waited_for == "its store":
        cache.upsert(store())
    else:
        cache.unreadable.drop("imagequotas", "team-a", "default")

    assert [key for key in touched(cache) if isinstance(key, str)] == IN_ORDER


def test_so_are_those_that_waited_for_a_destination() -> None:
    shared = {"destination": {"prefix": "shared"}}
    jobs = [image_job(f"photo-{number}", priority=number % 7, **shared) for number in range(100)]
    worker = worker_job(jobs[50])
    cache = RecordingCache()
    for each in (store(), worker, *jobs):
        cache.upsert(each)
    touched(cache)

    cache.remove(worker)

    expected = [each.metadata.uid for each in in_order(jobs)]
    assert [key for key in touched(cache) if isinstance(key, str)] == expected
