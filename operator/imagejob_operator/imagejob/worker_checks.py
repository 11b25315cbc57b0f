"""Checks of a worker Job that was created: its pod runs, is starting, or can't start."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from imagejob_operator.api.reasons import Reason
from imagejob_operator.config.platform import Platform
from imagejob_operator.config.timings import Timings
from imagejob_operator.contract.order import OrderItem
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.worker import Worker, WorkerJob

from .inputs import Inputs, JobState, Later, Verdict

REFUSALS = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ErrImagePull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    }
)
"""The kubelet's reasons for a container that can't start unless something is changed."""


def worker_running(inputs: Inputs, platform: Platform, _now: datetime) -> Verdict:
    """A worker has it. Changes of the spec or the stores have no effect until it ends."""
    worker, timings = inputs.worker, platform.timings
    if not worker:
        return None
    item = worker.item(inputs.job.metadata.uid)
    pod = worker.pod
    if pod and pod.state.running:
        message = f"worker pod {pod.metadata.name} runs on node {pod.spec.node_name}"
        return JobState("Running", Reason.PROCESSING, message, item, worker)
    if worker.job.spec.suspend:
        return _suspended(worker, item)
    refused = _refused(worker, timings)
    if refused:
        return refused
    name = worker.job.metadata.name
    message = f"worker Job {name} has been created; its pod has not started yet"
    starting = JobState("Queued", Reason.DISPATCHED, message, item, worker)
    ends = patience_ends(worker, timings.patience)
    return (
        Later(ends, starting, _unplaced(inputs, worker, timings) or starting) if ends else starting
    )


def _suspended(worker: Worker, item: OrderItem | None) -> JobState:
    """Another controller decides when the Job is resumed. Until then it has no timeout."""
    job = worker.job
    queue = job.metadata.labels.queue_name
    resumes = f'Kueue resumes it when the queue "{queue}" has capacity'
    why = resumes if queue else "no reason is given"
    message = f"worker Job {job.metadata.name} is suspended: {why}"
    return JobState("Queued", Reason.WORKER_SUSPENDED, message, item, worker)


def patience_ends(worker: Worker, patience: timedelta) -> datetime | None:
    """By when the pod should have been created and placed; an existing pod, have started.

    None for a suspended Job, which may wait indefinitely, and for one whose pod has ended unseen.
    """
    if worker.job.spec.suspend or worker.is_judged_later:
        return None
    begun = worker.pod.metadata.creation_timestamp if worker.pod else _begun(worker.job)
    return begun + patience if begun else None


def _begun(job: WorkerJob) -> datetime | None:
    """Since when the Job could create its pod: its resumption, or else its creation."""
    return job.resumed_at or job.metadata.creation_timestamp


def is_stuck(pod: Pod) -> bool:
    """Whether it has a node but has not started, and its status gives no reason."""
    waiting = pod.state.waiting
    has_reason = waiting is not None and waiting.reason in REFUSALS
    return pod.is_placed and not (pod.has_started or pod.has_ended or has_reason)


def is_starting(worker: Worker, patience: timedelta, now: datetime) -> bool:
    """Whether it was created recently and its pod has not started; False if it is stuck or
    suspended."""
    ends = patience_ends(worker, patience)
    if worker.is_suspended or (worker.pod and worker.pod.has_started):
        return False
    return ends is None or now < ends


def _refused(worker: Worker, timings: Timings) -> Verdict:
    """The kubelet can't start its container."""
    waiting = worker.pod.state.waiting if worker.pod else None
    if not worker.pod or not waiting or waiting.reason not in REFUSALS:
        return None
    details = waiting.message or "no details are given"
    return _cannot_start(worker, worker.pod, f"{waiting.reason}: {details}", timings)


def _cannot_start(worker: Worker, pod: Pod, why: str, timings: Timings) -> Verdict:
    """Show why the pod can't start; replace it later, as settings may have changed by then."""
    message = f"pod {pod.metadata.name} can't start: {why}"
    return _replaced_at(_created(pod) + timings.replaced_after, message, worker)


def _replaced_at(at: datetime, message: str, worker: Worker) -> Verdict:
    held = JobState("Queued", Reason.WORKER_REFUSED, message, worker=worker)
    return Later(at, held, msgspec.structs.replace(held, worker_is_spent=True))


def _unplaced(inputs: Inputs, worker: Worker, timings: Timings) -> Verdict:
    """No node accepts its pod, or none could be created. The Job stays: waiting costs nothing."""
    if worker.pod and worker.pod.unschedulable:
        message = f"no node accepts pod {worker.pod.metadata.name}: {worker.pod.unschedulable}"
        return JobState("Queued", Reason.WORKER_UNSCHEDULABLE, message, worker=worker)
    refusal = inputs.refusal
    if worker.pod and is_stuck(worker.pod) and refusal and refusal.message:
        return _cannot_start(worker, worker.pod, refusal.message, timings)
    if worker.pod is None and refusal:
        return _gets_no_pod(worker, refusal.message or "the cluster does not say why", timings)
    return None


def _gets_no_pod(worker: Worker, why: str, timings: Timings) -> Verdict:
    """A worker for one ImageJob waits until it gets a pod. A pod for several is larger, and may
    never be admitted where one for each would be: after a while, single workers replace it."""
    job = worker.job
    message = f"worker Job {job.metadata.name} gets no pod: {why}"
    if len(job.items) == 1:
        return JobState("Queued", Reason.WORKER_REFUSED, message, worker=worker)
    return _replaced_at((_begun(job) or _created(job)) + timings.replaced_after, message, worker)


def _created(thing: Pod | WorkerJob) -> datetime:
    """Return creationTimestamp, which every object from the API server has."""
    if thing.metadata.creation_timestamp is None:
        raise ValueError(f"{thing.metadata.name} has no creationTimestamp")
    return thing.metadata.creation_timestamp
