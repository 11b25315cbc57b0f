"""Checks of a worker Job that was created: its pod runs, is starting, or can't start."""

from __future__ import annotations

from datetime import datetime, timedelta

from imagejob_operator.api.reasons import Reason
from imagejob_operator.config.platform import Platform
from imagejob_operator.contract.order import OrderItem
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.pod_words import why_it_waits
from imagejob_operator.kube.worker import Worker, WorkerJob

from .inputs import Inputs, JobState, Later, Verdict
from .outcome import never_ran


def worker_running(inputs: Inputs, platform: Platform, _now: datetime) -> Verdict:
    """A worker has it. Changes of the spec or the stores have no effect until it ends."""
    worker = inputs.worker
    if not worker:
        return None
    item = worker.item(inputs.job.metadata.uid)
    pod = worker.pod
    if pod and pod.state.running:
        message = f"worker pod {pod.metadata.name} runs on node {pod.spec.node_name}"
        return JobState("Running", Reason.PROCESSING, message, item, worker)
    if worker.job.spec.suspend:
        return _suspended(worker, item)
    refused = _refused(inputs, worker, platform)
    if refused:
        return refused
    name = worker.job.metadata.name
    message = f"worker Job {name} has been created; its pod has not started yet"
    starting = JobState("Queued", Reason.DISPATCHED, message, item, worker)
    ends = patience_ends(worker, platform.timings.patience)
    return (
        Later(ends, starting, _unplaced(inputs, worker, platform) or starting) if ends else starting
    )


def _suspended(worker: Worker, item: OrderItem | None) -> JobState:
    """Another controller decides when the Job is resumed. Until then it has no timeout."""
    job = worker.job
    queue, manager = job.metadata.labels.queue_name, job.metadata.suspended_by
    resumes = f'Kueue resumes it when the queue "{queue}" has capacity' if queue else ""
    by = f'suspended by "{manager}"' if manager else "suspended"
    message = f"worker Job {job.metadata.name} is {by}: {resumes or 'no reason is given'}"
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


def gives_no_reason(pod: Pod) -> bool:
    """Whether it has a node but has not started, and its status does not say why."""
    return is_on_a_node(pod) and why_it_waits(pod) is None


def is_on_a_node(pod: Pod) -> bool:
    """Whether it has a node, whose kubelet has yet to start it. Its deadline bounds this."""
    return pod.is_placed and not (pod.has_started or pod.has_ended)


def is_starting(worker: Worker, patience: timedelta, now: datetime) -> bool:
    """Whether it was created recently and its pod has not started; False if it is stuck or
    suspended."""
    ends = patience_ends(worker, patience)
    if worker.is_suspended or (worker.pod and worker.pod.has_started):
        return False
    return ends is None or now < ends


def _refused(inputs: Inputs, worker: Worker, platform: Platform) -> Verdict:
    """The kubelet can't start one of its containers."""
    why = why_it_waits(worker.pod) if worker.pod else None
    if not worker.pod or not why:
        return None
    until = _created(worker.pod) + platform.timings.replaced_after
    return _cannot_start(inputs, worker, worker.pod, why, until, platform)


def _cannot_start(
    inputs: Inputs, worker: Worker, pod: Pod, why: str, until: datetime | None, platform: Platform
) -> Verdict:
    """Show why the pod can't start; give it up at `until`, as settings may have changed by then."""
    message = f"pod {pod.metadata.name} can't start: {why}"
    return _given_up_at(until, inputs, worker, message, platform)


def _given_up_at(
    at: datetime | None, inputs: Inputs, worker: Worker, message: str, platform: Platform
) -> Verdict:
    """Show why it doesn't start. From then on, if ever, it counts as one that never ran."""
    held = JobState("Queued", Reason.WORKER_REFUSED, message, worker=worker)
    return Later(at, held, never_ran(inputs.job, worker, message, platform, at)) if at else held


def _unplaced(inputs: Inputs, worker: Worker, platform: Platform) -> Verdict:
    """No node accepts its pod, or none could be created. The Job stays: waiting costs nothing."""
    if worker.pod and worker.pod.unschedulable:
        message = f"no node accepts pod {worker.pod.metadata.name}: {worker.pod.unschedulable}"
        return JobState("Queued", Reason.WORKER_UNSCHEDULABLE, message, worker=worker)
    if worker.pod and worker.pod.held_back:
        message = f"pod {worker.pod.metadata.name} gets no node: {worker.pod.held_back}"
        return JobState("Queued", Reason.WORKER_UNSCHEDULABLE, message, worker=worker)
    refusal = inputs.refusal
    if worker.pod and gives_no_reason(worker.pod) and refusal and refusal.message:
        return _warned_of(inputs, worker, worker.pod, refusal.message, platform)
    if worker.pod is None and refusal:
        return _gets_no_pod(inputs, worker, refusal.message, platform)
    return None


def _warned_of(inputs: Inputs, worker: Worker, pod: Pod, why: str, platform: Platform) -> Verdict:
    """Events say why its pod doesn't start, but tenants may write those: the pod's status decides
    whether it is given up. The kubelet ends all others at their deadline."""
    until = _created(pod) + platform.timings.replaced_after if pod.lacks_sandbox else None
    return _cannot_start(inputs, worker, pod, why, until, platform)


def _gets_no_pod(inputs: Inputs, worker: Worker, why: str, platform: Platform) -> Verdict:
    """A worker for one ImageJob waits until it gets a pod. A pod for several is larger, and may
    never be admitted where one for each would be: after a while, single workers replace it."""
    job = worker.job
    message = f"worker Job {job.metadata.name} gets no pod: {why or 'the cluster does not say why'}"
    begun = _begun(job) or _created(job)
    until = begun + platform.timings.replaced_after if len(job.items) > 1 else None
    return _given_up_at(until, inputs, worker, message, platform)


def _created(thing: Pod | WorkerJob) -> datetime:
    """Return creationTimestamp, which every object from the API server has."""
    if thing.metadata.creation_timestamp is None:
        raise ValueError(f"{thing.metadata.name} has no creationTimestamp")
    return thing.metadata.creation_timestamp
