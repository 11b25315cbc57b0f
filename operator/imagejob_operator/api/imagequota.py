"""ImageQuota of imagejob.dev/v1alpha1, as the operator reads it and writes its status.

A test compares these Structs with crds/imagequotas.yaml. quota/rates.py defines what the numbers
mean.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

from .meta import Condition, ObjectMeta, Quantity, Resource

OnExceeded = Literal["Wait", "Fail"]


class QuotaLimit(Resource, frozen=True):
    """At most `jobs` admissions in any window of length `per`, such as `90s`, `1h` or `7d`."""

    jobs: Annotated[int, Meta(ge=1, le=1_000_000)]
    per: str


class WorkerLimits(Resource, frozen=True):
    """How long ImageJobs of the namespace may hold a worker.

    Each may only tighten the platform's.
    """

    max_timeout_seconds: Annotated[int, Meta(ge=1, le=3600)] | None = None
    max_retries: Annotated[int, Meta(ge=0, le=10)] | None = None
    min_bytes_per_second: Quantity | None = None


class ImageQuotaSpec(Resource, frozen=True):
    """What the namespace may use. All of `limits` apply at once."""

    limits: tuple[QuotaLimit, ...]
    max_running: Annotated[int, Meta(ge=1, le=1000)] | None = None
    max_waiting: Annotated[int, Meta(ge=0, le=1_000_000)] | None = None
    on_exceeded: OnExceeded = "Wait"
    weight: Annotated[int, Meta(ge=1, le=100)] = 1
    worker_limits: WorkerLimits | None = None


class QuotaUse(Resource, frozen=True):
    """The current use of one rate. `next_available` is None while something remains."""

    jobs: int
    per: str
    used: int
    remaining: int
    next_available: datetime | None = None


class ImageQuotaStatus(Resource, frozen=True):
    """Current use, the tightest rate first."""

    observed_generation: int | None = None
    limits: tuple[QuotaUse, ...] = ()
    waiting: int | None = None
    running: int | None = None
    conditions: tuple[Condition, ...] = ()


class ImageQuota(Resource, frozen=True):
    """How many ImageJobs a namespace may have admitted per window and running at once.

    Its name is `default`.
    """

    metadata: ObjectMeta
    spec: ImageQuotaSpec
    status: ImageQuotaStatus = ImageQuotaStatus()
