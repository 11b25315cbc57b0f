"""One a second: does anybody wait because others share a worker?

A batch of one is forced by giving each ImageJob an ImageStore of its own, all of the same bucket:
only those of the same stores go together. Nothing else differs.
"""

from __future__ import annotations

import math
import time
from contextlib import closing
from typing import TYPE_CHECKING

from operatorbench.figures import Part, Target

from nodebench import manifests
from nodebench.burst import counted
from nodebench.latency import Latency, moment, table
from nodebench.manifests import STORE, path
from nodebench.watching import Arrivals, FailedError, Workers, image_job_is_done

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nodebench.site import Site

RATIO = 1.15
BATCHED, SINGLE = "batched", "batches of 1"
TURNS = (BATCHED, SINGLE, SINGLE, BATCHED, SINGLE, BATCHED, BATCHED, SINGLE)
"""So that neither has the better of a machine that gets busier or calmer meanwhile."""


def measure(site: Site, count: int, idle: Latency | None) -> Part:
    """Both sides in turn, each in four stretches; `idle` as measured alone."""
    seconds: dict[str, list[float]] = {BATCHED: [], SINGLE: []}
    workers: dict[str, list[int]] = {BATCHED: [], SINGLE: []}
    digests: set[str] = set()
    names = [f"tick-{tick:03}" for tick in range(math.ceil(count / TURNS.count(BATCHED)))]
    with site.operator():
        print(f"   {len(TURNS)} stretches of {len(names)} …", flush=True)
        for number, side in enumerate(TURNS):
            stores = [f"own-{name}" if side == SINGLE else STORE for name in names]
            prefix = f"trickle/{number}"
            found, sizes = _stretch(site, names, stores, prefix)
            seconds[side] += found
            workers[side] += sizes
            digests.add(site.digest(prefix, names))
    if len(digests) > 1:
        raise FailedError("the sides have not made the same pictures")
    if set(workers[SINGLE]) != {1}:
        raise FailedError("some shared a worker that were to have one of their own")
    batched, single = (Latency(side, seconds[side]) for side in seconds)
    return report(batched, single, idle, workers)


def _stretch(
    site: Site, names: Sequence[str], stores: Sequence[str], prefix: str
) -> tuple[list[float], list[int]]:
    """Seconds of each, and how many ImageJobs each worker had."""
    with site.namespace(sorted(set(stores))) as namespace:
        made, few = path(namespace, "imagejobs"), len(site.photos)
        workers = Workers(site.rest, path(namespace, "jobs"))
        arrivals = Arrivals(site.rest, made, image_job_is_done)
        with closing(workers), closing(arrivals):
            began: dict[str, float] = {}
            start = time.monotonic()
            for second, (name, store) in enumerate(zip(names, stores, strict=True)):
                body = manifests.image_job(name, site.photos[second % few], prefix, store)
                time.sleep(max(0.0, start + second + moment(second) - time.monotonic()))
                began[name] = time.monotonic()
                site.rest.post(made, body)
            ended = arrivals.wait(names)
        return [ended[name] - began[name] for name in names], workers.sizes


def report(
    batched: Latency, single: Latency, idle: Latency | None, workers: dict[str, list[int]]
) -> Part:
    """Held against the slower of batches of one and the idle node: it need not beat both."""
    others = [single, *([Latency("alone, see above", idle.seconds)] if idle else [])]
    p50 = batched.p50 / max(each.p50 for each in others)
    p95 = batched.p95 / max(each.p95 for each in others)
    return Part(
        "trickle",
        "one in each second, from apply to Ready",
        table(batched, others),
        [
            "ratios: batched against that row",
            *(f"pods x ImageJobs of each, {side}: {counted(workers[side])}" for side in workers),
        ],
        [
            Target("trickle against batches of 1 or idle, p50", p50, "at most", RATIO, "x"),
            Target("trickle against batches of 1 or idle, p95", p95, "at most", RATIO, "x"),
        ],
        {each.what: each.as_json() for each in (batched, *others)} | {"workers": workers},
    )
