"""An attempt that left nothing to judge it by: its pod was taken away, or its Job has gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from imagejob_operator.api.imagejob import ImageJob, LastFailure
from imagejob_operator.api.reasons import Reason
from imagejob_operator.config.platform import Platform
from imagejob_operator.kube.pod import Pod

from .inputs import Inputs, JobState
from .outcome import attempt_lost


def forsaken(inputs: Inputs, platform: Platform, now: datetime) -> JobState | None:
    """A pod of this attempt was taken from its Job, by whomever. What it has read and stored is
    not known, nor whether it still does: whatever another pod reports, the attempt has failed."""
    worker, job = inputs.worker, inputs.job
    item = worker.item(job.metadata.uid) if worker else None
    attempt = item.attempt if item else _next_attempt(job)
    pod = next(_taken_away(inputs, attempt), None)
    if not pod:
        return None
    name = worker.job.metadata.name if worker else pod.job_name
    message = f"pod {pod.metadata.name} was taken from its worker Job"
    failure = LastFailure(attempt, Reason.WORKER_LOST.value, message, now, name)
    return attempt_lost(job, failure, platform)


def vanished(inputs: Inputs, platform: Platform, now: datetime) -> JobState | None:
    """The status says which worker Job has it, and that has gone while nobody looked."""
    job, name = inputs.job, inputs.vanished
    if not name:
        return None
    if not inputs.is_missed:  # it may only be heard of later
        return JobState("Queued", Reason.DISPATCHED, "", is_transient=True)
    message = f"worker Job {name} has gone, and nobody saw how its attempt ended"
    failure = LastFailure(_next_attempt(job), Reason.WORKER_LOST.value, message, now, name)
    return attempt_lost(job, failure, platform)


def _taken_away(inputs: Inputs, attempt: int) -> Iterator[Pod]:
    worker, uid = inputs.worker, inputs.job.metadata.uid
    pod = worker.forsaken() if worker else None
    if pod:
        yield pod
    for each in inputs.strays:
        counts = each.is_taken_away and each.pod.attempt_of(uid) >= attempt
        if counts and each.pod.has_begun and not each.pod.is_excused:
            yield each.pod


def _next_attempt(job: ImageJob) -> int:
    return (job.status.last_failure.attempt if job.status.last_failure else 0) + 1
