"""What the tenant sends: new objects of every kind, and changes of every class of field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagejob_operator.imagejob.job_builder import worker_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Body = dict[str, Any]

HUGE = "x" * (250 << 10)
LABEL = "imagejob.dev/component"
HOLD = "tenant.example/hold"
NOWHERE = "http://127.0.0.1:9"
NO_BUCKET = "no-such-bucket"
KEYS = tuple(f"incoming/{letter}.png" for letter in "abcd")
STORES = ("uploads", "other")
PREFIXES = (None, "out", "deep/out", "deep")
"""Prefixes of destinations; `other` is below `deep`, so that two paths lead to one folder."""
HARDENED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}
REPORTER = "imagejob.dev/operator"
REPORTERS = (REPORTER, "imagejob-operator")
GONE = "00000000-0000-0000-0000-000000000000"


def pick(items: Sequence[Any], number: int) -> Any:
    return items[number % len(items)]


def kind(resource: str, api: str, name: str, **fields: Any) -> Body:
    kinds = {
        "imagejobs": "ImageJob",
        "imageprofiles": "ImageProfile",
        "imagestores": "ImageStore",
        "imagequotas": "ImageQuota",
        "jobs": "Job",
        "pods": "Pod",
        "secrets": "Secret",
        "events": "Event",
        "serviceaccounts": "ServiceAccount",
        "poddisruptionbudgets": "PodDisruptionBudget",
    }
    meta = {"name": name, **fields.pop("metadata", {})}
    version = api.split("/", 2)[2]
    return {"apiVersion": version, "kind": kinds[resource], "metadata": meta, **fields}


def image_job(options: Mapping[str, Any]) -> tuple[str, Body]:
    """An ImageJob: its name, and its body without apiVersion and kind."""
    name = f"photo-{options['name']}"
    names = ("thumb", "full")[: options["outputs"]]
    prefix = pick(PREFIXES, options["prefix"])
    spec: Body = {
        "source": {
            "storeRef": {"name": pick(STORES, options["store"])},
            "key": pick(KEYS, options["key"]),
        },
        "retries": options["retries"],
        "timeoutSeconds": options["seconds"],
        "suspend": options["suspend"],
        "priority": options["priority"],
    }
    if prefix:
        spec["destination"] = {"prefix": prefix}
    if options["profile"]:
        spec["profileRef"] = {"name": "web"}
    else:
        spec["outputs"] = [{"name": each, "format": "png"} for each in names]
    return name, {"spec": spec}


def store(endpoint: str, bucket: str, opened_by: str = "uploads-s3", **more: Any) -> Body:
    s3 = {
        "endpoint": endpoint,
        "bucket": bucket,
        "credentials": {"secretRef": {"name": opened_by}},
        **more,
    }
    return {"s3": s3}


PROFILE = {"outputs": [{"name": "thumb", "format": "png"}, {"name": "full", "format": "png"}]}


def create(
    resource: str,
    value: int,
    world: Mapping[str, str],
    targets: Sequence[Body],
    workers: Sequence[Body],
) -> tuple[str, Body]:
    """A new object: its name, and its body without apiVersion and kind.

    `targets` are existing ImageJobs, `workers` existing worker Jobs and pods.
    """
    makers = {
        "imageprofiles": lambda: ("web", {"spec": PROFILE}),
        "imagestores": lambda: (
            pick(STORES, value),
            {"spec": pick(stores(world), value)},
        ),
        "imagequotas": lambda: ("default", {"spec": {"limits": [{"jobs": 10**6, "per": "1s"}]}}),
        "secrets": lambda: ("uploads-s3", {"stringData": pick(secrets(world), value)}),
        "serviceaccounts": lambda: ("more", {}),
        "poddisruptionbudgets": lambda: (
            f"keep-{value}",
            {"spec": {"maxUnavailable": 0, "selector": {"matchLabels": {LABEL: "worker"}}}},
        ),
        "jobs": lambda: _job(value, targets),
        "pods": lambda: _pod(value, workers),
        "events": lambda: _event(value, world["namespace"], targets, workers),
    }
    return makers[resource]()


def stores(world: Mapping[str, str]) -> list[Body]:
    """Stores of the same bucket in various spellings, and some that lead nowhere."""
    endpoint, bucket = world["endpoint"], world["bucket"]
    return [
        store(endpoint, bucket),
        store(endpoint, bucket, prefix="deep"),
        store(f"{endpoint}/", bucket),
        store(endpoint.replace("http", "HTTP"), bucket),
        store(endpoint, bucket, prefix="deep/out"),
        store(NOWHERE, bucket),
        store(endpoint, bucket, "no-such-secret"),
        store(endpoint, NO_BUCKET),
    ]


def secrets(world: Mapping[str, str]) -> list[dict[str, str]]:
    right = {"AWS_ACCESS_KEY_ID": world["id"], "AWS_SECRET_ACCESS_KEY": world["secret"]}
    return [right, {**right, "AWS_SECRET_ACCESS_KEY": "wrong"}, right, {"else": HUGE}]


def _container() -> Body:
    return {
        "name": "worker",
        "image": "none",
        "command": ["python", "-c", "pass"],
        "securityContext": HARDENED,
    }


def _job(value: int, targets: Sequence[Body]) -> tuple[str, Body]:
    """A Job that does nothing, with a worker's labels or under a worker's name."""
    labels = {LABEL: "worker"} if value % 4 == 0 else {}
    name = f"own-{value}"
    if targets and value % 4 in (1, 2):
        name = worker_name([pick(targets, value)["metadata"]["uid"]], value // 4)
    template = {"spec": {"restartPolicy": "Never", "containers": [_container()]}}
    meta = {"labels": labels}
    return name, {"metadata": meta, "spec": {"template": template, "suspend": value % 3 != 0}}


def _pod(value: int, workers: Sequence[Body]) -> tuple[str, Body]:
    """A pod that ends immediately, labelled as a worker, or so that a worker Job adopts it."""
    labels = {LABEL: "worker"} if value % 4 == 0 else {}
    theirs = [pod["metadata"].get("labels", {}) for pod in workers if pod.get("kind") != "Job"]
    if theirs and value % 4 in (1, 2):
        labels = {key: text for key, text in pick(theirs, value).items() if "batch" in key}
    spec = {"restartPolicy": "Never", "containers": [_container()]}
    return f"own-{value}", {"metadata": {"labels": labels}, "spec": spec}


def _event(
    value: int, namespace: str, targets: Sequence[Body], workers: Sequence[Body]
) -> tuple[str, Body]:
    """An Event under a name of the operator's, or about a worker, to put words into a status."""
    about = pick([*targets, *workers] or [{"metadata": {"name": "x", "uid": GONE}}], value)
    meta = about["metadata"]
    is_worker = about in workers
    involved = {
        "kind": "Job" if is_worker else "ImageJob",
        "namespace": namespace,
        "name": meta["name"],
        "uid": meta["uid"],
    }
    body = {
        "involvedObject": involved,
        "reason": "FailedCreate" if is_worker else "Succeeded",
        "message": HUGE[:1000] if value % 2 else "all is well",
        "type": "Warning" if is_worker else "Normal",
        "action": "Succeeded",
        "source": {"component": "job-controller" if is_worker else pick(REPORTERS, value)},
        "reportingComponent": pick(REPORTERS, value // 2),
        "reportingInstance": "a",
    }
    return f"{meta['uid']}.{value % 6 + 1}", body
