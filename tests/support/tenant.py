"""A team that uploads images: one namespace, one bucket, and what a person would apply there."""

from __future__ import annotations

import io
import json
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

from PIL import Image

from support import crowd

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from imagejob_dev.client import Client

    from support.crowd import Made

Body = dict[str, Any]

SECONDS = 60.0


@cache
def picture(width: int = 640, height: int = 480, kind: str = "JPEG") -> bytes:
    """A photo-like gradient."""
    image = Image.merge("RGB", [Image.linear_gradient("L").resize((width, height)) for _ in "RGB"])
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def apply(cluster: Client, namespace: str, *bodies: Body) -> None:
    """`kubectl apply` of objects in a namespace."""
    text = "\n---\n".join(json.dumps(body) for body in bodies)
    cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=text)


class Tenant:
    """One namespace and its bucket. `apply` takes manifests without a namespace."""

    def __init__(self, cluster: Client, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.bucket = cluster.s3.make_bucket(namespace)

    def put(self, key: str, data: bytes) -> None:
        """Upload an object."""
        client = self.cluster.s3.client()
        client.put_object(Bucket=self.bucket, Key=key, Body=data)
        client.close()

    def get(self, key: str) -> bytes:
        """Download an object."""
        client = self.cluster.s3.client()
        data: bytes = client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        client.close()
        return data

    def keys(self) -> list[str]:
        """All keys of the bucket."""
        client = self.cluster.s3.client()
        listed = client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        client.close()
        return [entry["Key"] for entry in listed]

    def apply(self, *bodies: Body) -> None:
        """`kubectl apply` of objects in this namespace."""
        apply(self.cluster, self.namespace, *bodies)

    def secret(self, name: str = "uploads-s3", **changes: str) -> Body:
        """The credentials of the bucket."""
        credentials = self.cluster.s3.credentials
        data = {
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
            **changes,
        }
        meta = {"name": name}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data}

    def store(self, name: str = "uploads", opened_by: str = "uploads-s3", **changes: Any) -> Body:
        """The store of the bucket."""
        s3 = {
            "endpoint": self.cluster.s3.endpoint,
            "bucket": self.bucket,
            "credentials": {"secretRef": {"name": opened_by}},
            **changes,
        }
        return ours("ImageStore", name, {"s3": s3})

    def open(self) -> None:
        """Apply the Secret and the store."""
        self.apply(self.secret(), self.store())

    def quota(self, *limits: str, **spec: Any) -> None:
        """Apply the ImageQuota of the namespace; a limit is written like `50/1h`."""
        pairs = [limit.split("/") for limit in limits]
        rates = [{"jobs": int(jobs), "per": per} for jobs, per in pairs]
        self.apply(ours("ImageQuota", "default", {"limits": rates, **spec}))

    def quota_status(self, until: Callable[[Body], bool], seconds: float = SECONDS) -> Body:
        """The status of the namespace's ImageQuota once the condition holds."""

        def found(quotas: list[Body]) -> Body | None:
            statuses = [quota.get("status", {}) for quota in quotas]
            return next((status for status in statuses if until(status)), None)

        return self.cluster.wait_for(self.path("imagequotas"), found, seconds)

    def create(self, bodies: Sequence[Body]) -> list[Made]:
        """Create many ImageJobs at once."""
        return crowd.create(self.cluster.rest, self.path("imagejobs"), bodies)

    def kubectl(self, *arguments: str) -> str:
        """kubectl in this namespace."""
        return self.cluster.kubectl("-n", self.namespace, *arguments)

    def patch(self, name: str, **spec: Any) -> None:
        """Change the spec of an ImageJob."""
        path = f"{self.path('imagejobs')}/{name}"
        self.cluster.rest.send("PATCH", path, {"spec": spec}, "merge").json()

    def uid(self, name: str) -> str:
        """The UID of an ImageJob."""
        job = self.cluster.rest.get(f"{self.path('imagejobs')}/{name}")
        uid: str = job["metadata"]["uid"]
        return uid

    def events(self, name: str) -> list[Body]:
        """The Events of an ImageJob, once there is one."""
        path = f"/apis/events.k8s.io/v1/namespaces/{self.namespace}/events"

        def found(events: list[Body]) -> list[Body] | None:
            return [event for event in events if event["regarding"]["name"] == name] or None

        return self.cluster.wait_for(path, found, SECONDS)

    def wait_for_no_workers(self, seconds: float = SECONDS) -> None:
        """Wait until every worker Job has been deleted."""
        self.cluster.wait_for(self.path("jobs"), lambda jobs: None if jobs else True, seconds)

    def version(self, plural: str) -> str:
        """The current resource version of imagejobs or jobs."""
        version: str = self.cluster.rest.get(self.path(plural))["metadata"]["resourceVersion"]
        return version

    def history(self, plural: str, since: str) -> list[Body]:
        """The watch events of imagejobs or jobs after a version, until now."""
        # Past events are sent immediately; the second only ends the watch.
        with self.cluster.rest.watch(self.path(plural), since, 1.0) as events:
            return list(events)

    def path(self, plural: str) -> str:
        """The collection of jobs, pods, or one of our kinds."""
        api = {"jobs": "apis/batch/v1", "pods": "api/v1"}.get(plural, "apis/imagejob.dev/v1alpha1")
        return f"/{api}/namespaces/{self.namespace}/{plural}"

    def status(self, name: str) -> Body:
        """The status of an ImageJob."""
        job = self.cluster.rest.get(f"{self.path('imagejobs')}/{name}")
        status: Body = job.get("status", {})
        return status

    def wait(self, name: str, until: Callable[[Body], bool], seconds: float = SECONDS) -> Body:
        """The status of an ImageJob once the condition holds."""

        def found(objects: list[Body]) -> Body | None:
            statuses = [body.get("status", {}) for body in objects]
            return next((status for status in statuses if until(status)), None)

        selector = f"?fieldSelector=metadata.name={name}"
        return self.cluster.wait_for(self.path("imagejobs") + selector, found, seconds)

    def wait_finished(self, name: str, seconds: float = SECONDS) -> Body:
        """The status of an ImageJob at its end."""
        return self.wait(name, is_finished, seconds)

    def wait_all(
        self, until: Callable[[Body], bool], count: int, seconds: float = SECONDS
    ) -> dict[str, Body]:
        """Name → status of the ImageJobs that meet the condition, once there are that many."""
        last: dict[str, Body] = {}

        def found(jobs: list[Body]) -> dict[str, Body] | None:
            last.update({job["metadata"]["name"]: job.get("status", {}) for job in jobs})
            wanted = {name: status for name, status in last.items() if until(status)}
            return wanted if len(wanted) >= count else None

        try:
            return self.cluster.wait_for(self.path("imagejobs"), found, seconds)
        except TimeoutError:
            stand = Counter((status.get("phase"), reason(status)) for status in last.values())
            raise TimeoutError(f"not {count} of them within {seconds:.0f} s: {stand}") from None


def ours(kind: str, name: str, spec: Body) -> Body:
    """An object of our API."""
    return {
        "apiVersion": "imagejob.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }


def image_job(
    name: str = "cat",
    key: str = "incoming/cat.jpg",
    *,
    store: str = "uploads",
    sha256: str | None = None,
    **spec: Any,
) -> Body:
    """One output of 320 px, unless `spec` says otherwise."""
    recipe = {} if "profileRef" in spec else {"outputs": [{"name": "thumb", "width": 320}]}
    source = {"storeRef": {"name": store}, "key": key, **({"sha256": sha256} if sha256 else {})}
    return ours("ImageJob", name, {"source": source, **recipe, **spec})


def sleeper(name: str) -> Body:
    """A tenant's own Job, which does nothing."""
    container = {"name": "worker", "image": "none", "command": ["python", "-c", "input()"]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": template, "suspend": True},
    }


def is_finished(status: Body) -> bool:
    return status.get("phase") in ("Succeeded", "Failed")


def reason(status: Body) -> str:
    """The reason of the Ready condition."""
    conditions = {each["type"]: each for each in status.get("conditions", [])}
    return str(conditions.get("Ready", {}).get("reason", ""))
