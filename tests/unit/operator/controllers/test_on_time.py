"""Nothing waits to be touched: what time alone changes, the operator looks at in time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.reconcile_key import PodKey, WatchedObject
from imagejob_operator.kube.pod import SILENCE, Pod
from support.api_objects import image_job, pod, running, worker_job
from support.clockwork import Clockwork
from support.examples import examples
from support.situations import SHARED, image_jobs, pods, spans, stamp, worker_jobs

ALLOWED = 61
CAT, DOG = image_job("cat", **SHARED), image_job("dog", **SHARED)
WORKER = worker_job(CAT)


@st.composite
def worlds(draw: st.DrawFn) -> Clockwork:
    """Two ImageJobs with one destination, their workers and pods, and what has become of them."""
    cat, dog = draw(image_jobs("cat")), draw(image_jobs("dog"))
    world = Clockwork(cat, *draw(st.sampled_from([(), (dog,)])))
    made = [draw(worker_jobs(cat)), draw(worker_jobs(draw(st.sampled_from([cat, dog])), "ij-2"))]
    made = made[: draw(st.integers(0, 2))]
    things: list[WatchedObject] = [cat, dog, *made]
    for each in made:
        names = draw(st.sampled_from([["x2k9q"]] * 6 + [[], ["x2k9q", "taken"]]))
        things += [draw(pods(each, name, orphaned=name == "taken")) for name in names]
    world.upsert(*draw(st.permutations(things)))
    gone = [draw(st.sampled_from(made))] if made and draw(st.booleans()) else []
    return world.remove(*gone)


@given(worlds(), spans())
@settings(max_examples=examples(300))
def test_whoever_touches_something_finds_it_looked_at(world: Clockwork, span: timedelta) -> None:
    world.advance(world.now + min(span, timedelta(minutes=30)))
    # A pod without a worker Job is deleted again each 5 s, for as long as it stays.
    keys = [key for key in world.answers if not isinstance(key, PodKey)]
    known, busy = {key: world.answers[key] for key in keys}, world.busy

    world.touch(world.answers)

    assert ({key: world.answers[key] for key in keys}, world.busy) == (known, busy)


def its_pod(by: object = WORKER, **more: object) -> Pod:
    at = {"deletionTimestamp": stamp(70)}
    return pod(**{"by": by, "state": running(), "deadline": ALLOWED, "meta_more": at, **more})  # type: ignore[arg-type]


def silent_from(known: Pod) -> timedelta:
    assert known.silent_from
    return known.silent_from - Clockwork().now


def says(world: Clockwork, job: ImageJob) -> str:
    answer = world.answers[job.metadata.uid]
    return str(answer and answer[1][0])


LOST = {
    "it ran": its_pod(),
    "its start has no time": its_pod(state={"running": {}}, startTime=stamp(1)),
    "neither has its pod's": its_pod(state={"running": {}}),
    "it had not started": its_pod(state=None, phase="Pending"),
}


@pytest.mark.parametrize("lost", LOST.values(), ids=LOST)
def test_the_pod_of_a_lost_node_is_given_up_without_a_touch(lost: Pod) -> None:
    world = Clockwork(CAT).upsert(CAT, WORKER, lost)
    late = world.now + silent_from(lost)

    world.advance(late - timedelta(milliseconds=1))
    before = world.busy
    world.advance(late + timedelta(seconds=2))

    assert (before, world.busy) == (["ij-1"], [])
    assert "Evicted" in says(world, CAT)


def test_by_when_the_pod_of_a_lost_node_is_given_up() -> None:
    begun = pod(state=running()).state.running
    assert begun
    assert begun.started_at

    assert its_pod().silent_from == begun.started_at + timedelta(seconds=ALLOWED) + SILENCE


@pytest.mark.parametrize("has_job", [True, False], ids=["with its Job", "without"])
def test_who_waits_for_a_destination_goes_on_when_its_pod_is_given_up(*, has_job: bool) -> None:
    world = Clockwork(DOG).upsert(DOG, WORKER, its_pod())
    if not has_job:
        world.remove(WORKER)
    waits = says(world.advance(world.now + timedelta(seconds=5)), DOG)

    world.advance(world.now + silent_from(its_pod()))

    assert "DestinationBusy" in waits
    assert world.registry.of("team-a").queued.head(1) == ["uid-dog"]
    assert world.busy == []


def test_a_pod_that_was_silent_before_the_operator_led_holds_up_nobody() -> None:
    world = Clockwork(DOG)
    world.now += silent_from(its_pod())
    for thing in (DOG, its_pod()):
        world.cache.upsert(thing)

    world.reconciler.give_up_silent_pods()
    world.settle()

    assert "DestinationBusy" not in says(world.advance(world.now + timedelta(seconds=5)), DOG)


def test_a_node_that_returns_is_heard_before_its_pod_is_given_up_and_not_after() -> None:
    world = Clockwork(CAT).upsert(CAT, WORKER, its_pod())
    world.advance(world.now + silent_from(its_pod()))

    world.upsert(its_pod(version=31))

    assert world.busy == []
