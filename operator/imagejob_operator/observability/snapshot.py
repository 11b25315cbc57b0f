"""The operator's state at one moment, as figures for the collector."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from .namespaces import NamespaceUse


class ImageJobs(msgspec.Struct, frozen=True):
    """Unfinished ImageJobs by phase, waiting ones by reason, and the age in seconds of the oldest
    of each phase: since admission if it was admitted, else since creation.

    `overdue` is for how many seconds a running one should have ended, or gone on elsewhere.
    """

    by_phase: Mapping[str, int]
    by_reason: Mapping[str, int]
    oldest: Mapping[str, float]
    overdue: float = 0.0


class Workers(msgspec.Struct, frozen=True):
    """Worker Jobs by state, and how many may start or run at once."""

    by_state: Mapping[str, int]
    limit: int


class Queue(msgspec.Struct, frozen=True):
    """Queued actions by priority, the age in seconds of the first of each, and those in progress.

    `limit` is how many may run at once, `pause` for how many seconds none may start.
    """

    waiting: Mapping[str, int]
    oldest: Mapping[str, float]
    under_way: int
    limit: int
    pause: float


class Cache(msgspec.Struct, frozen=True):
    """Bytes of the tenants' objects, the number of namespaces that exceed their limit, and of
    objects that can't be read, by their kind's plural."""

    bytes: int
    full_namespaces: int
    unreadable: Mapping[str, int]


class Snapshot(msgspec.Struct, frozen=True):
    """All state at one moment."""

    image_jobs: ImageJobs
    workers: Workers
    queue: Queue
    cache: Cache
    namespaces: Iterable[NamespaceUse]
