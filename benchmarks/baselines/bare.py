"""Bare Jobs: one for every picture, created with kubectl from large files, and no operator."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from imagejob_dev.client import Client
    from imagejob_dev.rest import Object

KUBECTLS = 6
"""At once: one keeps itself to 50 requests a second."""


def create(cluster: Client, folder: Path, namespaces: Sequence[str], count: int) -> None:
    """As fast as kubectl can: several, each with a file of its own, and nothing validated."""
    jobs = list(_jobs(namespaces, count))
    files = []
    for number in range(KUBECTLS):
        items = jobs[number::KUBECTLS]
        files.append(folder / f"jobs-{number}.json")
        files[-1].write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    with ThreadPoolExecutor(KUBECTLS) as pool:
        list(pool.map(lambda file: _create(cluster, file), files))


def _create(cluster: Client, file: Path) -> None:
    cluster.kubectl("create", "--validate=false", "--output=name", f"--filename={file}")


def _jobs(namespaces: Sequence[str], count: int) -> Iterator[Object]:
    container = {"name": "convert", "image": "converter", "command": ["convert"]}
    for number in range(count):
        namespace = namespaces[number % len(namespaces)]
        yield {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": f"photo-{number:06}", "namespace": namespace},
            "spec": {
                "backoffLimit": 0,
                "template": {"spec": {"restartPolicy": "Never", "containers": [container]}},
            },
        }
