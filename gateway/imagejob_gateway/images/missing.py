"""The objects that the settings list and the namespace lacks."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.observability.logging import fields

if TYPE_CHECKING:
    from imagejob_gateway.config import Settings
    from imagejob_gateway.metrics import GatewayMetrics

    from .cache import NamespaceCache


log = logging.getLogger(__name__)


class Listed(NamedTuple):
    """An object that the settings list."""

    kind: str
    name: str


def watch(settings: Settings, cache: NamespaceCache, metrics: GatewayMetrics) -> None:
    """Export which of them are missing, and log those that are now."""
    for each in listed(settings):
        metrics.watch_listed(each.kind, each.name, partial(is_missing, cache, each))
        if is_missing(cache, each):
            extra = fields(namespace=settings.namespace, kind=each.kind, name=each.name)
            log.warning("an object that the settings list is missing", extra=extra)


def listed(settings: Settings) -> tuple[Listed, ...]:
    """Return the objects that the settings list."""
    stores = tuple(Listed(ImageStore.__name__, each.name) for each in settings.stores)
    profiles = tuple(Listed(ImageProfile.__name__, name) for name in settings.offered)
    return (*stores, *profiles)


def is_missing(cache: NamespaceCache, each: Listed) -> bool:
    """Whether there is no such object, or none that can be read."""
    found = cache.store if each.kind == ImageStore.__name__ else cache.profile
    return found(each.name) is None
