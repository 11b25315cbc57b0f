"""Messages that come late, twice or out of order, and what they must not do."""

from __future__ import annotations

from typing import Any

import msgspec
from api_objects import image_job, pod, profile, running, store, terminated, worker_job
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import Picture
from imagejob_operator.imagejob.gather import gather

CAT, DOG = image_job("cat"), image_job("dog")


def newer(job: ImageJob, version: int, **status: Any) -> ImageJob:
    """The same ImageJob some writes later."""
    meta = msgspec.structs.replace(job.metadata, resource_version=str(version))
    changed = msgspec.convert({**msgspec.to_builtins(job.status), **status}, type(job.status))
    return msgspec.structs.replace(job, metadata=meta, status=changed)


def touched(picture: Picture) -> list[str | tuple[str, str]]:
    """All that wants a look, taken."""
    found = []
    while (subject := picture.next_touched()) is not None:
        found.append(subject)
    return found


def test_a_late_message_is_ignored() -> None:
    picture = Picture()
    picture.see(newer(CAT, 5))
    touched(picture)

    picture.see(newer(CAT, 4, phase="Running"))

    situation = gather(picture, "uid-cat")
    assert situation is not None
    assert situation.job.status.phase is None
    assert touched(picture) == []


def test_versions_are_numbers() -> None:
    picture = Picture()
    picture.see(newer(CAT, 9))

    picture.see(newer(CAT, 10, phase="Running"))

    situation = gather(picture, "uid-cat")
    assert situation is not None
    assert situation.job.status.phase == "Running"


def test_a_finished_image_job_is_not_brought_back_by_a_late_message() -> None:
    picture = Picture()
    picture.see(newer(CAT, 1))

    picture.see(newer(CAT, 5, phase="Succeeded"))
    picture.see(newer(CAT, 4, phase="Running"))

    assert gather(picture, "uid-cat") is None
    assert picture.jobs.has_left("uid-cat")


def test_an_image_job_that_leaves_is_looked_at_once_more() -> None:
    picture = Picture()
    picture.see(newer(CAT, 1))
    touched(picture)

    picture.see(newer(CAT, 2, phase="Failed"))

    assert touched(picture) == ["uid-cat"]


def test_what_left_long_ago_is_forgotten() -> None:
    picture = Picture()
    for job, left_at in ((CAT, 3), (DOG, 8)):
        picture.see(newer(job, 1))
        picture.lose(newer(job, left_at))

    picture.jobs.forget_left(before=5)

    assert [picture.jobs.has_left(uid) for uid in ("uid-cat", "uid-dog")] == [False, True]


def test_a_name_used_again_is_another_image_job() -> None:
    picture = Picture()
    picture.see(newer(CAT, 1))
    successor = msgspec.structs.replace(
        CAT, metadata=msgspec.structs.replace(CAT.metadata, uid="uid-2", resource_version="9")
    )

    picture.see(successor)
    picture.lose(newer(CAT, 8))

    assert gather(picture, "uid-cat") is None
    assert gather(picture, "uid-2") is not None


def test_what_changes_for_a_namespace_touches_its_image_jobs() -> None:
    for change in (store(), profile()):
        picture = Picture()
        picture.see(CAT)
        touched(picture)

        picture.see(change)

        assert touched(picture) == ["uid-cat"]


def test_a_pod_touches_the_image_jobs_of_its_worker() -> None:
    picture = Picture()
    picture.see(CAT)
    picture.see(worker_job(CAT))
    touched(picture)

    picture.see(pod(by=worker_job(CAT), state=running()))

    assert touched(picture) == [("team-a", "ij-1"), "uid-cat"]
    situation = gather(picture, "uid-cat")
    assert situation is not None
    assert situation.worker is not None
    assert situation.worker.pod is not None


def test_a_worker_that_may_still_write_is_a_rival_for_its_destination() -> None:
    shared = {"destination": {"prefix": "shared"}}
    cat, dog = image_job("cat", **shared), image_job("dog", **shared)
    picture = Picture()
    for thing in (cat, dog, worker_job(cat)):
        picture.see(thing)
    rivals = [rival(picture, "uid-dog"), rival(picture, "uid-cat")]
    touched(picture)

    picture.see(pod(by=worker_job(cat), state=terminated()))

    assert rivals == ["ij-1", None]
    assert rival(picture, "uid-dog") is None
    assert "uid-dog" in touched(picture)


def test_a_destination_is_taken_before_the_worker_exists() -> None:
    shared = {"destination": {"prefix": "shared"}}
    cat, dog = image_job("cat", **shared), image_job("dog", **shared)
    picture = Picture()
    picture.see(cat)
    picture.see(dog)

    picture.claim(cat, "ij-1")
    claimed = [rival(picture, "uid-dog"), rival(picture, "uid-cat")]
    touched(picture)
    picture.release(cat)

    assert claimed == ["ij-1", None]
    assert rival(picture, "uid-dog") is None
    assert "uid-dog" in touched(picture)


def test_a_worker_of_another_namespace_carries_nothing() -> None:
    forged = worker_job(CAT)
    elsewhere = msgspec.structs.replace(forged.metadata, namespace="team-b")
    picture = Picture()
    picture.see(CAT)

    picture.see(type(forged)(elsewhere, forged.spec))

    situation = gather(picture, "uid-cat")
    assert situation is not None
    assert situation.worker is None


def test_of_two_workers_the_one_that_stays_counts() -> None:
    picture = Picture()
    for thing in (
        CAT,
        worker_job(CAT, name="ij-1", deletionTimestamp="2026-11-22T10:00:00Z"),
        worker_job(CAT, name="ij-2"),
    ):
        picture.see(thing)

    situation = gather(picture, "uid-cat")

    assert situation is not None
    assert situation.worker is not None
    assert situation.worker.job.metadata.name == "ij-2"


def test_what_a_list_lacks_is_named_unless_it_is_newer() -> None:
    picture = Picture()
    picture.see(newer(CAT, 3))
    picture.see(newer(DOG, 8))

    absent = picture.jobs.absent_from(set(), as_of=5)

    assert [job.metadata.name for job in absent] == ["cat"]


def rival(picture: Picture, uid: str) -> str | None:
    situation = gather(picture, uid)
    assert situation is not None
    return situation.rival
