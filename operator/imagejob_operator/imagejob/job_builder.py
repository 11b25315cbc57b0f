"""Build the objects of a tenant's namespace: pure functions, spec in, manifest out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.api.labels import COMPONENT_LABEL
from imagejob_operator.api.meta import API_VERSION, Manifest
from imagejob_operator.config.platform import Platform, Size, WorkerMemory
from imagejob_operator.contract.order import Order, OrderItem, OrderS3, OrderStore, OrderVolume
from imagejob_operator.kube.pod import ORDER_VARIABLE, SCRATCH
from imagejob_operator.kube.pod_status import CONTAINER

from .resolve import service_accounts

STORES_FOLDER = "/var/run/imagejob/stores"
SCRATCH_FOLDER = "/scratch"
REPORT_FILE = "/dev/termination-log"
TOKEN_AUDIENCE = "sts.amazonaws.com"  # noqa: S105 (a token's audience, not a token)

LABELS = {
    "app.kubernetes.io/name": "imagejob-worker",
    "app.kubernetes.io/managed-by": "imagejob-operator",
    COMPONENT_LABEL: "worker",
}
NOBODY = 65532
START_UP_SECONDS = 60
"""What a worker pod's deadline adds to its items' timeouts."""
NODE_SILENT_SECONDS = 30
"""Kubernetes' default of 300 is for pods that are costly to move; a worker isn't."""


def compose(
    items: Iterable[OrderItem],
    stores: Mapping[str, ImageStore],
    platform: Platform,
    *,
    size: Size = "standard",
) -> Order:
    """Compose the work order of `items`, which share a namespace and a size, and need `stores`."""
    listed = tuple(items)
    return Order(
        version=1,
        formats=platform.formats,
        parallelism=min(platform.parallelism, len(listed)),
        child_memory_bytes=platform.memory_of(size).child_bytes,
        sandbox=platform.sandbox,
        stores={name: _order_store(store) for name, store in stores.items()},
        items=listed,
        internal_cidrs=platform.internal_cidrs,
    )


def worker_name(uids: Iterable[str], number: int) -> str:
    """Derive the name from ImageJobs and dispatch number, so a repeated create finds its Job."""
    text = f"{number}:" + ",".join(sorted(uids))
    return "ij-" + base64.b32encode(hashlib.sha256(text.encode()).digest())[:16].decode().lower()


def worker_job(
    namespace: str,
    name: str,
    order: Order,
    stores: Mapping[str, ImageStore],
    platform: Platform,
    *,
    size: Size = "standard",
) -> Manifest:
    """Build the Job for `order`. All its ImageJobs own it, so it is deleted with the last."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {**platform.pod.labels, **LABELS},
            "ownerReferences": [
                {"apiVersion": API_VERSION, "kind": "ImageJob", "name": item.name, "uid": item.uid}
                for item in order.items
            ],
        },
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            # Never a second pod: it would repeat all items, with sources that may have changed.
            # By this rule the Job reports a disruption of its pod, and keeps the pod until it ends.
            "podFailurePolicy": {
                "rules": [{"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget"}]}]
            },
            "template": {
                "metadata": {
                    "labels": {**platform.pod.all_labels, **LABELS},
                    "annotations": platform.pod.all_annotations,
                },
                "spec": _pod_spec(order, stores, platform, platform.memory_of(size)),
            },
        },
    }


def _pod_spec(
    order: Order, stores: Mapping[str, ImageStore], platform: Platform, memory: WorkerMemory
) -> Manifest:
    """Build a pod that meets the restricted Pod Security Standard, and can't access the cluster."""
    deadline = sum(item.timeout_seconds for item in order.items) + START_UP_SECONDS
    spec: Manifest = {
        "restartPolicy": "Never",
        # The pod's deadline, not the Job's, which would run while the pod is unschedulable.
        "activeDeadlineSeconds": deadline,
        "terminationGracePeriodSeconds": 10,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": NOBODY,
            "runAsGroup": NOBODY,
            "fsGroup": NOBODY,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "tolerations": [
            *(_tolerate(trouble) for trouble in ("not-ready", "unreachable")),
            *msgspec.to_builtins(platform.pod.tolerations),
        ],
        **platform.pod.fields,
        "containers": [_container(order, stores, platform, memory)],
        "volumes": [
            {"name": SCRATCH, "emptyDir": {"sizeLimit": str(platform.scratch_bytes)}},
            *(_volume(index, store) for index, store in enumerate(stores.values())),
        ],
    }
    for account in service_accounts(stores.values()):
        spec["serviceAccountName"] = account
    return spec


def _tolerate(trouble: str) -> Manifest:
    """Tolerate the taint for a limited time; then the pod is evicted, and another replaces it."""
    return {
        "key": f"node.kubernetes.io/{trouble}",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": NODE_SILENT_SECONDS,
    }


def _container(
    order: Order, stores: Mapping[str, ImageStore], platform: Platform, memory: WorkerMemory
) -> Manifest:
    pod_memory = str(memory.pod_bytes_for(order.parallelism))
    return {
        "name": CONTAINER,
        "image": platform.worker_image,
        "imagePullPolicy": platform.worker_image_pull_policy,
        "command": ["python", "-m", "imagejob_worker"],
        "env": [
            {"name": ORDER_VARIABLE, "value": order.encode()},
            {"name": "IMAGEJOB_STORES", "value": STORES_FOLDER},
            {"name": "IMAGEJOB_SCRATCH", "value": SCRATCH_FOLDER},
            {"name": "IMAGEJOB_REPORT", "value": REPORT_FILE},
        ],
        "resources": {
            "requests": {
                "cpu": f"{platform.worker_cpu_millis * order.parallelism}m",
                "memory": pod_memory,
            },
            "limits": {"memory": pod_memory},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePath": REPORT_FILE,
        "terminationMessagePolicy": "File",
        "volumeMounts": [
            {"name": SCRATCH, "mountPath": SCRATCH_FOLDER},
            *(_mount(index, name, store) for index, (name, store) in enumerate(stores.items())),
        ],
    }


def _volume(index: int, store: ImageStore) -> Manifest:
    """The volume that gives access to a store: its Secret, a projected token, or the claim."""
    name = f"store-{index}"
    if store.spec.volume:
        return {
            "name": name,
            "persistentVolumeClaim": {"claimName": store.spec.volume.claim_name},
        }
    secret = store.spec.s3.credentials.secret_ref if store.spec.s3 else None
    if secret:
        return {"name": name, "secret": {"secretName": secret.name, "defaultMode": 0o440}}
    token = {"audience": TOKEN_AUDIENCE, "expirationSeconds": 3600, "path": "token"}
    return {"name": name, "projected": {"sources": [{"serviceAccountToken": token}]}}


def _mount(index: int, name: str, store: ImageStore) -> Manifest:
    mount: Manifest = {"name": f"store-{index}", "mountPath": f"{STORES_FOLDER}/{name}"}
    if not store.spec.volume:
        mount["readOnly"] = True
    elif store.spec.volume.sub_path:
        mount["subPath"] = store.spec.volume.sub_path
    return mount


def _order_store(store: ImageStore) -> OrderStore:
    s3, volume, generation = store.spec.s3, store.spec.volume, store.metadata.generation or None
    if not s3:
        place = OrderVolume(volume.claim_name, volume.sub_path) if volume else OrderVolume()
        return OrderStore(volume=place, generation=generation)
    return OrderStore(
        generation=generation,
        s3=OrderS3(
            endpoint=s3.endpoint,
            bucket=s3.bucket,
            region=s3.region,
            path_style=s3.path_style,
            prefix=s3.prefix,
            ca_bundle=s3.ca_bundle,
            role_arn=s3.credentials.role_arn,
        ),
    )
