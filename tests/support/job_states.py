"""ImageJobs and ImageQuotas in every state, as the API server returns them.

The operator's own code makes their statuses; none is written by hand.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imagequota import ImageQuota
from imagejob_operator.api.meta import API_VERSION
from imagejob_operator.api.reasons import FINAL, RETRYABLE, Reason
from imagejob_operator.imagejob import audit
from imagejob_operator.imagejob.evaluate import evaluate
from imagejob_operator.imagejob.inputs import Inputs, QuotaPosition, Refusal
from imagejob_operator.imagejob.status import describe
from imagejob_operator.kube.reader import Unreadable
from imagejob_operator.quota.ledger import Ledger, micros
from imagejob_operator.quota.position import QueuePosition
from imagejob_operator.quota.rates import Policy, policy_of
from imagejob_operator.quota.status import describe_quota

from support.api_objects import (
    EARLIER,
    NO_ROOM,
    NOW,
    PLATFORM,
    carried,
    disrupted,
    done,
    failed,
    image_job,
    inputs,
    last_failure,
    metadata,
    needs,
    pod,
    report,
    running,
    suspended,
    terminated,
    written,
)

Body = dict[str, Any]

REQUESTER = "system:serviceaccount:argocd:argocd-application-controller"
LATER = datetime.fromisoformat(EARLIER) + timedelta(seconds=40)
"""By then a worker of EARLIER should have started."""

CAT = image_job()
ONCE = image_job(retries=0)
SUSPENDED = image_job(suspend=True)
UNREADABLE = Unreadable(
    "imageprofiles", "ImageProfile", "team-a", "web", why="Invalid enum value 'circle'"
)
OVERWRITING = image_job(source={"storeRef": {"name": "uploads"}, "key": "derived/cat/thumb.webp"})
THIRD = QuotaPosition(position=QueuePosition(3, NOW + timedelta(minutes=30)), limit="50 per 1h")
RUNNING = pod(state=running())
DONE = pod(state=terminated(report(done())))
OVERRUN = pod(
    phase="Failed",
    reason="Evicted",
    message='Usage of EmptyDir volume "scratch" exceeds the limit "2Gi". ',
    state=terminated(exit_code=137),
)


def reported(reason: Reason, job: ImageJob) -> Inputs:
    """Its worker has reported a failure."""
    return carried(pod(state=terminated(report(failed(reason.value, "as reported")))), job=job)


ELSEWHERE = {
    Reason.INVALID_SPEC,
    Reason.QUOTA_EXCEEDED,
    Reason.CANCELLED,
    Reason.OUT_OF_SCRATCH,
}
"""Failures that no worker reports."""

WAITING = {
    "pending-requested": inputs(quota=QuotaPosition()),
    "pending-suspended": inputs(SUSPENDED, quota=QuotaPosition()),
    "pending-store-not-found": inputs(stores={}),
    "pending-profile-not-found": inputs(image_job(profileRef={"name": "web"})),
    "pending-unreadable": inputs(unreadable=UNREADABLE),
    "throttled-quota-used-up": inputs(quota=THIRD),
    "queued-waiting-for-worker": inputs(),
    "queued-destination-busy": inputs(rival="ij-0"),
    "queued-dispatched": carried(),
    "queued-worker-refused": inputs(refusal=Refusal("exceeded quota: pods", LATER)),
    "queued-worker-unschedulable": carried(pod(phase="Pending", conditions=[NO_ROOM])),
    "queued-worker-suspended": carried(by=suspended()),
    "queued-evicted": carried(pod(state=terminated(exit_code=137), **disrupted())),
    "queued-needs-memory": carried(pod(state=terminated(report(needs(1264))))),
    "running-processing": carried(RUNNING),
}
RETRIED = {
    f"queued-after-{reason.value}": inputs(image_job(status=last_failure(1, reason.value)))
    for reason in sorted(RETRYABLE)
}
FAILED = {
    "failed-InvalidSpec": inputs(OVERWRITING),
    "failed-OutOfScratch": carried(OVERRUN),
    "failed-QuotaExceeded": inputs(quota=QuotaPosition(excess="the quota of 50 per 1h is used up")),
    **{
        f"failed-{reason.value}": reported(reason, ONCE)
        for reason in sorted((FINAL | RETRYABLE) - ELSEWHERE)
    },
}
SUCCEEDED = {"succeeded": carried(DONE)}

JOBS = WAITING | RETRIED | FAILED | SUCCEEDED


def as_served(job: ImageJob) -> Body:
    """As `kubectl get` prints it; without a status, with the API server's default."""
    body: Body = msgspec.to_builtins(job)
    return {"apiVersion": API_VERSION, "kind": "ImageJob", **body}


def imagejob(state: str) -> Body:
    """The ImageJob of JOBS once the operator has written its status."""
    known = JOBS[state]
    now = LATER if state.startswith("queued-worker") else NOW
    standing = evaluate(known, PLATFORM, now)
    entries = (audit.requested(known.job, REQUESTER, now), audit.entry(2, standing, now))
    return as_served(written(known.job, describe(known, standing, entries, now)))


def edited(body: Body) -> Body:
    """The spec has changed since the operator looked."""
    meta = body["metadata"]
    return {**body, "metadata": {**meta, "generation": meta["generation"] + 1}}


def imagequota(used: int = 0, waiting: int = 0, *, looked_at: bool = True) -> Body:
    """The ImageQuota of a namespace, 50 an hour and 500 a day, with that many recent admissions."""
    limits = [{"jobs": 50, "per": "1h"}, {"jobs": 500, "per": "1d"}]
    body: Body = {"metadata": metadata("default", "uid-quota"), "spec": {"limits": limits}}
    quota = msgspec.convert(body, ImageQuota)
    ledger = Ledger(micros(NOW)).charge([f"uid-{index}" for index in range(used)])
    policy = policy_of(quota, Policy(()))
    status = describe_quota(quota, policy, ledger, waiting, min(used, 4), NOW)
    if looked_at:
        body["status"] = msgspec.to_builtins(status)
    return {"apiVersion": API_VERSION, "kind": "ImageQuota", **body}
