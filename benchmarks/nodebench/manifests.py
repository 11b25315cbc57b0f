"""What is applied: an ImageJob; the bare Job that does the same; the Job with the pool.

The bare Job is what the operator itself makes for one ImageJob, as the API server gave it back,
with another order in it (docs/work-order.md) and nothing that would have the operator look at it.
"""

from __future__ import annotations

import base64
import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from operatorbench.crowd import OPEN_QUOTA, Post, ours

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imagejob_dev.rest import Object
    from imagejob_dev.s3 import S3Server

STORE = "uploads"
SECRET = "uploads-s3"  # noqa: S105 (its name)
OUTPUT = {"name": "thumb", "width": 320, "format": "webp"}
ORDER = "IMAGEJOB_ORDER"
KEPT = ("backoffLimit", "completions", "parallelism", "podFailurePolicy")
POOL = Path(__file__).with_name("pool.py")
POOL_SECONDS = 1800


def path(namespace: str, plural: str) -> str:
    """A collection of jobs, pods, secrets or a kind of ours."""
    core = {"jobs": "apis/batch/v1", "pods": "api/v1", "secrets": "api/v1"}
    api = core.get(plural, "apis/imagejob.dev/v1alpha1")
    return f"/{api}/namespaces/{namespace}/{plural}"


def post(namespace: str, plural: str, body: Object) -> Post:
    """To be created."""
    return Post(path(namespace, plural), json.dumps(body).encode())


def image_job(name: str, photo: str, prefix: str, store: str = STORE) -> Object:
    """One photo of 3 MP becomes a WebP picture of 320 px, in a folder of its own name."""
    spec = {
        "source": {"storeRef": {"name": store}, "key": f"incoming/{photo}.jpg"},
        "destination": {"storeRef": {"name": store}, "prefix": f"{prefix}/{name}"},
        "outputs": [OUTPUT],
    }
    return ours("ImageJob", name, spec)


def furniture(
    namespace: str, s3: S3Server, bucket: str, stores: Iterable[str] = (STORE,)
) -> list[Post]:
    """What a namespace needs: the Secret, the stores, which are all the same bucket, a quota."""
    credentials = {
        "AWS_ACCESS_KEY_ID": s3.credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": s3.credentials.secret_key,
    }
    secret = {"metadata": {"name": SECRET}, "stringData": credentials}
    opened = {"credentials": {"secretRef": {"name": SECRET}}}
    store = {"s3": {"endpoint": s3.endpoint, "bucket": bucket, **opened}}
    return [
        post(namespace, "secrets", secret),
        post(namespace, "imagequotas", ours("ImageQuota", "default", OPEN_QUOTA)),
        *(post(namespace, "imagestores", ours("ImageStore", each, store)) for each in stores),
    ]


@dataclass(frozen=True)
class Model:
    """The worker Job of one ImageJob, as it was found in the cluster."""

    job: Object

    def bare(self, name: str, photo: str, prefix: str) -> Object:
        """A Job that does what the ImageJob of that name does."""
        order = self._order(f"incoming/{photo}.jpg", f"{prefix}/{name}")
        return self._job(name, {ORDER: order})

    def pool(self, name: str, photos: Sequence[str], prefix: str) -> Object:
        """One Job for all of them: the same pod, but for what Python is to run."""
        order = self._order("incoming/any.jpg", prefix)
        job = self._job(name, {ORDER: order, "BENCH_PHOTOS": json.dumps(photos)})
        pod = job["spec"]["template"]["spec"]
        pod["containers"][0]["command"] = ["python", "-c", POOL.read_text()]
        pod["activeDeadlineSeconds"] = POOL_SECONDS  # one item's would be too short
        return job

    def _job(self, name: str, variables: dict[str, str]) -> Object:
        own = copy.deepcopy(self.job["spec"])
        pod = own["template"]["spec"]
        (container,) = pod["containers"]
        kept = [each for each in container["env"] if each["name"] not in variables]
        container["env"] = kept + [{"name": n, "value": v} for n, v in variables.items()]
        spec = {key: own[key] for key in KEPT if key in own} | {"template": {"spec": pod}}
        meta = {"name": name}
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}

    def _order(self, key: str, prefix: str) -> str:
        (container,) = self.job["spec"]["template"]["spec"]["containers"]
        (text,) = (each["value"] for each in container["env"] if each["name"] == ORDER)
        order = json.loads(base64.b64decode(text))
        (item,) = order["items"]
        item["source"]["key"], item["destination"]["prefix"] = key, prefix
        return base64.b64encode(json.dumps(order).encode()).decode()
