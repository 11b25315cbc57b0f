"""Raw writes: what the API server takes from one client at each of some concurrencies."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from baselines import raw

from operatorbench import crowd, sides

if TYPE_CHECKING:
    from pathlib import Path

    from operatorbench.plane import Plane

CONNECTIONS = (4, 16, 64)
STATUS = {
    "phase": "Succeeded",
    "outputSummary": "thumb (14.0 KiB of 793 KiB)",
    "conditions": [
        {
            "type": kind,
            "status": "True",
            "reason": "Succeeded",
            "message": "1 output is in place",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        for kind in ("Admitted", "Ready", "Finished")
    ],
}


@dataclass(frozen=True)
class Taken:
    """Writes a second over so many connections: ImageJobs created, statuses patched."""

    connections: int
    creates: float
    patches: float

    def __str__(self) -> str:
        return (
            f"raw writes over {self.connections} connections: {self.creates:.0f} creates/s,"
            f" {self.patches:.0f} status patches/s"
        )

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def measure(count: int) -> list[Taken]:
    """`count` ImageJobs at each concurrency, on one fresh control plane with no operator."""
    with sides.fresh() as plane:
        plane.install()
        (namespace,) = plane.namespaces(1)
        return [_measure(plane, namespace, connections, count) for connections in CONNECTIONS]


def _measure(plane: Plane, namespace: str, connections: int, count: int) -> Taken:
    posts = crowd.image_jobs([namespace], count, prefix=f"raw-{connections}")
    names = [json.loads(post.body)["metadata"]["name"] for post in posts]
    work = {
        "posts": [(post.path, post.body.decode()) for post in posts],
        "paths": [f"{post.path}/{name}" for post, name in zip(posts, names, strict=True)],
        "status": json.dumps({"status": STATUS}),
    }
    file: Path = plane.folder / f"raw-{connections}.json"
    file.write_text(json.dumps(work))
    done = subprocess.run(
        [sys.executable, raw.__file__, str(connections), file],
        env={"KUBECONFIG": str(plane.kubeconfig)},
        stdout=subprocess.PIPE,
        check=True,
    )
    seconds = json.loads(done.stdout)
    return Taken(connections, count / seconds["create"], count / seconds["patch"])
