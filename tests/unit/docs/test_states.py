"""The diagram of the phases has exactly the transitions of the operator's decisions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal, NamedTuple

from imagejob_docs import states
from imagejob_operator.imagejob.evaluate import evaluate
from imagejob_operator.imagejob.inputs import Inputs, JobState, QuotaPosition
from imagejob_operator.imagejob.outcome import MAX_DISRUPTIONS
from imagejob_operator.kube.worker import Worker
from imagejob_operator.quota.position import QueuePosition
from support.api_objects import (
    ADMITTED,
    NOW,
    PLATFORM,
    disrupted,
    done,
    failed,
    image_job,
    last_failure,
    pod,
    profile,
    report,
    running,
    store,
    terminated,
    worker_job,
)

LATER = NOW + timedelta(minutes=30)
QUOTA = {
    "unseen": QuotaPosition(),
    "full": QuotaPosition(
        position=QueuePosition(4, LATER), limit="50 per 1h", slot=timedelta(seconds=1)
    ),
    "excess": QuotaPosition(
        position=QueuePosition(4, LATER), excess="the namespace's quota of 50 per 1h is used up"
    ),
    "charged": ADMITTED,
}
CAT = image_job()
PODS = {
    "made": pod(),
    "runs": pod(state=running()),
    "done": pod(state=terminated(report(done()))),
    "damaged": pod(state=terminated(report(failed()))),
    "unlucky": pod(state=terminated(report(failed("StorageUnavailable", "connection refused")))),
    "evicted": pod(state=terminated("", 137), **disrupted()),
}
WORKERS = {
    count: worker_job(image_job(status={"disruptions": count} if count else None))
    for count in (0, MAX_DISRUPTIONS)
}
"""By the number of workers lost before."""
SOURCE = {"storeRef": {"name": "uploads"}, "key": "derived/cat/thumb.webp"}
HARMLESS = profile(outputs=[{"name": "small", "width": 320}])
OVERWRITES_ITS_SOURCE = profile()

Quota = Literal["unseen", "full", "excess", "charged"]
Work = Literal["none", "made", "runs", "done", "damaged", "unlucky", "evicted"]


class World(NamedTuple):
    """Everything about one ImageJob that affects its phase."""

    suspended: bool = False
    has_store: bool = True
    is_valid: bool = True
    quota: Quota = "unseen"
    work: Work = "none"
    backs_off: bool = False
    disruptions: int = 0

    def state(self) -> JobState:
        """The operator's decision."""
        status = last_failure(1, "StorageUnavailable") if self.backs_off else {}
        status |= {"disruptions": self.disruptions} if self.disruptions else {}
        job = image_job(
            source=SOURCE, profileRef={"name": "web"}, suspend=self.suspended, status=status
        )
        inputs = Inputs(
            job,
            profile=HARMLESS if self.is_valid else OVERWRITES_ITS_SOURCE,
            stores={"uploads": store()} if self.has_store else {},
            worker=None
            if self.work == "none"
            else Worker(WORKERS[self.disruptions], PODS[self.work]),
            quota=QUOTA[self.quota],
        )
        return evaluate(inputs, PLATFORM, NOW)

    def _worker(self) -> Worker | None:
        if self.work == "none":
            return None
        return Worker(WORKERS[self.disruptions], PODS[self.work])

    def next(self, standing: JobState) -> Iterator[World]:
        """What a single action of people, the quota or the cluster can make of it."""
        yield self._replace(suspended=not self.suspended)
        yield self._replace(has_store=not self.has_store)
        yield self._replace(is_valid=not self.is_valid)
        yield from self._of_the_quota(standing)
        yield from self._of_the_cluster(standing)

    def _of_the_quota(self, standing: JobState) -> Iterator[World]:
        waits = standing.waits_for == "admission"
        if self.quota == "unseen" and waits:
            yield self._replace(quota="excess")
            yield self._replace(quota="full")
        if self.quota == "full" and not waits:  # it has to wait again
            yield self._replace(quota="unseen")
        if waits:
            yield self._replace(quota="charged")

    def _of_the_cluster(self, standing: JobState) -> Iterator[World]:
        match self.work:
            case "none" if self.backs_off:
                yield self._replace(backs_off=False)
            case "none" if standing.waits_for == "worker":
                yield self._replace(work="made")
            case "made":
                yield self._replace(work="runs")
                yield self._replace(work="evicted")
            case "runs":
                yield self._replace(work="done")
                yield self._replace(work="damaged")
                yield self._replace(work="unlucky")
                yield self._replace(work="evicted")
            case "unlucky":
                yield self._replace(work="none", backs_off=True)
            case "evicted":
                yield self._replace(work="none", disruptions=MAX_DISRUPTIONS)


def test_the_picture_shows_every_way_and_no_other() -> None:
    assert states.transitions() == ways()


def test_every_phase_is_in_the_picture() -> None:
    assert {phase for way in ways() for phase in way} == set(states.PHASES)


def ways() -> set[tuple[str, str]]:
    """All steps from one phase to another, over all reachable worlds."""
    found: set[tuple[str, str]] = set()
    known = {World()}
    pending = [World()]
    while pending:
        world = pending.pop()
        standing = world.state()
        if standing.is_finished:
            continue
        for other in world.next(standing):
            found.add((standing.phase, other.state().phase))
            if other not in known:
                known.add(other)
                pending.append(other)
    return {(start, end) for start, end in found if start != end}
