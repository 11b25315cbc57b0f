"""Decides the next action of a key, from the current state only."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.reconcile_key import (
    EventsKey,
    Key,
    MissingLedgersKey,
    ObjectKey,
    PodKey,
    QuotaStatusKey,
)
from imagejob_operator.config.platform import Platform
from imagejob_operator.imagejob.decide import (
    Decision,
    Find,
    FindPod,
    Inquire,
    WriteStatus,
    decide,
    with_charge,
)
from imagejob_operator.imagejob.gather import gather, is_outdated, may_hide
from imagejob_operator.imagejob.inputs import JobState
from imagejob_operator.kube.pod import Pod
from imagejob_operator.workqueue.priority import Priority
from imagejob_operator.workqueue.queue import WorkQueue

from .job_histories import JobHistories
from .job_writer import STALE, JobWriter
from .ledger_rebuilder import LedgerRebuilder
from .namespace_registry import NamespaceRegistry
from .quota_status import ImageQuotaStatusWriter
from .status_writer import StatusWriter

Action = Callable[[], Coroutine[Any, Any, bool | None]]
"""False says that nothing was tried: the failures of its key count on."""

LINGER = 2 * STALE
"""A worker that has ended keeps its name for this long: another operator that planned to create it,
and was delayed, finds it, or finds that its plan is stale."""

LET_BE = timedelta(seconds=5)
"""A pod may arrive this long before its Job; and a user who deletes a Job deletes its pods."""


class WorkItem(msgspec.Struct, frozen=True):
    """The next action for a key of a namespace."""

    action: Action
    namespace: str
    priority: Priority = Priority.PROGRESS


class Reconciler:
    """Decides from the cache and the namespaces' ledgers."""

    def __init__(
        self,
        cache: ClusterCache,
        queue: WorkQueue,
        registry: NamespaceRegistry,
        status_writer: StatusWriter,
        job_writer: JobWriter,
        quota_status_writer: ImageQuotaStatusWriter,
        ledger_rebuilder: LedgerRebuilder,
        histories: JobHistories,
        platform: Platform,
        clock: Callable[[], datetime],
    ) -> None:
        self._cache = cache
        self._queue = queue
        self._registry = registry
        self._status_writer = status_writer
        self._job_writer = job_writer
        self._quota_status_writer = quota_status_writer
        self._ledger_rebuilder = ledger_rebuilder
        self._histories = histories
        self._platform = platform
        self._clock = clock
        self._strays: dict[PodKey, datetime] = {}

    def next_for(self, key: ObjectKey) -> WorkItem | None:
        """Return the next action, or None. Adds keys to reconcile later to the queue."""
        match key:
            case QuotaStatusKey(namespace):
                write = self._quota_status_writer.consider(namespace)
                if not write:
                    return None
                has_work = self._registry.has_work(namespace)
                priority = Priority.STATUS if has_work else Priority.STATUS_REFRESH
                return WorkItem(write, namespace, priority)
            case MissingLedgersKey():
                return self._for_missing_ledgers()
            case EventsKey():
                return self._for_events(key)
            case PodKey():
                return self._for_stray(key)
            case (_, _):
                return self._for_worker(key)
            case str():
                return self._for_image_job(key)

    def _for_missing_ledgers(self) -> WorkItem | None:
        """Rebuild them before anything else if ImageJobs wait, and after all work if none do."""
        next_one = self._ledger_rebuilder.consider()
        if not next_one:
            return None
        priority = Priority.IMMEDIATE if next_one.is_urgent else Priority.EVENT
        return WorkItem(next_one.action, "", priority)

    def _for_events(self, key: EventsKey) -> WorkItem | None:
        writer = self._status_writer
        if not writer.has_events(key.uid):
            return None
        priority = Priority.PROGRESS if writer.are_events_many else Priority.EVENT
        return WorkItem(partial(writer.post_events, key.uid), key.namespace, priority)

    def _for_worker(self, at: Key) -> WorkItem | None:
        namespace, name = at
        if self._cache.unreadable.worker(namespace, name):
            self._leave_to_ledger(namespace, name)
            return None
        worker = self._cache.workers.get(at)
        self._registry.enqueue_all_waiting()
        self._queue.add(QuotaStatusKey(namespace))  # also of a deleted one: it was running
        if not worker:
            pending = self._registry.of(namespace).pending.get(name)
            if not pending:
                return None
            create = partial(self._job_writer.create, namespace, pending)
            return WorkItem(create, namespace, Priority.IMMEDIATE)
        self._look_again(at, self._give_up_silent(self._cache.worker_index.pods_of(worker)))
        if not worker.items or worker.is_deleting or self._cache.worker_ends.is_needed(worker):
            return None
        if any(self._cache.unreadable.image_job(namespace, item.uid) for item in worker.items):
            return None
        ended_at = self._cache.worker_ends.ended_at(worker)
        # A suspended Job may be resumed, and would create another pod.
        if ended_at and not worker.spec.suspend and self._clock() < ended_at + LINGER:
            self._queue.add(at, after=ended_at + LINGER)
            return None
        return WorkItem(partial(self._job_writer.tidy, worker), namespace)

    def _leave_to_ledger(self, namespace: str, name: str) -> None:
        """Stop creating a worker that seems to exist: nothing reconciles it again once what can't
        be read is gone. What the ledger promises is then composed again."""
        if name in self._registry.of(namespace).pending:
            self._registry.ledgers.invalidate(namespace)
            self._registry.enqueue(namespace)

    def _for_stray(self, at: PodKey) -> WorkItem | None:
        """Give up or delete a pod without a Job, unless its Job arrives shortly afterwards."""
        pod, now = self._cache.pods.get((at.namespace, at.name)), self._clock()
        if not pod or not self._cache.is_stray(pod):
            self._strays.pop(at, None)
            return None
        silent = self._give_up_silent([pod])
        if pod.metadata.deletion_timestamp:
            self._strays.pop(at, None)
            self._look_again(at, silent)
            return None
        due = self._strays.setdefault(at, now + LET_BE)
        if now >= due:
            self._strays[at] = now + LET_BE
        self._look_again(at, silent, self._strays[at])
        return WorkItem(partial(self._job_writer.sweep, pod), at.namespace) if now >= due else None

    def give_up_silent_pods(self) -> None:
        """Give up pods that were silent before this operator led, before anything waits for one."""
        self._give_up_silent(list(self._cache.pods))

    def _give_up_silent(self, pods: Iterable[Pod]) -> datetime | None:
        """Give up pods whose nodes are lost; return when the next of them will be.

        No event says that a node stays lost. The pod stays, too: its kubelet ends it if the node
        returns, and the cluster deletes it with the Node object.
        """
        now, times = self._clock(), []
        for pod in pods:
            silent = pod.silent_from
            if silent and silent <= now:
                self._cache.give_up(pod)
            elif silent:
                times.append(silent)
        return min(times, default=None)

    def _look_again(self, key: ObjectKey, *times: datetime | None) -> None:
        """Reconcile the key at the first of the times, if there is any."""
        at = min((each for each in times if each), default=None)
        if at:
            self._queue.add(key, after=at)

    def _for_image_job(self, uid: str) -> WorkItem | None:
        known = self._cache.jobs.get(uid)
        if known and uid in self._cache.unverified:
            return self._for_unverified(known)
        if known and is_outdated(self._cache, known):
            self._registry.line_up(known, None)
            return None
        inputs = gather(self._cache, uid)
        if not inputs:
            self._histories.forget(uid)
            self._registry.leave(uid)
            return None
        if not inputs.worker and may_hide(self._cache, inputs):
            return None

        if inputs.job.is_deleting and self._registry.ledgers.is_charging(inputs.job):
            return None  # its end is written once it is known whether it was charged
        quota = self._registry.quota_position(inputs.job)
        if inputs.worker and not quota.admitted_at:
            # Another operator has charged it: nothing is written before the time is known.
            if not self._registry.ledgers.look_up_charge(inputs.job, inputs.worker.job):
                return None
            quota = self._registry.quota_position(inputs.job)
        inputs = msgspec.structs.replace(inputs, quota=quota)
        platform = self._registry.policies.platform(inputs.job.metadata.namespace, self._platform)
        decision = decide(inputs, self._histories.of(uid), platform, self._clock())
        self._histories.keep(uid, decision.history)
        self._registry.line_up(inputs.job, decision.state.waits_for)
        self._registry.note_start(inputs.job.metadata.namespace, decision.state)
        self._look_again(uid, decision.look_again)
        return self._step_of(inputs.job, decision)

    def _for_unverified(self, job: ImageJob) -> WorkItem | None:
        """Verify an ImageJob that may be gone, once it is known whether it was charged."""
        if self._registry.ledgers.is_charging(job):
            return None
        uid, charged_at = job.metadata.uid, self._registry.quota_position(job).admitted_at
        self._histories.keep(uid, with_charge(self._histories.of(uid), job, charged_at))
        return WorkItem(partial(self._status_writer.verify, uid), job.metadata.namespace)

    def _step_of(self, job: ImageJob, decision: Decision) -> WorkItem | None:
        namespace = job.metadata.namespace
        match decision.action:
            case WriteStatus() as write:
                priority = _priority_of(decision.state, write)
                return WorkItem(partial(self._status_writer.write, write), namespace, priority)
            case Inquire() as inquire:
                return WorkItem(partial(self._job_writer.inquire, inquire), namespace)
            case Find() as find:
                return WorkItem(partial(self._job_writer.find, find), namespace)
            case FindPod() as find:
                return WorkItem(partial(self._job_writer.find_pod, find), namespace)
            case None:
                return None


def _priority_of(state: JobState, write: WriteStatus) -> Priority:
    """Return the priority: outcomes don't wait for waiting states."""
    if state.is_finished:
        return Priority.PROGRESS
    return Priority.STATUS if write.entries else Priority.STATUS_REFRESH
