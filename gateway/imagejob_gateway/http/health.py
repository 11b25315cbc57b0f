"""Whether the gateway can do its work, with each thing that it depends on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from imagejob_gateway.problem import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from imagejob_gateway.images.cache import NamespaceCache
    from imagejob_gateway.storage.buckets import Buckets

SECONDS = 2.0
"""How long an answer holds: anybody may ask, and each store is asked for it."""

CHECK_SECONDS = 5.0
"""How long a store may take to answer; meanwhile, who asks holds a connection."""

API_SERVER, STORE, PROFILE = "API server", "store", "profile"


class Health(NamedTuple):
    """Dependency → what is wrong with it; empty where it works."""

    dependencies: dict[str, str]

    @property
    def in_short(self) -> dict[str, bool]:
        """What strangers may know: whether each kind of dependency works."""
        works: dict[str, bool] = {}
        for name, trouble in self.dependencies.items():
            kind = name if name == API_SERVER else f"{name.partition(' ')[0]}s"
            works[kind] = works.get(kind, True) and not trouble
        return works

    @property
    def is_ready(self) -> bool:
        return not any(self.dependencies.values())


async def health(
    unwatched: tuple[str, ...], buckets: Buckets, profiles: Iterable[str], cache: NamespaceCache
) -> Health:
    """Ask each store; the API server and the profiles are known from the watches."""
    stores = await asyncio.gather(*(_trouble(buckets, name) for name in buckets.names))
    named = {f"{STORE} {name}": each for name, each in zip(buckets.names, stores, strict=True)}
    offered = {f"{PROFILE} {name}": _missing(cache, name) for name in profiles}
    return Health({**readiness(unwatched).dependencies, **named, **offered})


def readiness(unwatched: tuple[str, ...]) -> Health:
    """Say whether requests should come here: whether the namespace is listed and watched."""
    trouble = f"not listed or not watched: {', '.join(unwatched)}" if unwatched else ""
    return Health({API_SERVER: trouble})


def _missing(cache: NamespaceCache, profile: str) -> str:
    return "" if cache.profile(profile) else f"The ImageProfile {profile} doesn't exist."


async def _trouble(buckets: Buckets, name: str) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await buckets.open(name).check()
    except ProblemError as error:
        return error.problem.detail
    except TimeoutError:
        return f"The store {name} can't be used now: no answer in time."
    return ""
