"""A worker Job has been created: whether its pod runs, is on its way, or can't start."""

from __future__ import annotations

from datetime import datetime, timedelta

from imagejob_operator.api.reasons import Reason
from imagejob_operator.config.platform import Platform
from imagejob_operator.config.timings import Timings
from imagejob_operator.contract.order import OrderItem
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.worker import Worker, WorkerJob

from .inputs import Inputs, JobState

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
"""Reasons of the kubelet for which a container doesn't start until somebody changes something."""


def worker_running(inputs: Inputs, platform: Platform, now: datetime) -> JobState | None:
    """A worker has it. What happens to the spec or the store meanwhile changes nothing."""
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
    obstacle = _refused(worker, timings, now) or _unplaced(inputs, worker, timings, now)
    if obstacle:
        return obstacle
    name = worker.job.metadata.name
    message = f"worker Job {name} has been created; its pod has not started yet"
    until = patience_ends(worker, timings.patience)
    return JobState("Queued", Reason.DISPATCHED, message, item, worker, until=until)


def _suspended(worker: Worker, item: OrderItem | None) -> JobState:
    """Somebody else says when it goes on. What waits for that is not timed, nor replaced."""
    job = worker.job
    queue = job.metadata.labels.queue_name
    who = f'Kueue has it go on when the queue "{queue}" has room' if queue else "no reason is given"
    message = f"worker Job {job.metadata.name} is suspended: {who}"
    return JobState("Queued", Reason.WORKER_SUSPENDED, message, item, worker)


def patience_ends(worker: Worker, patience: timedelta) -> datetime | None:
    """When the pod should have been made, and placed; or the one that there is, have started.

    None for one that is suspended, which may take for ever, and for one that has had its pod.
    """
    if worker.job.spec.suspend or worker.is_judged_later:
        return None
    begun = worker.pod.metadata.creation_timestamp if worker.pod else _begun(worker.job)
    return begun + patience if begun else None


def _begun(job: WorkerJob) -> datetime | None:
    """When it could first make a pod, as it stands now."""
    return job.resumed_at or job.metadata.creation_timestamp


def is_stuck(pod: Pod) -> bool:
    """Whether it has a node and has not started, and does not say itself why."""
    waiting = pod.state.waiting
    told = waiting is not None and waiting.reason in REFUSALS
    return pod.is_placed and not (pod.has_started or pod.has_ended or told)


def is_starting(worker: Worker, patience: timedelta, now: datetime) -> bool:
    """Whether it has been created a moment ago and is not at work yet; one that is stuck, or
    suspended, isn't."""
    ends = patience_ends(worker, patience)
    if worker.is_suspended or (worker.pod and worker.pod.has_started):
        return False
    return ends is None or now < ends


def _refused(worker: Worker, timings: Timings, now: datetime) -> JobState | None:
    """The kubelet won't start it."""
    waiting = worker.pod.state.waiting if worker.pod else None
    if not worker.pod or not waiting or waiting.reason not in REFUSALS:
        return None
    said = waiting.message or "no more is known"
    return _gives_up(worker, worker.pod, f"{waiting.reason}: {said}", timings, now)


def _gives_up(worker: Worker, pod: Pod, why: str, timings: Timings, now: datetime) -> JobState:
    """What can't start is shown, and after a while replaced: settings may be others by then."""
    until = _created(pod) + timings.replaced_after
    return JobState(
        "Queued",
        Reason.WORKER_REFUSED,
        f"pod {pod.metadata.name} can't start: {why}",
        worker=worker,
        until=until,
        worker_is_spent=now >= until,
    )


def _unplaced(inputs: Inputs, worker: Worker, timings: Timings, now: datetime) -> JobState | None:
    """No node takes its pod, or none could be made. What was made waits on: it costs nothing."""
    ends = patience_ends(worker, timings.patience)
    if ends is None or now < ends:
        return None
    if worker.pod and worker.pod.unschedulable:
        message = f"no node takes pod {worker.pod.metadata.name}: {worker.pod.unschedulable}"
        return JobState("Queued", Reason.WORKER_UNSCHEDULABLE, message, worker=worker)
    refusal = inputs.refusal
    if worker.pod and is_stuck(worker.pod) and refusal and refusal.message:
        return _gives_up(worker, worker.pod, refusal.message, timings, now)
    if worker.pod is None and refusal:
        return _gets_no_pod(worker, refusal.message or "the cluster does not say why", timings, now)
    return None


def _gets_no_pod(worker: Worker, why: str, timings: Timings, now: datetime) -> JobState:
    """It waits until it does. But a pod for several is larger, and may never be let in where one
    for each would be: after a while they go alone."""
    job = worker.job
    message = f"worker Job {job.metadata.name} gets no pod: {why}"
    begun = _begun(job) or _created(job)
    until = begun + timings.replaced_after if len(job.items) > 1 else None
    return JobState(
        "Queued",
        Reason.WORKER_REFUSED,
        message,
        worker=worker,
        until=until,
        worker_is_spent=until is not None and now >= until,
    )


def _created(thing: Pod | WorkerJob) -> datetime:
    """Every object that came from the API server has it."""
    if thing.metadata.creation_timestamp is None:
        raise ValueError(f"{thing.metadata.name} has no creationTimestamp")
    return thing.metadata.creation_timestamp
