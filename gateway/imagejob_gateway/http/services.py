"""What routes use: __main__ makes it, the application carries it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, NamedTuple

from fastapi import Depends, Request

from imagejob_gateway.auth.seals import Seals
from imagejob_gateway.auth.tokens import Tokens
from imagejob_gateway.config import Settings
from imagejob_gateway.images.api import ImagesApi
from imagejob_gateway.images.cache import NamespaceCache
from imagejob_gateway.slots.completions import Completions
from imagejob_gateway.slots.reservations import Reservations
from imagejob_gateway.state.state import State
from imagejob_gateway.storage.buckets import Buckets
from imagejob_gateway.uploads.receiver import Receiver
from imagejob_gateway.uploads.tally import Tally

from .cached import Cached
from .event_stream import Streams
from .health import Health
from .models import StatsModel
from .recent import Recent


class Services(NamedTuple):
    """One of each. `unwatched` returns the kinds that are not listed or not watched; `stats` has
    those of an owner, or with None everybody's; `slot_requests` counts those of each slot's token.
    """

    settings: Settings
    tokens: Tokens
    images: ImagesApi
    cache: NamespaceCache
    buckets: Buckets
    state: State
    receiver: Receiver
    reservations: Reservations
    completions: Completions
    unwatched: Callable[[], tuple[str, ...]]
    health: Cached[Health]
    stats: Recent[str | None, StatsModel]
    streams: Streams
    seals: Seals
    slot_requests: Tally


async def _services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


Have = Annotated[Services, Depends(_services)]
"""The parameter of a route that needs them."""
