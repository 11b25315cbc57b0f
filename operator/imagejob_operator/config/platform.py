"""The platform's configuration, the same for every namespace."""

from __future__ import annotations

from datetime import timedelta
from math import ceil
from typing import Literal, get_args

import msgspec

from imagejob_operator.api.imagejob import SourceFormat
from imagejob_operator.api.imagequota import ImageQuota
from imagejob_operator.contract.order import OrderLimits, Sandbox
from imagejob_operator.quota.rates import Policy

from .bounds import Bounds
from .reserve import Reserve
from .timings import Timings
from .worker_pod import WorkerPod

MIB = 1024 * 1024


Size = Literal["small", "standard", "large"]
"""A class of memory. Which ImageJobs need more than the standard is known after they fail there."""

SIZES: tuple[Size, ...] = get_args(Size)
"""The smallest first."""


PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
"""Where a cluster's own stores are (RFC 1918, RFC 6598, RFC 4193)."""


class WorkerMemory(msgspec.Struct, frozen=True):
    """Memory of a worker pod with one lane, and of one image's process in it. In bytes."""

    pod_bytes: int
    child_bytes: int

    def pod_bytes_for(self, lanes: int) -> int:
        """Return the memory of a pod that processes `lanes` images at once."""
        return self.pod_bytes + (lanes - 1) * self.child_bytes


class Platform(msgspec.Struct, frozen=True):
    """How workers run, and the largest source to accept. Sizes in bytes, CPU in millicores.

    `bounds` limit an ImageJob's timeout and retries, and its stores' transfers. `worker_cpu_millis`
    is for each lane; a worker has at most `parallelism`. `small_memory` is for ImageJobs that can't
    need more, `large_memory` for those that exceeded `memory`. `sandbox` says whether a worker may
    do without a protection that its node's kernel lacks. `pod` is what the platform adds to worker
    pods. `internal_cidrs` are the networks, beside public ones, in which stores may be. `backoff`
    is the delay before the first retry, `timings` are the other delays.
    `trusts_requester` says that an admission policy guarantees the requester, `trusts_on_behalf_of`
    that one guarantees on whose behalf a gateway asked.
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
    sandbox: Sandbox = "prefer"
    pod: WorkerPod = WorkerPod()
    internal_cidrs: tuple[str, ...] = PRIVATE_NETWORKS
    backoff: timedelta = timedelta(seconds=10)
    timings: Timings = Timings()
    trusts_requester: bool = False
    trusts_on_behalf_of: bool = False

    def memory_of(self, size: Size) -> WorkerMemory:
        """Return the memory of a size class."""
        return {"small": self.small_memory, "large": self.large_memory}.get(size, self.memory)

    def size_for(self, child_bytes: int) -> Size | None:
        """Return the smallest size in which a process may have so much; None if none is enough."""
        sizes = (size for size in SIZES if self.memory_of(size).child_bytes >= child_bytes)
        return next(sizes, None)

    def held_to(self, quota: ImageQuota | None) -> Platform:
        """Return the platform with the bounds of the namespace's ImageQuota."""
        if quota is None or quota.spec.worker_limits is None:
            return self
        bounds = self.bounds.tightened(quota.spec.worker_limits)
        return msgspec.structs.replace(self, bounds=bounds)


class Caps(msgspec.Struct, frozen=True):
    """How many workers may run, and the quota of namespaces that have none of their own."""

    default: Policy
    max_workers: int
    max_workers_per_namespace: int
    reserved_share: float = 0.0

    @property
    def reserve(self) -> Reserve:
        """The slots reserved for namespaces with few workers: a rounded-up share, but never all."""
        kept = ceil(round(self.reserved_share * self.max_workers, 6))
        return Reserve(self.max_workers, min(kept, self.max_workers - 1))
