"""Which worker has an ImageJob, which are running, and which keys a change enqueues."""

from __future__ import annotations

import msgspec
import pytest
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imagequota import (
    ImageQuota,
    ImageQuotaSpec,
    ImageQuotaStatus,
    QuotaLimit,
)
from imagejob_operator.cache.reconcile_key import (
    NamespaceKey,
    QuotaStatusKey,
    ReconcileKey,
    WatchedObject,
)
from imagejob_operator.imagejob.gather import gather
from imagejob_operator.kube.worker import WorkerJob
from support.api_objects import NOW, image_job, last_failure, pod, running, terminated, worker_job
from support.caches import RecordingCache

CAT, DOG = image_job("cat"), image_job("dog")
FAILED = image_job("cat", meta={"resourceVersion": "5"}, status=last_failure(1, worker="ij-1"))


def picture_of(*things: WatchedObject) -> RecordingCache:
    cache = RecordingCache()
    for thing in things:
        cache.upsert(thing)
    return cache


def touched(cache: RecordingCache) -> set[ReconcileKey]:
    """The enqueued keys."""
    return set(cache.drain())


def carrier(cache: RecordingCache, uid: str = "uid-cat") -> str | None:
    inputs = gather(cache, uid)
    assert inputs is not None
    return inputs.worker.job.metadata.name if inputs.worker else None


def test_a_worker_that_failed_carries_it_until_the_status_says_so() -> None:
    cache = picture_of(CAT, worker_job(CAT), pod(by=worker_job(CAT), state=terminated("", 1)))
    before = carrier(cache)

    cache.upsert(FAILED)

    assert before == "ij-1"
    assert carrier(cache) is None


def test_the_next_worker_carries_it_although_the_failed_one_is_still_there() -> None:
    cache = picture_of(FAILED, worker_job(CAT, name="ij-1"), worker_job(FAILED, name="ij-2"))

    assert carrier(cache) == "ij-2"


def test_of_two_failed_workers_neither_carries_it_again() -> None:
    twice = image_job("cat", status=last_failure(2, worker="ij-2"))
    first, second = worker_job(CAT, name="ij-1"), worker_job(FAILED, name="ij-2")

    cache = picture_of(twice, first, second)

    assert carrier(cache) is None
    assert not cache.worker_ends.is_needed(first)


NEEDS = {
    "it runs": ([CAT], True),
    "its failure is shown": ([FAILED], False),
    "one failed in it, and the other's status is to come": ([FAILED, DOG], True),
    "all have finished or gone": ([], False),
}


@pytest.mark.parametrize(("jobs", "needed"), NEEDS.values(), ids=NEEDS)
def test_whether_a_worker_is_needed(jobs: list[ImageJob], *, needed: bool) -> None:
    worker = worker_job(CAT, DOG)

    assert picture_of(*jobs, worker).worker_ends.is_needed(worker) is needed


def test_a_worker_is_enqueued_when_a_status_shows_how_it_failed() -> None:
    cache = picture_of(CAT, worker_job(CAT))
    touched(cache)

    cache.upsert(FAILED)

    assert touched(cache) == {"uid-cat", ("team-a", "ij-1")}


def in_team_b(worker: WorkerJob) -> WorkerJob:
    elsewhere = msgspec.structs.replace(worker.metadata, namespace="team-b")
    return WorkerJob(elsewhere, worker.spec)


def made_anew(worker: WorkerJob) -> WorkerJob:
    """Another Job under the same name."""
    meta = msgspec.structs.replace(worker.metadata, uid="uid-successor")
    return WorkerJob(meta, worker.spec)


def no_order(worker: WorkerJob) -> WorkerJob:
    """A Job with our labels, created by a tenant."""
    pod_spec = msgspec.structs.replace(worker.spec.template.spec, containers=())
    template = msgspec.structs.replace(worker.spec.template, spec=pod_spec)
    return WorkerJob(worker.metadata, msgspec.structs.replace(worker.spec, template=template))


ENDED = {"conditions": [{"type": "Failed", "status": "True"}]}
LIVE: dict[str, tuple[list[WatchedObject], bool]] = {
    "its pod is to come": ([worker_job(CAT)], True),
    "its pod runs": ([worker_job(CAT), pod(by=worker_job(CAT), state=running())], True),
    "its pod has ended": ([worker_job(CAT), pod(by=worker_job(CAT), state=terminated())], False),
    "it has given up": ([worker_job(CAT, status=ENDED)], False),
    "it has another namespace": ([in_team_b(worker_job(CAT))], False),
    "it has no order": ([no_order(worker_job(CAT))], False),
}


@pytest.mark.parametrize(("things", "is_live"), LIVE.values(), ids=LIVE)
def test_which_workers_take_a_place(things: list[WatchedObject], *, is_live: bool) -> None:
    workers = picture_of(CAT, *things).live_workers("team-a")

    assert [worker.job.metadata.name for worker in workers] == (["ij-1"] if is_live else [])


def test_a_worker_that_has_gone_takes_none() -> None:
    cache = picture_of(CAT, worker_job(CAT))
    at_work = cache.namespaces_with_workers()

    cache.remove(worker_job(CAT, version=11))

    assert at_work == ["team-a"]
    assert cache.namespaces_with_workers() == []
    assert cache.live_workers("team-a") == []


def test_a_job_that_was_replaced_under_its_name_carries_nothing() -> None:
    cache = picture_of(CAT, DOG, worker_job(CAT))

    cache.upsert(made_anew(worker_job(DOG, version=11)))

    assert (carrier(cache, "uid-cat"), carrier(cache, "uid-dog")) == (None, "ij-1")


def test_a_worker_that_went_before_its_container_ran_has_not_vanished() -> None:
    cache = picture_of(CAT, worker_job(CAT))

    cache.remove(worker_job(CAT, version=11))

    assert [cache.worker_ends.has_vanished(CAT, name) for name in ("ij-1", "ij-2")] == [False, True]


def test_of_two_workers_the_one_created_last_carries_it() -> None:
    first, last = worker_job(CAT, name="ij-2"), worker_job(CAT, creationTimestamp=NOW.isoformat())

    assert carrier(picture_of(CAT, first, last)) == "ij-1"


def test_a_worker_without_a_job_takes_a_place_until_its_pod_is_given_up() -> None:
    silent = pod(by=worker_job(CAT), state=running())
    cache = picture_of(worker_job(CAT), silent)
    cache.remove(worker_job(CAT, version=11))
    before = cache.live_workers("team-a")

    cache.give_up(silent)

    assert [worker.job.metadata.name for worker in before] == ["ij-1"]
    assert cache.live_workers("team-a") == []


def test_only_its_own_claim_is_released() -> None:
    shared = {"destination": {"prefix": "shared"}}
    cat, dog = image_job("cat", **shared), image_job("dog", **shared)
    cache = picture_of(cat, dog)
    cache.assume(cat, "ij-1")

    cache.forget(dog)

    inputs = gather(cache, "uid-dog")
    assert inputs is not None
    assert inputs.rival == "ij-1"


def test_a_quota_that_changes_has_its_namespace_looked_at() -> None:
    meta = msgspec.structs.replace(CAT.metadata, name="default", uid="uid-quota")
    quota = ImageQuota(meta, ImageQuotaSpec((QuotaLimit(50, "1h"),)))
    cache = RecordingCache()

    cache.upsert(quota)
    first = touched(cache)
    cache.upsert(quota)
    again = touched(cache)
    cache.remove(quota)
    lost = touched(cache)

    assert first == lost == {NamespaceKey("team-a"), QuotaStatusKey("team-a")}
    assert again == set()


def test_a_quota_of_another_spec_has_its_namespace_planned_and_one_of_another_status_has_not() -> (
    None
):
    meta = msgspec.structs.replace(CAT.metadata, name="default", uid="uid-quota")
    quota = ImageQuota(meta, ImageQuotaSpec((QuotaLimit(50, "1h"),)))
    written = msgspec.structs.replace(
        quota,
        metadata=msgspec.structs.replace(meta, resource_version="101"),
        status=ImageQuotaStatus(observed_generation=1),
    )
    raised = msgspec.structs.replace(
        written,
        metadata=msgspec.structs.replace(meta, resource_version="102"),
        spec=ImageQuotaSpec((QuotaLimit(60, "1h"),)),
    )
    cache = RecordingCache()
    cache.upsert(quota)
    touched(cache)

    cache.upsert(written)
    by_status = touched(cache)
    cache.upsert(raised)

    assert by_status == {QuotaStatusKey("team-a")}
    assert touched(cache) == {NamespaceKey("team-a"), QuotaStatusKey("team-a")}
