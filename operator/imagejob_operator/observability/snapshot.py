"""What the operator knows at one moment, as figures: what the collector turns into gauges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from .namespaces import NamespaceUse


class ImageJobs(msgspec.Struct, frozen=True):
    """Unfinished ImageJobs by phase, the waiting ones by reason, and for each phase the age of its
    oldest in seconds: since admission if it was admitted, else since creation."""

    by_phase: Mapping[str, int]
    by_reason: Mapping[str, int]
    oldest: Mapping[str, float]


class Workers(msgspec.Struct, frozen=True):
    """Worker Jobs by state, and how many may be starting or running at once."""

    by_state: Mapping[str, int]
    limit: int


class Queue(msgspec.Struct, frozen=True):
    """Actions that wait, by priority, the seconds that the first of each has, and those under way.

    `limit` is how many may be under way, `pause` for how many seconds none may begin.
    """

    waiting: Mapping[str, int]
    oldest: Mapping[str, float]
    under_way: int
    limit: int
    pause: float


class Cache(msgspec.Struct, frozen=True):
    """Bytes that the tenants' objects take, and how many namespaces exceed what is kept of one."""

    bytes: int
    full_namespaces: int


class Snapshot(msgspec.Struct, frozen=True):
    """All of it as of one moment."""

    image_jobs: ImageJobs
    workers: Workers
    queue: Queue
    cache: Cache
    namespaces: Iterable[NamespaceUse]
