"""What is applied: ImageJobs of many teams, mixed as teams that upload at once mix them."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_dev.rest import Object, Rest

CONNECTIONS = 8
TIMEOUT_SECONDS = 120.0
CREATED = 201
API = "/apis/imagejob.dev/v1alpha1"
ALL_IMAGE_JOBS = f"{API}/imagejobs"
OPEN_QUOTA = {"limits": [{"jobs": 1_000_000, "per": "1h"}]}
STORE = {
    "s3": {
        "endpoint": "http://s3.invalid",
        "bucket": "uploads",
        "credentials": {"secretRef": {"name": "uploads"}},
    }
}


class Post(NamedTuple):
    """One object to create."""

    path: str
    body: bytes


def ours(kind: str, name: str, spec: Object) -> Object:
    """An object of our API."""
    meta = {"name": name}
    return {"apiVersion": "imagejob.dev/v1alpha1", "kind": kind, "metadata": meta, "spec": spec}


def image_job(name: str) -> Object:
    """One photo, one output, a destination of its own."""
    spec = {
        "source": {"storeRef": {"name": "uploads"}, "key": f"incoming/{name}.jpg"},
        "outputs": [{"name": "thumb", "width": 320, "format": "webp"}],
    }
    return ours("ImageJob", name, spec)


def image_jobs(namespaces: Sequence[str], count: int, prefix: str = "photo") -> list[Post]:
    """`count` in all, one of each namespace after the other."""
    return [
        Post(
            f"{API}/namespaces/{namespaces[number % len(namespaces)]}/imagejobs",
            json.dumps(image_job(f"{prefix}-{number:06}")).encode(),
        )
        for number in range(count)
    ]


def furnish(rest: Rest, namespaces: Sequence[str], quota: Object = OPEN_QUOTA) -> None:
    """A store and a quota for each namespace."""
    for name in namespaces:
        base = f"{API}/namespaces/{name}"
        rest.post(f"{base}/imagestores", ours("ImageStore", "uploads", STORE))
        rest.post(f"{base}/imagequotas", ours("ImageQuota", "default", quota))


def create(rest: Rest, posts: Sequence[Post]) -> float:
    """Create all, over kept connections; the seconds that it took. Raises RuntimeError."""
    began = time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        shares = [posts[first::CONNECTIONS] for first in range(CONNECTIONS)]
        list(pool.map(lambda share: _create(rest, share), shares))
    return time.monotonic() - began


def _create(rest: Rest, posts: Sequence[Post]) -> None:
    with rest.session(TIMEOUT_SECONDS) as session:
        for post in posts:
            answer = session.send("POST", post.path, post.body)
            if answer.status != CREATED:
                raise RuntimeError(answer.text)
