"""Many ImageJobs of one upload, and what must hold for them whatever happened meanwhile."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from support.ledgers import charges
from support.tenant import Body, Tenant, image_job, is_finished, picture

if TYPE_CHECKING:
    from imagejob_dev.client import Client

UPLOAD = "incoming/photo.jpg"


class Burst:
    """`count` ImageJobs of one photo, of which `at_once` may run."""

    def __init__(self, cluster: Client, namespace: str, count: int, at_once: int) -> None:
        self.team = Tenant(cluster, namespace)
        self.names = [f"photo-{number:03}" for number in range(count)]
        self.team.open()
        self.team.quota("1000/1h", maxRunning=at_once)
        self.team.put(UPLOAD, picture(2400, 1600))
        self._began = self.team.version("jobs")
        self.team.create([image_job(name, UPLOAD) for name in self.names])

    def wait_finished(self, count: int | None = None, seconds: float = 60.0) -> dict[str, Body]:
        """Statuses by name, once that many have finished; by default, all."""
        return self.team.wait_all(is_finished, count or len(self.names), seconds)

    def unfinished(self) -> int:
        """The number of unfinished ImageJobs."""
        jobs = self.team.cluster.rest.get(self.team.path("imagejobs"))["items"]
        return sum(not is_finished(job.get("status", {})) for job in jobs)

    def assert_nothing_was_lost(self) -> None:
        """All succeeded, were charged once, and have their output, with the right digest."""
        statuses = self.wait_finished(seconds=180.0)
        phases = Counter(status["phase"] for status in statuses.values())
        digests = {status["outputs"][0]["sha256"] for status in statuses.values()}
        stored = {
            name: hashlib.sha256(self.team.get(f"derived/{name}/thumb.jpg")).hexdigest()
            for name in self.names
        }

        assert phases == {"Succeeded": len(self.names)}
        assert sorted(statuses) == self.names
        assert {*stored.values()} == digests
        assert len(digests) == 1
        assert charges(self.team.cluster, self.team.namespace) == len(self.names)

    def dispatches(self) -> Counter[str]:
        """Name → the number of its worker Jobs."""
        return Counter(
            owner["name"]
            for event in self.team.history("jobs", self._began)
            for owner in event["object"]["metadata"].get("ownerReferences", [])
            if event["type"] == "ADDED"
        )
