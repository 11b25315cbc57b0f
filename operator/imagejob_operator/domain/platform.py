"""What the platform decides, once, for every namespace."""

from __future__ import annotations

import msgspec

from .model import SourceFormat
from .order import OrderLimits

MIB = 1024 * 1024


class Platform(msgspec.Struct, frozen=True):
    """How workers run and what a source may cost at most. Sizes in bytes, CPU in millicores."""

    worker_image: str
    worker_image_pull_policy: str = "IfNotPresent"
    formats: tuple[SourceFormat, ...] = ("jpeg", "png", "webp")
    limits: OrderLimits = OrderLimits(max_bytes=50 * MIB, max_pixels=50_000_000, max_frames=100)
    worker_cpu_millis: int = 250
    worker_memory_bytes: int = 1024 * MIB
    child_memory_bytes: int = 768 * MIB
    scratch_bytes: int = 2048 * MIB
    parallelism: int = 1
