"""Objects as the API server would return them, for tests of the domain."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec
from imagejob_operator.api.imagejob import ImageJob, ImageJobStatus
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.config.platform import Platform, Size
from imagejob_operator.imagejob import job_builder as manifests
from imagejob_operator.imagejob.inputs import Inputs, QuotaPosition
from imagejob_operator.imagejob.resolve import Resolved
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.worker import Worker, WorkerJob
from imagejob_operator.quota.position import QueuePosition

from support.resolving import resolve

NOW = datetime(2026, 11, 22, 10, 0, 0, 250_000, tzinfo=UTC)
EARLIER = "2026-11-22T09:59:50Z"
PLATFORM = Platform(worker_image="worker:1")
DIGEST = bytes(range(32))
ADMITTED = QuotaPosition(admitted_at=NOW, position=QueuePosition(1))
NO_ROOM = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/3 nodes are available: 3 Insufficient memory.",
}
"""The condition of a pod that no node accepts."""


def metadata(name: str, uid: str, version: int = 1, **more: Any) -> dict[str, Any]:
    """The metadata of an object in namespace `team-a`."""
    return {
        "name": name,
        "namespace": "team-a",
        "uid": uid,
        "resourceVersion": str(version),
        "generation": 1,
        "creationTimestamp": EARLIER,
        **more,
    }


def image_job(
    name: str = "cat",
    *,
    status: dict[str, Any] | None = None,
    meta: dict[str, Any] | None = None,
    **spec: Any,
) -> ImageJob:
    """An ImageJob with one inline output, unless `spec` says otherwise."""
    body = {
        "metadata": {**metadata(name, f"uid-{name}"), **(meta or {})},
        "spec": {
            "source": {"storeRef": {"name": "uploads"}, "key": "incoming/cat.jpg"},
            **({} if "profileRef" in spec else {"outputs": [{"name": "thumb", "width": 320}]}),
            **spec,
        },
        "status": status or {},
    }
    return msgspec.convert(body, ImageJob)


def written(job: ImageJob, status: ImageJobStatus) -> ImageJob:
    """The ImageJob after the status write."""
    stored = msgspec.json.decode(msgspec.json.encode(status), type=ImageJobStatus)
    return msgspec.structs.replace(job, status=stored)


def last_failure(attempt: int, reason: str = "WorkerLost", **more: Any) -> dict[str, Any]:
    """A status with a failed attempt, in ij-1, that ended at exactly 10:00."""
    time = NOW.replace(microsecond=0).isoformat()
    found = {"message": "it was lost", "time": time, "worker": "ij-1", **more}
    return {"lastFailure": {"attempt": attempt, "reason": reason, **found}}


def shows_admitted(since: str = EARLIER) -> dict[str, Any]:
    """A status that shows the charge."""
    condition = {
        "type": "Admitted",
        "status": "True",
        "reason": "Admitted",
        "message": "",
        "lastTransitionTime": since,
    }
    return {"conditions": [condition]}


def store(name: str = "uploads", **spec: Any) -> ImageStore:
    """An S3 store with a Secret, unless `spec` says otherwise."""
    s3 = {
        "endpoint": "https://s3.test",
        "bucket": "team-a",
        "credentials": {"secretRef": {"name": f"{name}-s3"}},
    }
    body = {"metadata": metadata(name, f"uid-store-{name}"), "spec": spec or {"s3": s3}}
    return msgspec.convert(body, ImageStore)


def profile(name: str = "web", **spec: Any) -> ImageProfile:
    """A profile with two outputs."""
    outputs = [
        {"name": "thumb", "width": 320, "format": "webp"},
        {"name": "full", "maxBytes": "300Ki"},
    ]
    body = {"metadata": metadata(name, f"uid-profile-{name}"), "spec": {"outputs": outputs, **spec}}
    return msgspec.convert(body, ImageProfile)


def worker_job(
    *jobs: ImageJob,
    name: str = "ij-1",
    version: int = 10,
    status: dict[str, Any] | None = None,
    size: Size = "standard",
    **meta: Any,
) -> WorkerJob:
    """The Job that the operator would create for the ImageJobs, as the API server returns it."""
    stores = {"uploads": store()}
    ready = [
        resolve(job, profile() if job.spec.profile_ref else None, stores, PLATFORM) for job in jobs
    ]
    items = [answer.item for answer in ready if isinstance(answer, Resolved)]
    order = manifests.compose(items, stores, PLATFORM, size=size)
    body = manifests.worker_job("team-a", name, order, stores, PLATFORM, size=size)
    body["metadata"] |= metadata(name, f"uid-job-{name}", version, **meta)
    body["status"] = status or {}
    return msgspec.convert(body, WorkerJob)


def suspended(*jobs: ImageJob, version: int = 11, **meta: Any) -> WorkerJob:
    """A worker Job that another controller, such as Kueue, must resume."""
    made = worker_job(*(jobs or (image_job(),)), version=version, **meta)
    return WorkerJob(made.metadata, msgspec.structs.replace(made.spec, suspend=True), made.status)


def pod(
    worker: str = "ij-1",
    *,
    by: WorkerJob | None = None,
    orphaned: bool = False,
    suffix: str = "x2k9q",
    version: int = 20,
    meta_more: dict[str, Any] | None = None,
    state: dict[str, Any] | None = None,
    deadline: int | None = None,
    node: str | None = "n1",
    **status: Any,
) -> Pod:
    """The pod of a worker Job, its container in `state`, which may run for `deadline` seconds.

    If it was created `by` a known Job, it has its order; if `orphaned`, no Job owns it any more.
    """
    containers = [{"name": "worker", "state": state}] if state else []
    name = by.metadata.name if by else worker
    uid = by.metadata.uid if by else f"uid-job-{name}"
    labels = {"batch.kubernetes.io/job-name": name}
    owner = {"uid": uid, "kind": "Job", "name": name, "controller": True}
    meta = metadata(f"{name}-{suffix}", f"uid-pod-{name}-{suffix}", version, labels=labels)
    template = msgspec.to_builtins(by.spec.template.spec) if by else {}
    body = {
        "metadata": {**meta, "ownerReferences": [] if orphaned else [owner], **(meta_more or {})},
        "spec": {**template, "nodeName": node, "activeDeadlineSeconds": deadline},
        "status": {"phase": "Running", "containerStatuses": containers, **status},
    }
    return msgspec.convert(body, Pod)


def running() -> dict[str, Any]:
    """A container state."""
    return {"running": {"startedAt": "2026-11-22T09:59:58Z"}}


def terminated(message: str = "", exit_code: int = 0, **more: Any) -> dict[str, Any]:
    """A container state."""
    times = {"startedAt": "2026-11-22T09:59:58Z", "finishedAt": "2026-11-22T09:59:59Z"}
    return {"terminated": {"exitCode": exit_code, "message": message, **times, **more}}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    """A container state."""
    return {"waiting": {"reason": reason, "message": message}}


def disrupted(why: str = "EvictionByEvictionAPI", **more: Any) -> dict[str, Any]:
    """The status of a pod that the cluster has removed."""
    return {
        "phase": "Failed",
        "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": why}],
        **more,
    }


def report(*entries: Any) -> str:
    """The wire format of a report, from its arrays."""
    return "ij1:" + base64.b85encode(msgspec.msgpack.encode(entries)).decode()


def done(outputs: int = 1, removed: int = 3, notes: int = 0) -> list[Any]:
    """The entry of an item that succeeded."""
    source = [1, 4032, 3024, 1, 3_400_000, DIGEST]
    return [1, source, 148, removed, notes, [[3, 320, 240, 9000, DIGEST]] * outputs]


def failed(
    reason: str = "CorruptImage", message: str = "cut short", source: list[Any] | None = None
) -> list[Any]:
    """The entry of an item that failed, and what is known about its source, as in `done`."""
    return [2, reason, message, 12, source]


def needs(mebibytes: int) -> list[Any]:
    """The entry of an item that takes so much memory, by its source's header."""
    return [4, [1, 16320, 12240, 1, 100, DIGEST], mebibytes << 20]


def source(digest: bytes = DIGEST) -> list[Any]:
    """The report of a source that has been read, and not decoded."""
    return [1, 0, 0, 0, 3_400_000, digest]


def read(digest: bytes = DIGEST) -> list[Any]:
    """The entry of an item whose source has been read, and nothing more."""
    return [3, source(digest)]


def inputs(job: ImageJob | None = None, worker: Worker | None = None, **more: Any) -> Inputs:
    """It is admitted and first in the queue, and nothing is missing, unless `more` says so.

    What the cache lacks, the API server lacks, too.
    """
    known = {"job": job or image_job(), "worker": worker, "stores": {"uploads": store()}}
    return Inputs(**{**known, "quota": ADMITTED, "is_missed": True, **more})


def carried(
    its_pod: Pod | None = None,
    by: WorkerJob | None = None,
    job: ImageJob | None = None,
    **more: Any,
) -> Inputs:
    """A worker has the ImageJob: `by`, or one of its own."""
    job = job or image_job()
    return inputs(job, Worker(by or worker_job(job), its_pod), **more)
