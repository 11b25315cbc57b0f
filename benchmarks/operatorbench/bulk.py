"""ImageJobs by the hundred thousand, put where the API server keeps them: into etcd.

Through the API server they would take a quarter of an hour. They are copies of one that went all
the way, each with a name and a UID of its own.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from itertools import islice
from typing import TYPE_CHECKING

from imagejob_dev.rest import over_http

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imagejob_dev.rest import Object

    from operatorbench.plane import Plane

IN_ONE = 100  # etcd takes 128 at most
PREFIX = "/registry/imagejob.dev/imagejobs"
NEWEST = "/apis/imagejob.dev/v1alpha1/imagejobs?limit=1&fieldSelector=status.phase!%3DSucceeded"
KNOWN_SECONDS = 900.0


def multiply(plane: Plane, example: Object, namespaces: Sequence[str], count: int) -> None:
    """Store `count` copies of an ImageJob, one of each namespace after the other.

    The API server is stopped meanwhile: it lists so many in seconds, but takes minutes over the
    news of them. Returns once it knows them.
    """
    plane.apiserver.stop()
    with over_http(plane.etcd_port).session(KNOWN_SECONDS) as session:
        copies = _copies(example, namespaces, count)
        while some := list(islice(copies, IN_ONE)):
            puts = [{"requestPut": put} for put in some]
            session.send("POST", "/v3/kv/txn", {"success": puts}).json()
    plane.apiserver.start()
    deadline = time.monotonic() + KNOWN_SECONDS
    while not plane.rest.answers(NEWEST):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the API server does not know them after {KNOWN_SECONDS:.0f} s")
        time.sleep(0.5)


def _copies(example: Object, namespaces: Sequence[str], count: int) -> Iterator[Object]:
    marks = {"name": "@NAME@", "namespace": "@NAMESPACE@", "uid": "@UID@"}
    meta = {key: value for key, value in example["metadata"].items() if key != "resourceVersion"}
    text = json.dumps({**example, "metadata": meta | marks})
    for number in range(count):
        name, namespace = f"old-{number:06}", namespaces[number % len(namespaces)]
        own = text.replace("@NAME@", name).replace("@NAMESPACE@", namespace)
        value = own.replace("@UID@", str(uuid.uuid4()))
        yield {"key": _base64(f"{PREFIX}/{namespace}/{name}"), "value": _base64(value)}


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
