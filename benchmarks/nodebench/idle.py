"""One at a time on an idle node: an ImageJob against a bare Job, in turn."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

from operatorbench.figures import Part, Target

from nodebench import manifests
from nodebench.latency import Latency, moment, table
from nodebench.manifests import path
from nodebench.watching import (
    Arrivals,
    FailedError,
    image_job_is_done,
    job_is_done,
    job_of,
    pod_is_done,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nodebench.manifests import Model
    from nodebench.site import Site

RATIO = 1.15
OURS, BARE, CONTAINER = "ImageJob", "bare Job", "bare Job, until its container has ended"
FOLDERS = {OURS: "idle/imagejob", BARE: "idle/bare"}


class Alone:
    """A namespace of which both sides are watched."""

    def __init__(self, site: Site, model: Model, namespace: str) -> None:
        self._site = site
        self._model = model
        self._namespace = namespace
        self._image_jobs, self._jobs = path(namespace, "imagejobs"), path(namespace, "jobs")
        self._ready = Arrivals(site.rest, self._image_jobs, image_job_is_done)
        self._complete = Arrivals(site.rest, self._jobs, job_is_done)
        self._ended = Arrivals(site.rest, path(namespace, "pods"), pod_is_done, job_of)
        self.seconds: dict[str, list[float]] = {OURS: [], BARE: [], CONTAINER: []}

    def close(self) -> None:
        """Watch no longer."""
        for watch in (self._ready, self._complete, self._ended):
            watch.close()

    def image_job(self, name: str, photo: str) -> None:
        """Until it is Ready; then all is tidied away."""
        body = manifests.image_job(name, photo, FOLDERS[OURS])
        began = time.monotonic()
        self._site.rest.post(self._image_jobs, body)
        self.seconds[OURS].append(self._ready.wait([name])[name] - began)
        self._site.tidy(self._namespace)

    def bare_job(self, name: str, photo: str) -> None:
        """Until it is Complete; then all is tidied away."""
        body = self._model.bare(name, photo, FOLDERS[BARE])
        began = time.monotonic()
        self._site.rest.post(self._jobs, body)
        self.seconds[BARE].append(self._complete.wait([name])[name] - began)
        self.seconds[CONTAINER].append(self._ended.wait([name])[name] - began)
        self._site.tidy(self._namespace)


def measure(site: Site, model: Model, rounds: int) -> tuple[Part, Latency]:
    """So many of each, the one first and then the other; and the latency of ours."""
    print(f"   {rounds} of each, in turn …", flush=True)
    names = [f"round-{number:03}" for number in range(rounds)]
    with (
        site.operator(),
        site.namespace() as namespace,
        closing(Alone(site, model, namespace)) as alone,
    ):
        sides = [alone.image_job, alone.bare_job]
        for number, name in enumerate(names):
            for side in sides if number % 2 else reversed(sides):
                time.sleep(moment(number))
                side(name, site.photos[number % len(site.photos)])
    if len({site.digest(folder, names) for folder in FOLDERS.values()}) > 1:
        raise FailedError("the two have not made the same pictures")
    ours, *others = (Latency(what, alone.seconds[what]) for what in alone.seconds)
    return report(ours, others), ours


def report(ours: Latency, others: Sequence[Latency]) -> Part:
    """A bare Job, until it is Complete and until its container has ended: the first is the rival.

    The second is there because most of a Job's time passes after its work is done.
    """
    bare = others[0]
    return Part(
        "idle",
        "one on an idle node, from apply to Ready or Complete",
        table(ours, others),
        ["ratios: ImageJob against that row"],
        [
            Target("one alone against a bare Job, p50", ours.p50 / bare.p50, "at most", RATIO, "x"),
            Target("one alone against a bare Job, p95", ours.p95 / bare.p95, "at most", RATIO, "x"),
        ],
        {each.what: each.as_json() for each in (ours, *others)},
    )
