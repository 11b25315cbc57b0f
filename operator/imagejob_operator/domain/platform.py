"""What the platform decides, once, for every namespace."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from .model import SourceFormat
from .order import OrderLimits
from .quota import Policy

MIB = 1024 * 1024


class WorkerMemory(msgspec.Struct, frozen=True):
    """What a worker pod may use, and what one image's process in it. In bytes."""

    pod_bytes: int
    child_bytes: int


class Platform(msgspec.Struct, frozen=True):
    """How workers run and what a source may cost at most. Sizes in bytes, CPU in millicores.

    `large_memory` is for the ImageJobs that needed more than `memory`. `backoff` is how long the
    first retry waits. `trusts_requester` says that an admission policy vouches for who asked.
    """

    worker_image: str
    worker_image_pull_policy: str = "IfNotPresent"
    formats: tuple[SourceFormat, ...] = ("jpeg", "png", "webp")
    limits: OrderLimits = OrderLimits(max_bytes=50 * MIB, max_pixels=50_000_000, max_frames=100)
    worker_cpu_millis: int = 250
    memory: WorkerMemory = WorkerMemory(pod_bytes=1024 * MIB, child_bytes=768 * MIB)
    large_memory: WorkerMemory = WorkerMemory(pod_bytes=3072 * MIB, child_bytes=2816 * MIB)
    scratch_bytes: int = 2048 * MIB
    parallelism: int = 1
    backoff: timedelta = timedelta(seconds=10)
    trusts_requester: bool = False

    def memory_for(self, *, large: bool) -> WorkerMemory:
        """Of the class that an attempt goes in."""
        return self.large_memory if large else self.memory


class Caps(msgspec.Struct, frozen=True):
    """How many workers may be at work, and the quota of namespaces that have none of their own."""

    default: Policy
    max_workers: int
    max_workers_per_namespace: int
