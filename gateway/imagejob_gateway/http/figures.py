"""What GET /api/v1/health/stats answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imagejob_gateway.images.stats import stats

from . import views

if TYPE_CHECKING:
    from imagejob_gateway.images.cache import NamespaceCache

    from .models import StatsModel

STATS_SECONDS = 1.0
"""How long figures hold: a pass over 10,000 images takes a hundredth of it."""


def figures(cache: NamespaceCache, owner: str | None) -> StatsModel:
    """Count the images of an owner, or with None everybody's."""
    return views.stats(stats(cache.images(owner), cache.quota(), datetime.now(UTC)))
