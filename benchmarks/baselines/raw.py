"""What the API server takes: ImageJobs created, then a finished status written to each.

    python benchmarks/baselines/raw.py CONNECTIONS FILE

KUBECONFIG says where. FILE is JSON: requests as [path, body] to POST, and a status to PATCH to
each. Prints the seconds of both as JSON. aiohttp with nothing around it: bodies are text made
beforehand, answers aren't parsed.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Sequence

Request = tuple[str, str, str]
"""Method, path, body."""

TYPES = {"POST": "application/json", "PATCH": "application/merge-patch+json"}


async def main(connections: int, work: Any) -> None:  # noqa: ANN401 (JSON)
    """Both, one after the other, over so many connections."""
    creates = [("POST", path, body) for path, body in work["posts"]]
    patches = [("PATCH", f"{path}/status", work["status"]) for path in work["paths"]]
    async with session(connections) as client:
        await send_all(client, [("GET", work["posts"][0][0], "")] * connections, connections)
        seconds = {
            "create": await send_all(client, creates, connections),
            "patch": await send_all(client, patches, connections),
        }
    print(json.dumps(seconds))


def session(connections: int) -> aiohttp.ClientSession:
    """Connected to the cluster of KUBECONFIG with its token."""
    config = json.loads(Path(os.environ["KUBECONFIG"]).read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    return aiohttp.ClientSession(
        cluster["server"],
        connector=aiohttp.TCPConnector(limit=connections, ssl=context),
        headers={"Authorization": f"Bearer {user['token']}"},
    )


async def send_all(
    client: aiohttp.ClientSession, requests: Sequence[Request], connections: int
) -> float:
    """The seconds that it took."""
    queue = iter(requests)
    began = time.monotonic()
    await asyncio.gather(*(_send(client, queue) for _ in range(connections)))
    return time.monotonic() - began


async def _send(client: aiohttp.ClientSession, queue: Any) -> None:  # noqa: ANN401 (shared iterator)
    for method, path, body in queue:
        headers = {"Content-Type": TYPES[method]} if body else {}
        async with client.request(method, path, data=body or None, headers=headers) as response:
            answer = await response.read()
            if response.status >= 300:
                sys.exit(f"{method} {path}: {answer.decode()}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())))
