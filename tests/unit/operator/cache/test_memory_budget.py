"""How much of a namespace is cached, what is left out, and when it is read again."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.lister import Lister
from imagejob_operator.cache.memory_budget import IMAGE_JOB, MemoryBudget, size
from imagejob_operator.controllers.cache_full import event
from imagejob_operator.imagejob.gather import gather, may_hide
from imagejob_operator.kube.client import Cluster
from imagejob_operator.kube.reader import Unreadable
from imagejob_operator.kube.resources import IMAGE_JOBS
from support.api_objects import NOW, image_job, metadata
from support.memory_api import MemoryApi

SMALL, LARGE = 100, 15_000


def store(name: str, length: int = SMALL, version: int = 1, **meta: Any) -> ImageStore:
    """A store with certificates of that length."""
    s3 = {
        "endpoint": "https://s3.test",
        "bucket": "b",
        "credentials": {"secretRef": {"name": "s"}},
        "caBundle": "x" * length,
    }
    body = {"metadata": {**metadata(name, f"uid-{name}", version), **meta}, "spec": {"s3": s3}}
    return msgspec.convert(body, ImageStore)


def cache(*things: ImageJob | ImageStore, budget: int) -> ClusterCache:
    seen = ClusterCache(MemoryBudget(budget))
    for thing in things:
        seen.upsert(thing)
    return seen


def names(seen: ClusterCache) -> set[str]:
    return {each.metadata.name for each in (*seen.jobs, *seen.stores)}


def jobs(count: int) -> list[ImageJob]:
    return [image_job(f"job-{number}") for number in range(count)]


def test_objects_beyond_the_bound_are_left_out_and_reported() -> None:
    seen = cache(*jobs(5), budget=3 * IMAGE_JOB)

    assert names(seen) == {"job-0", "job-1", "job-2"}
    assert seen.budget.taken == 3 * IMAGE_JOB
    assert seen.budget.full() == ["team-a"]
    left_out = seen.budget.left_out("team-a")
    assert left_out
    assert (left_out.kind, left_out.name) == ("ImageJob", "job-4")


def test_an_omitted_object_frees_nothing_when_it_is_deleted() -> None:
    seen = cache(*jobs(3), budget=2 * IMAGE_JOB)

    seen.budget.free(image_job("job-2"))

    assert seen.budget.taken == 2 * IMAGE_JOB


def test_a_neighbour_is_untouched() -> None:
    meta = {"namespace": "team-b", "uid": "other"}
    seen = cache(*jobs(5), image_job("other", meta=meta), budget=3 * IMAGE_JOB)

    assert "other" in names(seen)
    assert seen.budget.full() == ["team-a"]


def test_nothing_is_left_out_without_a_bound() -> None:
    seen = ClusterCache()
    for job in jobs(50):
        seen.upsert(job)

    assert len(seen.jobs) == 50
    assert seen.budget.taken == 0


def test_what_is_kept_goes_on_in_a_full_namespace() -> None:
    seen = cache(*jobs(3), budget=3 * IMAGE_JOB)
    running = image_job("job-1", status={"phase": "Running"}, meta={"resourceVersion": "9"})

    seen.upsert(running)

    assert seen.jobs.get("uid-job-1") == running
    assert seen.budget.full() == []


def test_once_enough_has_gone_the_rest_is_looked_for() -> None:
    seen = cache(*jobs(20), budget=10 * IMAGE_JOB)
    assert seen.budget.has_room_again("team-a") == []

    for job in jobs(2):
        seen.remove(job)

    assert seen.budget.has_room_again("team-a") == ["ImageJob"]
    seen.budget.begin_list("ImageJob", "team-a")
    for job in jobs(20):
        seen.upsert(job)
    seen.budget.end_list("ImageJob", "team-a")
    assert len(seen.jobs) == 10, "those that have gone are not taken in again"
    assert seen.budget.full() == ["team-a"]


def test_all_that_has_gone_is_forgotten() -> None:
    seen = cache(*jobs(5), store("s"), budget=4 * IMAGE_JOB)
    for thing in (*jobs(5), store("s")):
        seen.remove(thing)
    for kind in ("ImageJob", "ImageStore"):
        seen.budget.begin_list(kind)
        seen.budget.end_list(kind)

    assert seen.budget.taken == 0
    assert not seen.budget._accounts


@pytest.mark.parametrize("namespace", ["team-a", ""])
def test_what_is_left_out_is_so_until_a_list_has_ended_without_it(namespace: str) -> None:
    seen = cache(*jobs(2), budget=IMAGE_JOB)

    def list_again(*found: ImageJob) -> list[bool]:
        seen.budget.begin_list("ImageJob", namespace)
        while_listing = seen.budget.hides_image_jobs("team-a")
        for each in found:
            seen.upsert(each)
        seen.budget.end_list("ImageJob", namespace)
        return [while_listing, seen.budget.hides_image_jobs("team-a")]

    assert list_again(*jobs(2)) == [True, True]
    assert list_again(*jobs(1)) == [True, False]


def test_an_image_job_that_is_left_out_stays_unknown_while_all_are_listed() -> None:
    seen = cache(budget=IMAGE_JOB)
    hidden: list[bool] = []

    class Listing(MemoryApi):
        async def send(self, *args: Any, **more: Any) -> bytes:
            hidden.append(seen.is_unknown("team-a", "uid-of-one-that-is-left-out"))
            return await super().send(*args, **more)

    api = Listing()
    lister = Lister(Cluster(api), seen, lambda: None)  # type: ignore[arg-type]
    for job in jobs(2):
        api.put("imagejobs", "team-a", job.metadata.name, msgspec.to_builtins(job))
    for _ in range(2):
        asyncio.run(lister.take(IMAGE_JOBS))
    api.remove("imagejobs", "team-a", "job-1")
    asyncio.run(lister.take(IMAGE_JOBS))

    assert hidden == [False, True, True]
    assert not seen.budget.full()


def test_a_late_message_takes_no_room() -> None:
    job = image_job("job-0")
    seen = cache(job, budget=IMAGE_JOB)
    seen.remove(image_job("job-0", meta={"resourceVersion": "5"}))

    seen.upsert(job)

    assert (seen.budget.taken, seen.budget.full()) == (0, [])


def test_a_successor_of_the_same_name_takes_the_place_of_the_one_before() -> None:
    first, second = store("s"), store("s", SMALL, 2, uid="uid-second")
    seen = cache(first, second, budget=IMAGE_JOB)

    assert seen.budget.taken == size(second)


def test_a_store_that_has_grown_out_of_the_bound_is_left_out() -> None:
    seen = cache(store("s"), budget=size(store("s")) + 100)

    seen.upsert(store("s", LARGE, 2))

    assert names(seen) == set()
    assert seen.budget.taken == 0
    assert seen.budget.full() == ["team-a"]


@pytest.mark.parametrize(
    ("given", "hidden"),
    [
        ((store("uploads", LARGE), store("other", LARGE)), True),
        ((store("uploads", SMALL), store("other", LARGE)), False),
        ((), False),
    ],
    ids=["left out", "kept, though another is left out", "there is none"],
)
def test_a_store_that_may_only_be_left_out_is_not_missing(
    given: tuple[ImageStore, ...], *, hidden: bool
) -> None:
    seen = cache(image_job("cat"), *given, budget=IMAGE_JOB + size(store("uploads", SMALL)))
    known = gather(seen, "uid-cat")

    assert known
    assert may_hide(seen, known) is hidden


def unreadable(kind: str, name: str, version: int = 5) -> Unreadable:
    why = "a value of a newer version"
    return Unreadable(f"{kind.lower()}s", kind, "team-a", name, f"uid-{name}", version, why)


@pytest.mark.parametrize("kind", ["ImageJob", "ImageProfile", "ImageStore"])
def test_those_that_cannot_be_read_count_until_they_are_gone(kind: str) -> None:
    seen = ClusterCache(MemoryBudget(IMAGE_JOB))
    many = [unreadable(kind, f"n-{number}") for number in range(100)]
    for each in many:
        seen.upsert(each)

    kept = [each for each in many if seen.unreadable.get(each.resource, "team-a", each.name)]
    assert kept == many[: len(kept)]
    assert seen.budget.taken == sum(map(size, kept)) <= IMAGE_JOB
    left_out = seen.budget.left_out("team-a")
    assert left_out
    assert (left_out.kind, left_out.name) == (kind, "n-99")

    for each in many:
        seen.unreadable.drop(each.resource, "team-a", each.name)
    seen.budget.begin_list(kind)
    seen.budget.end_list(kind)
    assert not seen.budget._accounts


def test_a_store_that_becomes_unreadable_takes_the_place_of_what_was_read() -> None:
    seen = cache(store("uploads"), budget=size(store("uploads")))

    seen.upsert(unreadable("ImageStore", "uploads"))
    seen.upsert(unreadable("ImageStore", "uploads", 6))

    assert seen.unreadable.get("imagestores", "team-a", "uploads")
    assert seen.budget.taken == size(unreadable("ImageStore", "uploads"))
    seen.upsert(store("uploads", version=7))
    assert seen.budget.taken == size(store("uploads"))


def test_an_imagejob_that_becomes_unreadable_in_a_full_namespace_is_held() -> None:
    seen = cache(*jobs(2), budget=2 * IMAGE_JOB)

    seen.upsert(unreadable("ImageJob", "job-1"))

    assert gather(seen, "uid-job-1") is None
    assert seen.budget.full() == []


def test_what_a_store_that_was_left_out_unread_would_hold_waits_for_it() -> None:
    seen = cache(image_job("cat"), budget=IMAGE_JOB + 100)
    seen.upsert(unreadable("ImageStore", "uploads"))
    known = gather(seen, "uid-cat")

    assert known
    assert may_hide(seen, known)


def test_those_of_the_platform_are_never_left_out() -> None:
    seen = cache(*jobs(1), budget=IMAGE_JOB)

    seen.upsert(unreadable("ImageQuota", "default"))

    assert seen.unreadable.holding("team-a")


def test_a_profile_that_may_only_be_left_out_is_not_missing() -> None:
    job = image_job("cat", profileRef={"name": "web"})
    spec = {"outputs": [{"name": "thumb", "cacheControl": "x" * 250}] * 16}
    profile = msgspec.convert({"metadata": metadata("web", "p"), "spec": spec}, ImageProfile)
    seen = cache(job, store("uploads"), budget=IMAGE_JOB + size(store("uploads")))
    seen.upsert(profile)
    known = gather(seen, "uid-cat")

    assert known
    assert may_hide(seen, known)


def test_an_event_names_one_that_waits() -> None:
    left_out = cache(*jobs(2), budget=IMAGE_JOB).budget.left_out("team-a")
    assert left_out
    told = event(left_out, 128 * 1024**2, NOW, "operator-1")

    assert (told["type"], told["reason"]) == ("Warning", "CacheFull")
    assert told["regarding"]["name"] == "job-1"
    assert "(128 MiB, cache.bytesPerNamespace)" in told["note"]
    assert len(told["note"]) <= 1024
