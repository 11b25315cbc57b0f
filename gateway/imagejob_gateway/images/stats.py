"""Counts of images, how fast they are processed, and what the namespace's quota leaves.

One pass over the images that are asked about: 10,000 take some milliseconds, and an answer is kept
for a second (http/recent.py).
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, get_args

import msgspec
from imagejob_operator.api.imagejob import Phase
from imagejob_operator.api.imagequota import QuotaUse

from .kinds import ListedImage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from imagejob_operator.api.imagequota import ImageQuota

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MOST_FAILURES = 10


class Throughput(msgspec.Struct, frozen=True):
    """Images that finished, and are still there."""

    last_minute: int
    last_hour: int


class Waits(msgspec.Struct, frozen=True):
    """Seconds from creation to the first worker, of `images` that began in the last hour.

    `longest_now` is how long the oldest image that has no worker yet has been waiting.
    """

    images: int
    median: float | None
    p95: float | None
    most: float | None
    longest_now: float | None


class Stats(msgspec.Struct, frozen=True):
    """Every phase has a count; reasons only where there are any.

    `failures` are the latest, the newest first. `quota` has each rate of the ImageQuota as its
    status shows it; None without an ImageQuota.
    """

    images: int
    by_phase: dict[str, int]
    by_reason: dict[str, int]
    throughput: Throughput
    waits: Waits
    failures: tuple[ListedImage, ...]
    quota: tuple[QuotaUse, ...] | None


def stats(images: Iterable[ListedImage], quota: ImageQuota | None, now: datetime) -> Stats:
    """Count, in one pass."""
    phases = Counter[str](dict.fromkeys(get_args(Phase), 0))
    reasons = Counter[str]()
    ends: list[datetime] = []
    begun: list[float] = []
    waiting: list[float] = []
    failures: list[ListedImage] = []
    for image in images:
        phases[image.phase] += 1
        if image.reason:
            reasons[image.reason] += 1
        created, started = image.metadata.creation_timestamp, image.status.start_time
        if created and started and started > now - HOUR:
            begun.append((started - created).total_seconds())
        elif created and not started and not image.is_finished:
            waiting.append((now - created).total_seconds())
        if image.status.completion_time:
            ends.append(image.status.completion_time)
            if image.phase == "Failed":
                failures.append(image)
    return Stats(
        phases.total(),
        dict(phases),
        dict(reasons),
        Throughput(*(sum(end > now - window for end in ends) for window in (MINUTE, HOUR))),
        _waits(begun, waiting),
        tuple(heapq.nlargest(MOST_FAILURES, failures, key=_end)),
        quota.status.limits if quota else None,
    )


def _end(image: ListedImage) -> tuple[float, str]:
    end = image.status.completion_time
    return end.timestamp() if end else 0.0, image.metadata.name


def _waits(begun: list[float], waiting: Sequence[float]) -> Waits:
    """Clocks differ: an image may seem to begin before it was created."""
    begun = sorted(max(0.0, each) for each in begun)
    longest = max(0.0, *waiting) if waiting else None
    if not begun:
        return Waits(0, None, None, None, longest)
    return Waits(len(begun), _quantile(begun, 0.5), _quantile(begun, 0.95), begun[-1], longest)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that so large a share of the values doesn't exceed."""
    return ordered[math.ceil(len(ordered) * share) - 1]
