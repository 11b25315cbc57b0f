"""Many objects created at once: over persistent connections, as kubectl is slow with thousands."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_dev.rest import Rest

CONNECTIONS = 8
TIMEOUT_SECONDS = 60.0
CREATED = 201


class Made(NamedTuple):
    """An object, and when the API server had confirmed it."""

    uid: str
    name: str
    at: datetime


def create(rest: Rest, path: str, bodies: Sequence[dict[str, Any]]) -> list[Made]:
    """POST each body to the collection; return the objects, in the order of `bodies`."""
    shares = [bodies[first::CONNECTIONS] for first in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        made = list(pool.map(lambda share: _create(rest, path, share), shares))
    return [made[index % CONNECTIONS][index // CONNECTIONS] for index in range(len(bodies))]


def _create(rest: Rest, path: str, bodies: Sequence[dict[str, Any]]) -> list[Made]:
    """One after the other, over one connection."""
    made = []
    with rest.session(TIMEOUT_SECONDS) as session:
        for body in bodies:
            meta = session.send("POST", path, body).json()["metadata"]
            made.append(Made(meta["uid"], meta["name"], datetime.now(UTC)))
    return made
