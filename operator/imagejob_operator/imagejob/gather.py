"""Gather the inputs of one ImageJob from the cache."""

from __future__ import annotations

from collections.abc import Iterator

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.destination import destination_of
from imagejob_operator.cache.last_failure import worker_shown
from imagejob_operator.kube.reader import Unreadable
from imagejob_operator.kube.resources import IMAGE_JOBS
from imagejob_operator.kube.worker import Worker

from .inputs import Inputs, Stray


def gather(cache: ClusterCache, uid: str) -> Inputs | None:
    """Return the inputs of an unfinished ImageJob; None for others, and if it may be deleted or
    is outdated."""
    job = cache.jobs.get(uid)
    if not job or uid in cache.unverified or is_outdated(cache, job):
        return None
    namespace = job.metadata.namespace
    found = {name: cache.stores.get((namespace, name)) for name in _store_names(job)}
    profile, worker = job.spec.profile_ref, cache.worker_index.carrier(job)
    return Inputs(
        job=job,
        profile=cache.profiles.get((namespace, profile.name)) if profile else None,
        stores={name: store for name, store in found.items() if store},
        worker=worker,
        rival=_rival(cache, job, worker),
        strays=tuple(_strays(cache, job, worker)),
        vanished=None if worker else _vanished(cache, job),
        unreadable=_unreadable(cache, job),
    )


def is_outdated(cache: ClusterCache, job: ImageJob) -> bool:
    """Whether it, its worker Job or a pod of that can't be read now.

    Nothing is decided on what was known of them before.
    """
    namespace, name = job.metadata.namespace, job.metadata.name
    if not cache.unreadable.is_any_in(namespace):
        return False
    if cache.unreadable.get(IMAGE_JOBS.plural, namespace, name):
        return True
    carrier = cache.worker_index.carrier(job)
    worker = carrier.job.metadata.name if carrier else worker_shown(job)
    return worker is not None and cache.unreadable.worker(namespace, worker)


def _unreadable(cache: ClusterCache, job: ImageJob) -> Unreadable | None:
    namespace, profile = job.metadata.namespace, job.spec.profile_ref
    held = cache.unreadable.holding(namespace)
    name = profile.name if profile else None
    return held or cache.unreadable.referenced(namespace, _store_names(job), name)


def may_hide(cache: ClusterCache, inputs: Inputs) -> bool:
    """Whether a missing profile or store may exist, and was only left out for its size."""
    job = inputs.job
    if not cache.budget.hides(job.metadata.namespace):
        return False
    lacks_profile = job.spec.profile_ref and not inputs.profile
    return bool(lacks_profile or _store_names(job) - inputs.stores.keys())


def _store_names(job: ImageJob) -> set[str]:
    return {job.spec.source.store_ref.name, destination_of(job).store}


def _rival(cache: ClusterCache, job: ImageJob, carrier: Worker | None) -> str | None:
    """Return another live or assumed worker for the ImageJob or for its destination."""
    assumed = cache.destinations.assumed_by_other(job)
    if assumed:
        return assumed
    namespace, uid = job.metadata.namespace, job.metadata.uid
    ours = {at for at in cache.worker_index.carriers(uid) if at[0] == namespace}
    for at in sorted(ours.union(cache.destinations.writers(job))):
        worker = cache.worker_index.find(at)
        if worker and worker.is_live and not (carrier and worker.job is carrier.job):
            return worker.job.metadata.name
    return None


def _strays(cache: ClusterCache, job: ImageJob, carrier: Worker | None) -> Iterator[Stray]:
    """Yield pods that may process it or write to its destination, and are not its worker's."""
    uid = job.metadata.uid
    ours = {each.metadata.uid for each in carrier.pods()} if carrier else set()
    spots = cache.destinations.spots_of(job)
    for pod in cache.worker_index.pods_for(job.metadata.namespace, uid, spots):
        if pod.metadata.uid not in ours:
            taken_away = bool(pod.attempt_of(uid)) and cache.worker_index.is_taken_away(pod)
            yield Stray(pod, is_taken_away=taken_away)


def _vanished(cache: ClusterCache, job: ImageJob) -> str | None:
    """Return the worker Job that its status names, if the cache doesn't have it."""
    name = worker_shown(job)
    return name if name and cache.worker_ends.has_vanished(job, name) else None
