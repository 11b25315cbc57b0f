"""ImageJobs by the hundred thousand, put where the API server keeps them: into etcd.

Through the API server they would take a quarter of an hour. They are copies of one that went all
the way, each with a name and a UID of its own.
"""

from __future__ import annotations

import base64
import copy
import http.client
import json
import uuid
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imagejob_dev.rest import Object

    from operatorbench.plane import Plane

IN_ONE = 100  # etcd takes 128 at most
PREFIX = "/registry/imagejob.dev/imagejobs"


def multiply(plane: Plane, example: Object, namespaces: Sequence[str], count: int) -> None:
    """Store `count` copies of an ImageJob, one of each namespace after the other."""
    with closing(http.client.HTTPConnection("127.0.0.1", plane.etcd_port)) as connection:
        copies = _copies(example, namespaces, count)
        while some := list(islice(copies, IN_ONE)):
            puts = [{"requestPut": put} for put in some]
            connection.request("POST", "/v3/kv/txn", json.dumps({"success": puts}))
            response = connection.getresponse()
            answer = response.read()
            if response.status != http.client.OK:
                raise RuntimeError(answer.decode(errors="replace"))


def _copies(example: Object, namespaces: Sequence[str], count: int) -> Iterator[Object]:
    for number in range(count):
        each = copy.deepcopy(example)
        meta = each["metadata"]
        meta |= {
            "name": f"old-{number:06}",
            "namespace": namespaces[number % len(namespaces)],
            "uid": str(uuid.uuid4()),
        }
        del meta["resourceVersion"]  # etcd's revision is that
        key = f"{PREFIX}/{meta['namespace']}/{meta['name']}"
        yield {"key": _text(key), "value": _text(json.dumps(each))}


def _text(plain: str) -> str:
    return base64.b64encode(plain.encode()).decode()
