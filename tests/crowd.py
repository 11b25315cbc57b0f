"""Many objects made at once: over kept connections, for kubectl takes its time over thousands."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_dev.rest import Rest

CONNECTIONS = 8
TIMEOUT_SECONDS = 60.0
CREATED = 201


def create(rest: Rest, path: str, bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """POST each body to the collection; the objects made, in the order of `bodies`."""
    shares = [bodies[first::CONNECTIONS] for first in range(CONNECTIONS)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        made = list(pool.map(lambda share: _create(rest, path, share), shares))
    return [made[index % CONNECTIONS][index // CONNECTIONS] for index in range(len(bodies))]


def _create(rest: Rest, path: str, bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One after the other, over one connection."""
    headers = {**rest.headers, "Content-Type": "application/json"}
    made = []
    with closing(rest.connect(TIMEOUT_SECONDS)) as connection:
        for body in bodies:
            connection.request("POST", path, json.dumps(body), headers)
            response = connection.getresponse()
            answer = json.loads(response.read())
            assert response.status == CREATED, answer
            made.append(answer)
    return made
