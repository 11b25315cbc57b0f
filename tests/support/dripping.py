"""Teams with dripping stores: their workers hold their slots until the deadline."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from support.s3_stores import Stub
from support.tenant import Tenant, image_job

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

    from imagejob_dev.client import Client

BYTES = 40 * 1024**2
"""The claimed size of a source: less than the limit, more than is ever sent."""

RATE = 32 * 1024
"""Bytes per second: twice the minimum rate for a store, so that it counts as healthy."""

TICK = 0.25
LONGEST = {"timeoutSeconds": 3600, "retries": 10}


def drip(request: BaseHTTPRequestHandler) -> None:
    """Send any object, with a correct length, as slowly as allowed."""
    request.send_response_only(200)  # and log nothing
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
        """Create that many ImageJobs, with the longest time and the most retries that exist."""
        self.create([image_job(f"{prefix}-{n}", **LONGEST) for n in range(count)])

    def workers(self) -> int:
        """The number of its worker Jobs."""
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs"
        return len(self.cluster.rest.get(path)["items"])

    def wait_for_workers(self, count: int, seconds: float = 60.0) -> None:
        """Wait until it has that many worker Jobs."""
        path = f"/apis/batch/v1/namespaces/{self.namespace}/jobs"
        self.cluster.wait_for(path, lambda jobs: len(jobs) == count or None, seconds)
