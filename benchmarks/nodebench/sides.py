"""The three ways to do many photos, each from the first thing applied to the last one done."""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from operatorbench import crowd

from nodebench import manifests
from nodebench.manifests import path
from nodebench.site import REHEARSAL
from nodebench.watching import Arrivals, Workers, image_job_is_done, job_is_done

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nodebench.manifests import Model
    from nodebench.site import Site

POOL = "pool"


@dataclass(frozen=True)
class Run:
    """One side's way through `count` photos. `digest` is of what it made.

    `pods` says how many photos each pod had, the largest first; `inside` the seconds that the pool
    took by its own clock, its pod's start and end apart.
    """

    side: str
    count: int
    seconds: float
    digest: str
    pods: Sequence[int] = field(default_factory=list)
    inside: float | None = None

    def as_json(self) -> dict[str, object]:
        return {
            "side": self.side,
            "count": self.count,
            "seconds": self.seconds,
            "photosOfEachPod": list(self.pods),
            "secondsInside": self.inside,
            "digest": self.digest,
        }


def image_jobs(site: Site, model: Model, prefix: str) -> Run:  # noqa: ARG001
    """Ours, with the operator's default settings, but for an open quota."""
    names = site.photos
    with site.operator(), site.namespace() as namespace:
        workers = Workers(site.rest, path(namespace, "jobs"))
        arrivals = Arrivals(site.rest, path(namespace, "imagejobs"), image_job_is_done)
        with closing(workers), closing(arrivals):
            bodies = [manifests.image_job(name, name, prefix) for name in names]
            began = time.monotonic()
            crowd.create(site.rest, [manifests.post(namespace, "imagejobs", b) for b in bodies])
            ended = max(arrivals.wait(names).values())
        digest = site.digest(prefix, names)
        return Run("ImageJobs", len(names), ended - began, digest, workers.sizes)


def bare_jobs(site: Site, model: Model, prefix: str) -> Run:
    """A Job for each photo, and no operator."""
    names = site.photos
    _bare(site, model, f"{prefix}-rehearsal", names[:REHEARSAL])
    seconds = _bare(site, model, prefix, names)
    return Run("bare Jobs", len(names), seconds, site.digest(prefix, names), [1] * len(names))


def _bare(site: Site, model: Model, prefix: str, names: Sequence[str]) -> float:
    bodies = [model.bare(name, name, prefix) for name in names]
    return _jobs(site, bodies, names)[0]


def pool(site: Site, model: Model, prefix: str) -> Run:
    """One container for all of them, and no operator."""
    names = site.photos
    _pool(site, model, f"{prefix}-rehearsal", names[:REHEARSAL])
    seconds, inside = _pool(site, model, prefix, names)
    return Run(POOL, len(names), seconds, site.digest(prefix, names), [len(names)], inside)


def _pool(site: Site, model: Model, prefix: str, names: Sequence[str]) -> tuple[float, float]:
    seconds, (said,) = _jobs(site, [model.pool(POOL, names, prefix)], [POOL], logs=True)
    inside: float = json.loads(said)["seconds"]
    return seconds, inside


def _jobs(
    site: Site,
    bodies: Sequence[dict[str, object]],
    names: Sequence[str],
    *,
    logs: bool = False,
) -> tuple[float, list[str]]:
    """The seconds that it took, and what the pods said if that is of interest."""
    with site.namespace() as namespace:
        arrivals = Arrivals(site.rest, path(namespace, "jobs"), job_is_done)
        with closing(arrivals):
            began = time.monotonic()
            crowd.create(site.rest, [manifests.post(namespace, "jobs", body) for body in bodies])
            ended = max(arrivals.wait(names).values())
        said = [_log(site, namespace, name) for name in names] if logs else []
        return ended - began, said


def _log(site: Site, namespace: str, job: str) -> str:
    return site.cluster.kubectl("logs", f"--namespace={namespace}", f"job/{job}")


SIDES: dict[str, Callable[[Site, Model, str], Run]] = {
    "ImageJobs": image_jobs,
    "bare Jobs": bare_jobs,
    POOL: pool,
}
