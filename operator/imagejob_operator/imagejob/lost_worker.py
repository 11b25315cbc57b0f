"""Attempts without a result: the pod was removed from its Job, or was not seen, or the Job is
gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from imagejob_operator.api.imagejob import ImageJob, LastFailure
from imagejob_operator.api.reasons import Reason
from imagejob_operator.config.platform import Platform
from imagejob_operator.kube.worker import Worker

from .inputs import Inputs, JobState
from .outcome import attempt_lost


def forsaken(inputs: Inputs, platform: Platform, now: datetime) -> JobState | None:
    """A pod of this attempt was removed from its Job. What it has read and stored, and whether it
    still runs, is unknown, so the attempt has failed, whatever another pod reports."""
    worker, job = inputs.worker, inputs.job
    item = worker.item(job.metadata.uid) if worker else None
    attempt = item.attempt if item else _next_attempt(job)
    taken = next(_taken_away(inputs, attempt), None)
    if not taken:
        return None
    pod, name = taken
    message = f"pod {pod} was removed from its worker Job"
    failure = LastFailure(attempt, Reason.WORKER_LOST.value, message, now, name)
    return attempt_lost(job, failure, platform)


def vanished(inputs: Inputs, platform: Platform, now: datetime) -> JobState | None:
    """The worker Job that the status names was deleted while no operator watched."""
    job, name = inputs.job, inputs.vanished
    if not name:
        return None
    if not inputs.is_missed:  # its event may only be late
        return JobState("Queued", Reason.DISPATCHED, "", is_transient=True)
    message = f"worker Job {name} is gone, and how its attempt ended was not observed"
    failure = LastFailure(_next_attempt(job), Reason.WORKER_LOST.value, message, now, name)
    return attempt_lost(job, failure, platform)


def pod_unseen(inputs: Inputs, _platform: Platform, _now: datetime) -> JobState | None:
    """The worker Job has ended, and its pod, which has the report, was not observed yet."""
    worker = inputs.worker
    if not worker or not worker.hides_its_pod or inputs.is_missed:
        return None
    return JobState("Queued", Reason.DISPATCHED, "", worker=worker, is_transient=True)


def _taken_away(inputs: Inputs, attempt: int) -> Iterator[tuple[str, str]]:
    """Yield the names of pods that were removed, each with the attempt's worker Job."""
    worker, job = inputs.worker, inputs.job
    if worker:
        pod, shown = worker.forsaken(), _shown_running(job, worker)
        if pod:
            yield pod.metadata.name, worker.job.metadata.name
        if shown and worker.pod and worker.pod.metadata.name != shown:
            yield shown, worker.job.metadata.name
    for each in inputs.strays:
        counts = each.is_taken_away and each.pod.attempt_of(job.metadata.uid) >= attempt
        if counts and each.pod.has_begun and not each.pod.is_excused:
            name = worker.job.metadata.name if worker else each.pod.job_name
            yield each.pod.metadata.name, name


def _shown_running(job: ImageJob, worker: Worker) -> str | None:
    """Return the worker's pod that, by the status, ran; another operator may have written it."""
    shown = job.status.worker
    runs = job.status.phase == "Running" and shown and shown.job == worker.job.metadata.name
    return shown.pod if shown and runs else None


def _next_attempt(job: ImageJob) -> int:
    return (job.status.last_failure.attempt if job.status.last_failure else 0) + 1
