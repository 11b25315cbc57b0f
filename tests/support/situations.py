"""Any situation that an ImageJob may be in, for properties of what the operator decides."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec
from hypothesis import strategies as st
from imagejob_operator.api.imagejob import ImageJob, ImageJobStatus
from imagejob_operator.api.reasons import RETRYABLE
from imagejob_operator.cache.last_failure import is_spent, worker_shown
from imagejob_operator.imagejob.decide import JobHistory
from imagejob_operator.imagejob.inputs import Inputs, QuotaPosition, Refusal, Stray
from imagejob_operator.kube.pod import UNSEEN, Pod
from imagejob_operator.kube.worker import DISRUPTED, Worker, WorkerJob
from imagejob_operator.quota.position import QueuePosition

from support.api_objects import (
    NO_ROOM,
    NOW,
    disrupted,
    done,
    failed,
    image_job,
    last_failure,
    pod,
    read,
    report,
    store,
    suspended,
    terminated,
    waiting,
    worker_job,
    written,
)

SHARED = {"destination": {"prefix": "shared"}}
PODS = ("x2k9q", "older")

seconds = st.one_of(st.integers(-900, 900), st.sampled_from([-130, -60, -15, -10, 0, 10, 60]))


T = TypeVar("T")


def seldom(*, rare: T, usual: T) -> st.SearchStrategy[T]:
    """Usually the one, so that what it would end isn't all that is tried."""
    return st.sampled_from([usual] * 7 + [rare])


def stamp(offset: int) -> str:
    """So many seconds after NOW, as the API server writes a time."""
    return (NOW.replace(microsecond=0) + timedelta(seconds=offset)).isoformat()


def moments() -> st.SearchStrategy[datetime]:
    """When the operator looks."""
    return st.integers(0, 120_000).map(lambda each: NOW + timedelta(milliseconds=each))


def spans() -> st.SearchStrategy[timedelta]:
    """For how long nothing but time changes."""
    return st.one_of(
        st.integers(1, 2_000_000).map(lambda each: timedelta(milliseconds=each)),
        st.integers(1, 30).map(lambda each: timedelta(days=each)),
    )


@st.composite
def statuses(draw: st.DrawFn) -> dict[str, Any]:
    """What an ImageJob's status may show."""
    status: dict[str, Any] = {}
    if draw(st.booleans()):
        time = stamp(draw(seconds))
        failure = last_failure(draw(st.integers(0, 3)), draw(st.sampled_from(REASONS)), time=time)
        status |= failure
    if draw(st.booleans()):
        status["disruptions"] = draw(st.integers(1, 11))
    if draw(st.booleans()):
        eligible = {"eligibleAt": stamp(draw(seconds))} if draw(st.booleans()) else {}
        position = {"position": draw(st.integers(1, 9))} if draw(st.booleans()) else {}
        status["queue"] = {**position, **eligible}
    return status


REASONS = sorted(reason.value for reason in RETRYABLE)


def image_jobs(name: str = "cat") -> st.SearchStrategy[ImageJob]:
    """An unfinished ImageJob."""
    deleting = {"deletionTimestamp": stamp(0), "finalizers": ["team/keep"]}
    return st.builds(
        lambda status, meta, suspend, retries, timeout: image_job(
            name,
            status=status,
            meta=meta,
            suspend=suspend,
            retries=retries,
            timeoutSeconds=timeout,
            **SHARED,
        ),
        statuses(),
        seldom(rare=deleting, usual={}),
        seldom(rare=True, usual=False),
        st.integers(0, 3),
        st.sampled_from([1, 30, 120]),
    )


def states() -> st.SearchStrategy[dict[str, Any] | None]:
    """The state of a worker's container, if there is any yet."""
    reports = st.sampled_from(
        ["", report(done()), report(failed()), report(failed("TimedOut")), report(read()), "junk"]
    )
    begun = st.integers(-120, 120)
    started = st.builds(lambda each: {"running": {"startedAt": stamp(each)}}, begun)
    ended = st.builds(terminated, reports, st.sampled_from([0, 1, 137]))
    forgotten = st.just(terminated(reason="ContainerStatusUnknown", startedAt=None))
    waits = st.sampled_from(["ContainerCreating", "ImagePullBackOff", "CreateContainerConfigError"])
    bare, begins = st.just({"running": {}}), st.builds(waiting, waits)
    return st.one_of(*[started] * 5, st.none(), bare, begins, ended, ended, forgotten)


@st.composite
def pods(draw: st.DrawFn, by: WorkerJob, suffix: str = PODS[0], *, orphaned: bool = False) -> Pod:
    """A pod of the worker, as a kubelet, a controller or nobody has left it."""
    state = draw(states())
    odd = [{"phase": UNSEEN}, {"phase": "Failed"}, disrupted(), {"phase": "Pending"}]
    status = draw(st.sampled_from([*[{}] * 12, *odd]))
    if state is None and draw(st.booleans()):
        status = {"phase": "Pending", "conditions": [NO_ROOM]}
    started = {"startTime": stamp(draw(seconds))} if draw(st.booleans()) else {}
    meta = {"creationTimestamp": stamp(draw(seconds))}
    if draw(st.booleans()):
        meta["deletionTimestamp"] = stamp(draw(seconds))
    return pod(
        by=by,
        suffix=suffix,
        orphaned=orphaned,
        state=state,
        deadline=draw(seldom(rare=None, usual=61)),
        node=draw(st.sampled_from(["n1", "n1", "n1", None])),
        meta_more=meta,
        version=draw(st.integers(20, 29)),
        **{**status, **started},
    )


@st.composite
def worker_jobs(draw: st.DrawFn, job: ImageJob, name: str = "ij-1") -> WorkerJob:
    """A worker Job that has the ImageJob, and perhaps another one."""
    jobs = [job, image_job("dog")] if draw(st.booleans()) else [job]
    conditions: list[dict[str, Any]] = []
    if draw(seldom(rare=True, usual=False)):
        why = draw(st.sampled_from([DISRUPTED, "BackoffLimitExceeded", "DeadlineExceeded"]))
        conditions = [{"type": "Failed", "status": "True", "reason": why}]
    elif draw(st.sampled_from([False, False, True])):
        time = {"lastTransitionTime": stamp(draw(seconds))}
        conditions = [{"type": "Suspended", "status": "False", **time}]
    meta = {"creationTimestamp": stamp(draw(seconds))}
    status = {"conditions": conditions} if conditions else None
    make = suspended if draw(seldom(rare=True, usual=False)) else worker_job
    return make(*jobs, name=name, status=status, **meta)


@st.composite
def workers(draw: st.DrawFn, job: ImageJob) -> Worker:
    """A worker with the pods that it has, and had."""
    made = draw(worker_jobs(job))
    older = st.lists(pods(made, PODS[1]), max_size=1).map(tuple)
    return Worker(
        made,
        draw(st.one_of(st.none(), pods(made), pods(made))),
        draw(st.one_of(st.just(()), older)),
        draw(st.one_of(st.just(()), older)),
        is_gone=draw(st.sampled_from([False, False, True])),
    )


@st.composite
def positions(draw: st.DrawFn) -> QuotaPosition:
    """Where it stands in the quota."""
    eligible = draw(st.one_of(st.none(), seconds))
    at = None if eligible is None else NOW + timedelta(seconds=eligible, microseconds=7)
    position = draw(st.one_of(st.none(), st.just(QueuePosition(draw(st.integers(1, 9)), at))))
    return QuotaPosition(
        admitted_at=draw(st.sampled_from([None, NOW - timedelta(seconds=5)])),
        dispatch=draw(st.sampled_from([None, None, "ij-1"])),
        position=position,
        limit="50 per 1h",
        slot=timedelta(seconds=draw(st.sampled_from([0, 1, 30]))),
        excess=draw(st.sampled_from([None, None, None, "too many wait"])),
    )


@st.composite
def refusals(draw: st.DrawFn) -> Refusal:
    """Why the cluster gave it no worker, or no pod."""
    return Refusal(
        draw(st.sampled_from(["", "exceeded quota: pods"])),
        NOW + timedelta(seconds=draw(seconds)),
        draw(st.sampled_from(["", f"ij-1-{PODS[0]}"])),
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[Inputs, JobHistory]:
    """Inputs of any kind, and what the operator remembers; perhaps its status shows them."""
    job = draw(image_jobs())
    other = worker_job(job, name="ij-0")
    strays = draw(
        st.one_of(
            st.just(()),
            st.tuples(st.builds(Stray, pods(other, orphaned=True), st.booleans())),
        )
    )
    worker = draw(st.one_of(st.none(), workers(job), workers(job)))
    inputs = Inputs(
        job=job,
        stores=draw(st.sampled_from([{"uploads": store()}, {"uploads": store()}, {}])),
        worker=worker,
        rival=draw(st.sampled_from([None, None, "ij-9"])),
        strays=strays,
        vanished=None if worker else draw(st.sampled_from([None, None, "ij-8"])),
        quota=draw(positions()),
    )
    missing = draw(st.sampled_from(["", "ij-8"]))
    return inputs, JobHistory(refusal=draw(st.one_of(st.none(), refusals())), missing=missing)


def with_status(inputs: Inputs, status: ImageJobStatus) -> Inputs:
    """The same once the operator has written that status: it may be done with the worker."""
    job, worker = written(inputs.job, status), inputs.worker
    return msgspec.structs.replace(
        inputs,
        job=job,
        worker=worker if worker and not is_spent(worker.job, job) else None,
        vanished=inputs.vanished if worker_shown(job) == inputs.vanished else None,
    )
