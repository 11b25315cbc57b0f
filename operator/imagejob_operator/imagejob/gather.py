"""Gather all that bears on one ImageJob from what is known of the cluster."""

from __future__ import annotations

from collections.abc import Iterator

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import Picture
from imagejob_operator.cache.destination import destination_of
from imagejob_operator.cache.last_failure import worker_shown
from imagejob_operator.kube.worker import Worker

from .inputs import Situation, Stray


def gather(picture: Picture, uid: str) -> Situation | None:
    """The inputs of one unfinished ImageJob; None for any other."""
    job = picture.jobs.get(uid)
    if not job:
        return None
    namespace = job.metadata.namespace
    found = {name: picture.stores.get((namespace, name)) for name in _store_names(job)}
    profile, worker = job.spec.profile_ref, picture.carrier(job)
    return Situation(
        job=job,
        profile=picture.profiles.get((namespace, profile.name)) if profile else None,
        stores={name: store for name, store in found.items() if store},
        worker=worker,
        rival=_rival(picture, job, worker),
        strays=tuple(_strays(picture, job, worker)),
        vanished=None if worker else _vanished(picture, job),
    )


def may_hide(picture: Picture, situation: Situation) -> bool:
    """Whether a profile or store that it lacks may be there, and only left out for its size."""
    job = situation.job
    if not picture.room.hides(job.metadata.namespace):
        return False
    lacks_profile = job.spec.profile_ref and not situation.profile
    return bool(lacks_profile or _store_names(job) - situation.stores.keys())


def _store_names(job: ImageJob) -> set[str]:
    return {job.spec.source.store_ref.name, destination_of(job).store}


def _rival(picture: Picture, job: ImageJob, carrier: Worker | None) -> str | None:
    """Another live worker, known or about to be, for it or for its destination."""
    claimed = picture.destinations.claimed_by_other(job)
    if claimed:
        return claimed
    namespace, uid = job.metadata.namespace, job.metadata.uid
    ours = {at for at in picture.worker_index.carriers(uid) if at[0] == namespace}
    for at in sorted(ours.union(picture.destinations.writers(job))):
        worker = picture.worker_index.find(at)
        if worker and worker.is_live and not (carrier and worker.job is carrier.job):
            return worker.job.metadata.name
    return None


def _strays(picture: Picture, job: ImageJob, carrier: Worker | None) -> Iterator[Stray]:
    """The pods that may work on it, or write to its destination, and are not its worker's."""
    uid = job.metadata.uid
    ours = {each.metadata.uid for each in carrier.pods()} if carrier else set()
    spots = picture.destinations.spots_of(job)
    for pod in picture.worker_index.pods_for(job.metadata.namespace, uid, spots):
        if pod.metadata.uid not in ours:
            taken_away = bool(pod.attempt_of(uid)) and picture.worker_index.is_taken_away(pod)
            yield Stray(pod, is_taken_away=taken_away)


def _vanished(picture: Picture, job: ImageJob) -> str | None:
    """The worker Job that it has, as its status says, and of which nothing is known."""
    name = worker_shown(job)
    return name if name and picture.has_vanished(job, name) else None
