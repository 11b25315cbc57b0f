"""What the platform decides, once, for every namespace."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import Literal, get_args

import msgspec

from imagejob_operator.api.imagejob import SourceFormat
from imagejob_operator.api.imagequota import ImageQuota
from imagejob_operator.contract.order import OrderLimits
from imagejob_operator.quota.rates import Policy

from .bounds import Bounds
from .reserve import Reserve
from .timings import Timings
from .worker_pod import WorkerPod

MIB = 1024 * 1024


Size = Literal["small", "standard", "large"]
"""A class of memory. What needs more than the standard is known only once it has failed there."""

SIZES: tuple[Size, ...] = get_args(Size)
"""The smallest first."""


class WorkerMemory(msgspec.Struct, frozen=True):
    """What a worker pod of one lane may use, and what one image's process in it. In bytes."""

    pod_bytes: int
    child_bytes: int

    def pod_bytes_for(self, lanes: int) -> int:
        """Of a pod in which so many images are processed at once."""
        return self.pod_bytes + (lanes - 1) * self.child_bytes


class Platform(msgspec.Struct, frozen=True):
    """How workers run and what a source may cost at most. Sizes in bytes, CPU in millicores.

    `bounds` are what an ImageJob's own timeout and retries, and its stores, are held to.
    `worker_cpu_millis` is for each of the `parallelism` lanes that a worker has at most.
    `small_memory` is for ImageJobs that can't need more, `large_memory` for those that needed more
    than `memory`. `pod` is what the platform adds to worker pods. `backoff` is how long the first
    retry waits, `timings` what else is waited for. `trusts_requester` says that an admission policy
    vouches for who asked.
    """

    worker_image: str
    worker_image_pull_policy: str = "IfNotPresent"
    formats: tuple[SourceFormat, ...] = ("jpeg", "png", "webp")
    limits: OrderLimits = OrderLimits(max_bytes=50 * MIB, max_pixels=50_000_000, max_frames=100)
    bounds: Bounds = Bounds()
    worker_cpu_millis: int = 250
    small_memory: WorkerMemory = WorkerMemory(pod_bytes=384 * MIB, child_bytes=256 * MIB)
    memory: WorkerMemory = WorkerMemory(pod_bytes=1024 * MIB, child_bytes=768 * MIB)
    large_memory: WorkerMemory = WorkerMemory(pod_bytes=3072 * MIB, child_bytes=2816 * MIB)
    scratch_bytes: int = 2048 * MIB
    parallelism: int = 2
    pod: WorkerPod = WorkerPod()
    backoff: timedelta = timedelta(seconds=10)
    timings: Timings = Timings()
    trusts_requester: bool = False

    def memory_of(self, size: Size) -> WorkerMemory:
        """Of a class."""
        return {"small": self.small_memory, "large": self.large_memory}.get(size, self.memory)

    def held_to(self, quota: ImageQuota | None) -> Platform:
        """As it is for the namespace of that ImageQuota."""
        if quota is None or quota.spec.worker_limits is None:
            return self
        bounds = self.bounds.tightened(quota.spec.worker_limits)
        return msgspec.structs.replace(self, bounds=bounds)


class Caps(msgspec.Struct, frozen=True):
    """How many workers may be at work, and the quota of namespaces that have none of their own."""

    default: Policy
    max_workers: int
    max_workers_per_namespace: int
    reserved_share: float = 0.0

    @property
    def reserve(self) -> Reserve:
        """The part of all places, rounded up, but one, that is for namespaces with few workers."""
        kept = ceil(round(self.reserved_share * self.max_workers, 6))
        return Reserve(self.max_workers, min(kept, self.max_workers - 1))
