"""Counts of a namespace's images, and what its quota leaves."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, get_args

import msgspec
from imagejob_operator.api.imagejob import Phase
from imagejob_operator.api.imagequota import QuotaUse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imagejob_operator.api.imagequota import ImageQuota

    from .kinds import ListedImage


class Stats(msgspec.Struct, frozen=True):
    """Every phase has a count; reasons only where there are any.

    `quota` has each rate of the ImageQuota as its status shows it; None without an ImageQuota.
    """

    images: int
    by_phase: dict[str, int]
    by_reason: dict[str, int]
    quota: tuple[QuotaUse, ...] | None


def stats(images: Iterable[ListedImage], quota: ImageQuota | None) -> Stats:
    """Count."""
    phases = Counter[str](dict.fromkeys(get_args(Phase), 0))
    reasons = Counter[str]()
    for image in images:
        phases[image.phase] += 1
        if image.reason:
            reasons[image.reason] += 1
    limits = quota.status.limits if quota else None
    return Stats(phases.total(), dict(phases), dict(reasons), limits)
