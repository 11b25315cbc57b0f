"""Objects of every watched kind with all their fields, and one of these replaced by anything."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from imagejob_operator.cache.cluster_cache import KINDS
from imagejob_operator.imagejob import job_builder
from imagejob_operator.imagejob.resolve import Resolved
from imagejob_operator.kube.reader import Reader, Unreadable
from imagejob_operator.observability.metrics import Metrics

from support.api_objects import PLATFORM, image_job, store
from support.memory_api import DEEP, dump
from support.resolving import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from support.memory_api import Body

Path = tuple[str | int, ...]
TIME = "2026-11-22T09:59:50Z"


def meta(name: str, namespace: str, **more: Any) -> Body:
    """As the API server makes it."""
    return {
        "name": name,
        "namespace": namespace,
        "uid": f"uid-{namespace}-{name}",
        "resourceVersion": "1",
        "generation": 1,
        "creationTimestamp": TIME,
        "labels": {"kueue.x-k8s.io/queue-name": "q"},
        "annotations": {"imagejob.dev/requested-by": "ann"},
        **more,
    }


def condition(kind: str, status: str, reason: str) -> Body:
    times = {"lastTransitionTime": TIME, "observedGeneration": 1}
    return {"type": kind, "status": status, "reason": reason, "message": "m", **times}


OUTPUT = {
    "name": "thumb", "width": 320, "height": 240, "fit": "cover", "gravity": "smart",
    "enlarge": False, "format": "webp", "quality": 80, "lossless": False, "maxBytes": "300Ki",
    "progressive": False, "animated": False, "background": "#ffffff", "cacheControl": "no-cache",
}  # fmt: skip
LIMITS = {"maxBytes": "10Mi", "maxPixels": 1_000_000, "maxFrames": 10}
STATUS = {
    "phase": "Queued",
    "observedGeneration": 1,
    "conditions": [
        condition("Admitted", "True", "Admitted"),
        condition("Ready", "False", "Evicted"),
    ],
    "queue": {"position": 1, "eligibleAt": TIME},
    "attempts": 1,
    "disruptions": 1,
    "lastFailure": {
        "attempt": 1, "reason": "WorkerLost", "message": "m", "time": TIME, "worker": "ij-old",
    },
    "profile": {"name": "web", "generation": 1, "digest": "sha256:00"},
    "stores": [{"name": "uploads", "generation": 1, "endpoint": "https://s3.test", "bucket": "b"}],
    "worker": {"job": "ij-old", "pod": "ij-old-x2k9q", "node": "n1"},
    "source": {
        "sha256": "00" * 32, "bytes": 9, "format": "jpeg", "width": 1, "height": 1, "frames": 1,
    },
    "notes": ["n"],
    "startTime": TIME,
    "audit": [
        {
            "seq": 1, "time": TIME, "actor": "a", "event": "Queued", "reason": "Evicted",
            "message": "m", "count": 2,
        }
    ],
}  # fmt: skip


def rich_image_job(namespace: str) -> Body:
    spec = {
        "source": {"storeRef": {"name": "uploads"}, "key": "in/bad.jpg", "sha256": "00" * 32},
        "destination": {"storeRef": {"name": "uploads"}, "prefix": "derived/bad"},
        "outputs": [OUTPUT],
        "metadata": {"keep": ["icc"]},
        "limits": LIMITS,
        "priority": 0,
        "suspend": False,
        "retries": 3,
        "timeoutSeconds": 60,
        "ttlSecondsAfterFinished": 60,
    }
    return {"metadata": meta("bad", namespace), "spec": spec, "status": STATUS}


def rich_profile(namespace: str) -> Body:
    spec = {"outputs": [OUTPUT], "metadata": {"keep": ["icc"]}, "limits": LIMITS}
    return {"metadata": meta("bad", namespace), "spec": spec}


def rich_store(namespace: str) -> Body:
    s3 = {
        "endpoint": "https://s3.test", "bucket": "b", "region": "eu", "prefix": "p",
        "pathStyle": True, "caBundle": "c",
        "credentials": {"serviceAccountName": "s", "roleArn": "r"},
    }  # fmt: skip
    return {"metadata": meta("bad", namespace), "spec": {"s3": s3}}


def rich_quota(namespace: str) -> Body:
    spec = {
        "limits": [{"jobs": 100, "per": "1h"}, {"jobs": 1000, "per": "1d"}],
        "maxRunning": 50,
        "maxWaiting": 100,
        "onExceeded": "Wait",
        "weight": 2,
        "workerLimits": {"maxTimeoutSeconds": 60, "maxRetries": 2, "minBytesPerSecond": "64Ki"},
    }
    use = {"jobs": 100, "per": "1h", "used": 1, "remaining": 99, "nextAvailable": TIME}
    conditions = [condition("Ready", "True", "Applied")]
    status = {"observedGeneration": 1, "limits": [use], "waiting": 1, "running": 1}
    return {
        "metadata": meta("default", namespace),
        "spec": spec,
        "status": {**status, "conditions": conditions},
    }


def rich_worker(namespace: str) -> Body:
    """Of the ImageJob `busy`, as the operator makes it."""
    job = image_job("busy", meta={"namespace": namespace, "uid": f"uid-{namespace}-busy"})
    resolved = resolve(job, None, {"uploads": store()}, PLATFORM)
    assert isinstance(resolved, Resolved)
    stores = {"uploads": store()}
    order = job_builder.compose([resolved.item], stores, PLATFORM)
    body = job_builder.worker_job(namespace, "ij-busy", order, stores, PLATFORM)
    made = meta("ij-busy", namespace, labels=body["metadata"]["labels"])
    status = {"conditions": [condition("Suspended", "False", "Resumed")]}
    return {**body, "metadata": made, "status": status}


def rich_pod(namespace: str) -> Body:
    """Of that worker; it runs."""
    return pod_of(rich_worker(namespace))


def pod_of(job: Body) -> Body:
    """Of a worker Job; it runs."""
    name, namespace, uid = (job["metadata"][key] for key in ("name", "namespace", "uid"))
    owner = {"uid": uid, "kind": "Job", "name": name, "controller": True}
    labels = {"batch.kubernetes.io/job-name": name, **job["metadata"]["labels"]}
    spec = {**job["spec"]["template"]["spec"], "nodeName": "n1", "activeDeadlineSeconds": 600}
    state = {"running": {"startedAt": TIME}}
    status = {
        "phase": "Running",
        "reason": "r",
        "message": "m",
        "conditions": [condition("PodScheduled", "True", "r")],
        "containerStatuses": [{"name": "worker", "state": state}],
    }
    made = meta(f"{name}-x2k9q", namespace, labels=labels, ownerReferences=[owner])
    return {"metadata": made, "spec": spec, "status": status}


RICH = {
    "imagejobs": rich_image_job,
    "imageprofiles": rich_profile,
    "imagestores": rich_store,
    "imagequotas": rich_quota,
    "jobs": rich_worker,
    "pods": rich_pod,
}
"""An object of each kind, by the kind's plural."""


class Absent(Enum):
    """What stands for a field that is left out: unlike an object(), its repr never differs."""

    MISSING = auto()


MISSING = Absent.MISSING

TIMES = ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-22T10:00:00", "yesterday"]
TEXTS = [
    "",
    "newer",
    "\x00",
    "\ud800",
    "1e99Ti",
    "9" * 5000,
    "-1",
    "8d",
    "0s",
    "WorkerEaten",
    *TIMES,
]
NUMBERS = [0, -1, 1.5, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**400]
SHAPES = [None, True, False, [], {}, [None], [[]], {"a": {"b": "c"}}, ["x"], DEEP, [DEEP]]

anything = st.one_of(
    st.sampled_from([MISSING, *SHAPES]),
    st.sampled_from(NUMBERS),
    st.sampled_from(TEXTS),
    st.integers(),
    st.text(max_size=20),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3), lambda inner:
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6),
)  # fmt: skip


def paths(value: object, at: Path = ()) -> Iterator[Path]:
    """Every field, at any depth, and every element."""
    if at:
        yield at
    items: Iterable[tuple[str | int, object]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for step, inner in items:
        yield from paths(inner, (*at, step))


PATHS = {plural: list(paths(make("n"))) for plural, make in RICH.items()}


@dataclass(frozen=True)
class Change:
    """One field of an object of the kind, and what it is replaced by."""

    plural: str
    path: Path
    value: Any = field(compare=False)

    def made(self, namespace: str) -> Body:
        """The object in that namespace."""
        body = copy.deepcopy(RICH[self.plural](namespace))
        *way, last = self.path
        inner: Any = body
        for step in way:
            inner = inner[step]
        if self.value is MISSING:
            del inner[last]
        else:
            inner[last] = self.value
        return body

    @property
    def keeps_its_name(self) -> bool:
        """Whether it can still be told which object it is."""
        return self.path not in (("metadata",), ("metadata", "name"), ("metadata", "namespace"))

    @cached_property
    def is_unreadable(self) -> bool:
        """Whether this checkout's operator can't read it."""
        (kind,) = [kind for kind in KINDS if kind.plural == self.plural]
        return isinstance(Reader(Metrics()).read(kind, dump(self.made("n"))), Unreadable)


@st.composite
def changes(draw: st.DrawFn, plurals: tuple[str, ...] = tuple(RICH)) -> Change:
    """Any field of any of these kinds, replaced by anything."""
    plural = draw(st.sampled_from(plurals))
    return Change(plural, draw(st.sampled_from(PATHS[plural])), draw(anything))
