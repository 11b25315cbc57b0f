"""What follows when a namespace exceeds its memory budget, and when it no longer does."""

from __future__ import annotations

import asyncio

from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.lister import Lister
from imagejob_operator.cache.memory_budget import IMAGE_JOB, MemoryBudget
from imagejob_operator.controllers.cache_full import CacheFullReporter
from imagejob_operator.kube.client import Cluster
from imagejob_operator.kube.resources import IMAGE_PROFILES
from support.api_objects import NOW, image_job, profile
from support.memory_api import MemoryApi
from support.queues import StillQueue

CAT = image_job(profileRef={"name": "web"})


def test_once_nothing_is_left_out_image_jobs_learn_that_what_they_need_is_missing() -> None:
    queue = StillQueue()
    cache = ClusterCache(MemoryBudget(IMAGE_JOB), queue.add)
    cluster = Cluster(MemoryApi())  # type: ignore[arg-type]
    lister = Lister(cluster, cache, lambda: None)
    reporter = CacheFullReporter(
        cluster, lister, cache, queue, instance="op-1", clock=lambda: NOW, wake=lambda: None
    )

    async def run() -> None:
        for thing in (CAT, profile("other")):
            cache.upsert(thing)
        await reporter.look()
        queue.drain()
        await lister.take(IMAGE_PROFILES)  # "other" was deleted
        await reporter.look()

    asyncio.run(run())

    assert CAT.metadata.uid in queue.drain()
    assert "team-a" in queue.namespaces()
