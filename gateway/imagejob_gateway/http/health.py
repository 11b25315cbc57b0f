"""Whether the gateway can do its work, with each thing that it depends on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from imagejob_gateway.problem import ProblemError

if TYPE_CHECKING:
    from imagejob_gateway.storage.buckets import Buckets

SECONDS = 2.0
"""How long an answer holds: anybody may ask, and each store is asked for it."""

API_SERVER = "API server"


class Health(NamedTuple):
    """Dependency → what is wrong with it; empty where it works."""

    dependencies: dict[str, str]

    @property
    def in_short(self) -> dict[str, bool]:
        """What strangers may know: whether the API server and all of the stores work."""
        stores = [trouble for name, trouble in self.dependencies.items() if name != API_SERVER]
        return {API_SERVER: not self.dependencies[API_SERVER], "stores": not any(stores)}

    @property
    def is_ready(self) -> bool:
        return not any(self.dependencies.values())


async def health(unwatched: tuple[str, ...], buckets: Buckets) -> Health:
    """Ask each store; the API server is known from the watches."""
    trouble = f"not listed or not watched: {', '.join(unwatched)}" if unwatched else ""
    stores = await asyncio.gather(*(_trouble(buckets, name) for name in buckets.names))
    named = {f"store {name}": each for name, each in zip(buckets.names, stores, strict=True)}
    return Health({API_SERVER: trouble, **named})


async def _trouble(buckets: Buckets, name: str) -> str:
    try:
        await buckets.open(name).check()
    except ProblemError as error:
        return error.problem.detail
    return ""
