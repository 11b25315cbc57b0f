"""What to do next for a subject: each is looked at anew, whatever it was touched for."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import Picture
from imagejob_operator.cache.reconcile_key import EventsOf, Key, PodAt, QuotaOf, Subject, Tenancy
from imagejob_operator.config.platform import Platform
from imagejob_operator.imagejob.decide import (
    Decision,
    Find,
    Inquire,
    Memory,
    Replace,
    WriteStatus,
    decide,
    with_charge,
)
from imagejob_operator.imagejob.gather import gather, may_hide
from imagejob_operator.imagejob.inputs import Standing
from imagejob_operator.scheduling.namespace_registry import Tenants
from imagejob_operator.workqueue.queue import Lane

from .quota_status import QuotaReports
from .writers import STALE, Actions

Action = Callable[[], Coroutine[Any, Any, None]]

LINGER = 2 * STALE
"""A worker that has ended keeps its name for so long: whoever else has decided to create it, and
was held up, meets it, or finds that the decision is stale."""

LET_BE = timedelta(seconds=5)
"""A pod may be heard of so long before its Job; and whoever deletes a Job, deletes its pods."""


class Step(msgspec.Struct, frozen=True):
    """What to do next for a subject of a namespace."""

    action: Action
    namespace: str
    lane: Lane = Lane.WORK


class Steps:
    """Decides with what the picture shows and the tenants' ledgers say.

    `later` is told when to look at a subject again.
    """

    def __init__(
        self,
        picture: Picture,
        tenants: Tenants,
        actions: Actions,
        reports: QuotaReports,
        memories: dict[str, Memory],
        platform: Platform,
        clock: Callable[[], datetime],
        later: Callable[[Subject, datetime], None],
    ) -> None:
        self._picture = picture
        self._tenants = tenants
        self._actions = actions
        self._reports = reports
        self._memories = memories
        self._platform = platform
        self._clock = clock
        self._later = later
        self._strays: dict[PodAt, datetime] = {}

    def next_for(self, subject: Subject) -> Step | None:
        """What is to be done, or None; who is to be looked at meanwhile, or later, is noted."""
        match subject:
            case Tenancy(namespace):
                self._tenants.touch(namespace)
                return None
            case QuotaOf(namespace):
                report = self._reports.consider(namespace)
                return Step(report, namespace, Lane.NEWS) if report else None
            case EventsOf(namespace, uid):
                if not self._actions.has_events(uid):
                    return None
                lane = Lane.WORK if self._actions.are_events_many else Lane.EVENT
                return Step(partial(self._actions.post_events, uid), namespace, lane)
            case PodAt():
                return self._for_stray(subject)
            case (_, _):
                return self._for_worker(subject)
            case str():
                return self._for_image_job(subject)

    def _for_worker(self, at: Key) -> Step | None:
        namespace, name = at
        tenant = self._tenants.of(namespace)
        worker = self._picture.workers.get(at)
        self._tenants.touch_all_in_line()
        self._picture.touch(QuotaOf(namespace))  # of one that has gone, too: it was at work
        if not worker:
            composed = tenant.composed.get(name)
            if not composed:
                return None
            return Step(partial(self._actions.create, tenant, composed), namespace, Lane.AT_ONCE)
        if not worker.items or worker.is_deleting or self._picture.is_needed(worker):
            return None
        ended_at = self._picture.ended_at(worker)
        if ended_at and self._clock() < ended_at + LINGER:
            self._later(at, ended_at + LINGER)
            return None
        return Step(partial(self._actions.tidy, worker), namespace)

    def _for_stray(self, at: PodAt) -> Step | None:
        """One that is no Job's is deleted, unless its Job is only heard of later."""
        pod, now = self._picture.pods.get((at.namespace, at.name)), self._clock()
        if not pod or pod.metadata.deletion_timestamp or not self._picture.is_stray(pod):
            self._strays.pop(at, None)
            return None
        due = self._strays.setdefault(at, now + LET_BE)
        if now >= due:
            self._strays[at] = now + LET_BE
        self._later(at, self._strays[at])
        return Step(partial(self._actions.sweep, pod), at.namespace) if now >= due else None

    def _for_image_job(self, uid: str) -> Step | None:
        known = self._picture.jobs.get(uid)
        if known and uid in self._picture.suspects:
            return self._for_suspect(known)
        situation = gather(self._picture, uid)
        if not situation:
            self._memories.pop(uid, None)
            self._tenants.leave(uid)
            return None
        if not situation.worker and may_hide(self._picture, situation):
            return None

        if situation.job.is_deleting and self._tenants.is_charging(situation.job):
            return None  # its end is not told before it is known whether it was charged
        place = self._tenants.place_of(situation.job)
        if situation.worker and not place.admitted_at:
            # Somebody else has charged it: nothing is told of it before that is known.
            if not self._tenants.look_up_charge(situation.job, situation.worker.job):
                return None
            place = self._tenants.place_of(situation.job)
        situation = msgspec.structs.replace(situation, place=place)
        memory = self._memories.get(uid, Memory())
        platform = self._tenants.platform(situation.job.metadata.namespace, self._platform)
        decision = decide(situation, memory, platform, self._clock())
        self._memories[uid] = decision.memory
        self._tenants.line_up(situation.job, decision.standing.wish)
        if decision.look_again:
            self._later(uid, decision.look_again)
        return self._step_of(situation.job, decision)

    def _for_suspect(self, job: ImageJob) -> Step | None:
        """It may be gone: find out, once it is known whether it was charged."""
        if self._tenants.is_charging(job):
            return None
        uid, charged_at = job.metadata.uid, self._tenants.place_of(job).admitted_at
        self._memories[uid] = with_charge(self._memories.get(uid, Memory()), job, charged_at)
        return Step(partial(self._actions.verify, uid), job.metadata.namespace)

    def _step_of(self, job: ImageJob, decision: Decision) -> Step | None:
        namespace = job.metadata.namespace
        match decision.action:
            case WriteStatus() as write:
                lane = _lane_of(decision.standing, write)
                return Step(partial(self._actions.write_status, write), namespace, lane)
            case Inquire() as inquire:
                return Step(partial(self._actions.inquire, inquire), namespace)
            case Replace() as replace:
                return Step(partial(self._actions.replace, replace), namespace)
            case Find() as find:
                return Step(partial(self._actions.find, find), namespace)
            case None:
                return None


def _lane_of(standing: Standing, write: WriteStatus) -> Lane:
    """An end is not kept waiting by those who only wait."""
    if standing.is_finished:
        return Lane.WORK
    return Lane.NEWS if write.entries else Lane.REFRESH
