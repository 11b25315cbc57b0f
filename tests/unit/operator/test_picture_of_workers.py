"""Which worker has an ImageJob, which are at work, and what is looked at when that changes."""

from __future__ import annotations

import msgspec
import pytest
from api_objects import image_job, last_failure, pod, running, terminated, worker_job
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imagequota import ImageQuota, ImageQuotaSpec, QuotaLimit
from imagejob_operator.cache.cluster_cache import Picture
from imagejob_operator.cache.reconcile_key import QuotaOf, Subject, Tenancy, Thing
from imagejob_operator.imagejob.gather import gather
from imagejob_operator.kube.worker import WorkerJob

CAT, DOG = image_job("cat"), image_job("dog")
FAILED = image_job("cat", meta={"resourceVersion": "5"}, status=last_failure(1, worker="ij-1"))


def picture_of(*things: Thing) -> Picture:
    picture = Picture()
    for thing in things:
        picture.see(thing)
    return picture


def touched(picture: Picture) -> set[Subject]:
    """All that wants a look, taken."""
    found = set()
    while (subject := picture.next_touched()) is not None:
        found.add(subject)
    return found


def carrier(picture: Picture, uid: str = "uid-cat") -> str | None:
    situation = gather(picture, uid)
    assert situation is not None
    return situation.worker.job.metadata.name if situation.worker else None


def test_a_worker_that_failed_carries_it_until_the_status_says_so() -> None:
    picture = picture_of(CAT, worker_job(CAT), pod(by=worker_job(CAT), state=terminated("", 1)))
    before = carrier(picture)

    picture.see(FAILED)

    assert before == "ij-1"
    assert carrier(picture) is None


def test_the_next_worker_carries_it_although_the_failed_one_is_still_there() -> None:
    picture = picture_of(FAILED, worker_job(CAT, name="ij-1"), worker_job(FAILED, name="ij-2"))

    assert carrier(picture) == "ij-2"


def test_of_two_failed_workers_neither_carries_it_again() -> None:
    twice = image_job("cat", status=last_failure(2, worker="ij-2"))
    first, second = worker_job(CAT, name="ij-1"), worker_job(FAILED, name="ij-2")

    picture = picture_of(twice, first, second)

    assert carrier(picture) is None
    assert not picture.is_needed(first)


NEEDS = {
    "it runs": ([CAT], True),
    "its failure is shown": ([FAILED], False),
    "one failed in it, and the other's status is to come": ([FAILED, DOG], True),
    "all have finished or gone": ([], False),
}


@pytest.mark.parametrize(("jobs", "needed"), NEEDS.values(), ids=NEEDS)
def test_whether_a_worker_is_needed(jobs: list[ImageJob], *, needed: bool) -> None:
    worker = worker_job(CAT, DOG)

    assert picture_of(*jobs, worker).is_needed(worker) is needed


def test_a_worker_is_looked_at_when_a_status_tells_how_it_failed() -> None:
    picture = picture_of(CAT, worker_job(CAT))
    touched(picture)

    picture.see(FAILED)

    assert touched(picture) == {"uid-cat", ("team-a", "ij-1")}


def in_team_b(worker: WorkerJob) -> WorkerJob:
    elsewhere = msgspec.structs.replace(worker.metadata, namespace="team-b")
    return WorkerJob(elsewhere, worker.spec)


def no_order(worker: WorkerJob) -> WorkerJob:
    """A Job with our labels that a tenant has made."""
    pod_spec = msgspec.structs.replace(worker.spec.template.spec, containers=())
    template = msgspec.structs.replace(worker.spec.template, spec=pod_spec)
    return WorkerJob(worker.metadata, msgspec.structs.replace(worker.spec, template=template))


ENDED = {"conditions": [{"type": "Failed", "status": "True"}]}
LIVE: dict[str, tuple[list[Thing], bool]] = {
    "its pod is to come": ([worker_job(CAT)], True),
    "its pod runs": ([worker_job(CAT), pod(by=worker_job(CAT), state=running())], True),
    "its pod has ended": ([worker_job(CAT), pod(by=worker_job(CAT), state=terminated())], False),
    "it has given up": ([worker_job(CAT, status=ENDED)], False),
    "it has another namespace": ([in_team_b(worker_job(CAT))], False),
    "it has no order": ([no_order(worker_job(CAT))], False),
}


@pytest.mark.parametrize(("things", "is_live"), LIVE.values(), ids=LIVE)
def test_which_workers_take_a_place(things: list[Thing], *, is_live: bool) -> None:
    workers = picture_of(CAT, *things).live_workers("team-a")

    assert [worker.job.metadata.name for worker in workers] == (["ij-1"] if is_live else [])


def test_a_worker_that_has_gone_takes_none() -> None:
    picture = picture_of(CAT, worker_job(CAT))
    at_work = picture.namespaces_with_workers()

    picture.lose(worker_job(CAT, version=11))

    assert at_work == ["team-a"]
    assert picture.namespaces_with_workers() == []
    assert picture.live_workers("team-a") == []


def test_only_its_own_claim_is_released() -> None:
    shared = {"destination": {"prefix": "shared"}}
    cat, dog = image_job("cat", **shared), image_job("dog", **shared)
    picture = picture_of(cat, dog)
    picture.claim(cat, "ij-1")

    picture.release(dog)

    situation = gather(picture, "uid-dog")
    assert situation is not None
    assert situation.rival == "ij-1"


def test_a_quota_that_changes_has_its_namespace_looked_at() -> None:
    meta = msgspec.structs.replace(CAT.metadata, name="default", uid="uid-quota")
    quota = ImageQuota(meta, ImageQuotaSpec((QuotaLimit(50, "1h"),)))
    picture = Picture()

    picture.see(quota)
    first = touched(picture)
    picture.see(quota)
    again = touched(picture)
    picture.lose(quota)
    lost = touched(picture)

    assert first == lost == {Tenancy("team-a"), QuotaOf("team-a")}
    assert again == set()
