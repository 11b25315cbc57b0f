"""Teams whose stores drip: a worker of theirs keeps its place until its time is used up."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from support.s3_stores import Stub
from support.tenant import Tenant, image_job

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

    from imagejob_dev.client import Client

BYTES = 40 * 1024**2
"""What a source claims to weigh: less than may be, more than is ever sent."""

RATE = 32 * 1024
"""Bytes a second: twice the least that a store has to give, so that nothing is wrong with it."""

TICK = 0.25
LONGEST = {"timeoutSeconds": 3600, "retries": 10}


def drip(request: BaseHTTPRequestHandler) -> None:
    """Any object, of honest length, as slowly as may be."""
    request.send_response_only(200)  # and nothing is logged
    request.send_header("Content-Length", str(BYTES))
    request.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
    request.send_header("ETag", '"x"')
    request.end_headers()
    gone = threading.Event()
    while not gone.wait(TICK):
        try:
            request.wfile.write(bytes(int(RATE * TICK)))
        except OSError:
            gone.set()


class Hog(Tenant):
    """A team with such a store, which `stub` serves."""

    def __init__(self, cluster: Client, namespace: str, stub: Stub) -> None:
        super().__init__(cluster, namespace)
        self._stub = stub

    def open(self) -> None:
        self.apply(self.secret(), self.store(endpoint=self._stub.endpoint))

    def begin(self, count: int, prefix: str = "drip") -> None:
        """So many ImageJobs, which ask for as much time and as many retries as can be said."""
        self.create([image_job(f"{prefix}-{n}", **LONGEST) for n in range(count)])

    def workers(self) -> int:
        """How many of its worker Jobs there are."""
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs"
        return len(self.cluster.rest.get(path)["items"])

    def wait_for_workers(self, count: int, seconds: float = 60.0) -> None:
        """Until it has so many worker Jobs."""
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs"
        self.cluster.wait_for(path, lambda jobs: len(jobs) == count or None, seconds)
