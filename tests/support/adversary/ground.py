"""The tenant's namespace as its administrator sees it: what exists, and what is in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from imagejob_dev.rest import ApiError

from support.adversary import bodies
from support.adversary.moves import RESOURCES
from support.tenant import Tenant

if TYPE_CHECKING:
    from imagejob_dev.client import Client

    from support.adversary.front import Front

Body = dict[str, Any]

TIMEOUT_SECONDS = 10.0
REFUSED = 400
FINISHED = ("Succeeded", "Failed")
BY_ITSELF = {"QuotaUsedUp", "StoreNotFound", "ProfileNotFound", "Suspended"}
"""Reasons that may delay an ImageJob for as long as they last."""


class Ground:
    """`world` is what bodies are made of: the store's address and its credentials."""

    def __init__(self, cluster: Client, front: Front, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.team = Tenant(cluster, namespace)
        self.world = {
            "namespace": namespace,
            "endpoint": front.endpoint,
            "bucket": self.team.bucket,
            "id": cluster.s3.credentials.access_key,
            "secret": cluster.s3.credentials.secret_key,
        }

    def open(self) -> None:
        """Restore the stores, the Secret and the profile, or set them to new values."""
        endpoint, bucket = self.world["endpoint"], self.team.bucket
        secret = {
            "AWS_ACCESS_KEY_ID": self.world["id"],
            "AWS_SECRET_ACCESS_KEY": self.world["secret"],
        }
        api = RESOURCES["imagestores"]
        plain, deep = bodies.store(endpoint, bucket), bodies.store(endpoint, bucket, prefix="deep")
        self.team.apply(
            bodies.kind("secrets", RESOURCES["secrets"], "uploads-s3", stringData=secret),
            bodies.kind("imagestores", api, "uploads", spec=plain),
            bodies.kind("imagestores", api, "other", spec=deep),
            bodies.kind("imageprofiles", api, "web", spec=bodies.PROFILE),
        )

    def path(self, resource: str, namespace: str = "") -> str:
        return f"{RESOURCES[resource]}/namespaces/{namespace or self.namespace}/{resource}"

    def all(self, resource: str, *namespaces: str) -> list[Body]:
        """The oldest first, so that a number always finds the same object."""
        paths = [self.path(resource, each) for each in namespaces or (self.namespace,)]
        items = [item for path in paths for item in self.cluster.rest.get(path)["items"]]
        return sorted(items, key=_age)

    def workers(self) -> list[Body]:
        """The Jobs and pods of the namespace."""
        return [
            {**item, "kind": kind}
            for resource, kind in (("jobs", "Job"), ("pods", "Pod"))
            for item in self.all(resource)
        ]

    def unsettled(self, *namespaces: str) -> dict[str, str]:
        """UID → phase and reason, of unfinished ImageJobs, except those that wait for what the
        tenant removed itself or for its own limit.
        """
        found = {}
        for body in self.all("imagejobs", *namespaces):
            status = body.get("status", {})
            reasons = {each["type"]: each["reason"] for each in status.get("conditions", [])}
            if status.get("phase") not in FINISHED and not BY_ITSELF & {*reasons.values()}:
                stand = f"{status.get('phase')} {reasons.get('Ready')}"
                found[body["metadata"]["uid"]] = stand
        return found

    def clear_the_way(self) -> None:
        """Remove foreign finalizers, suspensions, and the tenant's own workloads."""
        for resource in ("imagejobs", "jobs", "pods"):
            for body in self.all(resource):
                self._free(resource, body)

    def _free(self, resource: str, body: Body) -> None:
        meta = body["metadata"]
        there = f"{self.path(resource)}/{meta['name']}"
        held = {bodies.HOLD, "orphan", "foregroundDeletion"} & {*meta.get("finalizers", [])}
        if held:
            left = [each for each in meta["finalizers"] if each not in held]
            self._patch(there, {"metadata": {"finalizers": left}})
        if resource == "imagejobs" and body["spec"].get("suspend"):
            self._patch(there, {"spec": {"suspend": False}})
        if resource != "imagejobs" and not _is_worker(body):
            self._delete(f"{there}?propagationPolicy=Background")

    def _delete(self, there: str) -> None:
        try:
            self.cluster.rest.delete(there)
        except ApiError as error:
            if error.status < REFUSED:
                raise

    def _patch(self, there: str, change: Body) -> int:
        """Ignore the response: the object may be deleted, or have ended."""
        return self.cluster.rest.send("PATCH", there, change, "merge").status


def _is_worker(body: Body) -> bool:
    return bool(body["metadata"].get("labels", {}).get(bodies.LABEL) == "worker")


def _age(body: Body) -> tuple[str, str]:
    meta = body["metadata"]
    return str(meta["creationTimestamp"]), str(meta["uid"])
