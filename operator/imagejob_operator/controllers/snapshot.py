"""Computes the figures of the operator's state for metrics; nothing is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple, get_args

from imagejob_operator.api.imagejob import FINISHED, ImageJob, Phase
from imagejob_operator.api.reasons import Reason
from imagejob_operator.cache.cluster_cache import KINDS, ClusterCache
from imagejob_operator.config.platform import Caps
from imagejob_operator.kube.concurrency_limiter import AdaptiveConcurrencyLimiter
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.resources import IMAGE_QUOTAS
from imagejob_operator.observability.namespaces import NamespaceUse, WindowUse
from imagejob_operator.observability.snapshot import Cache, ImageJobs, Queue, Snapshot, Workers
from imagejob_operator.quota.rates import usage
from imagejob_operator.workqueue.queue import WorkQueue

from .job_histories import JobHistories
from .namespace_registry import NamespaceRegistry

PHASES: tuple[Phase, ...] = tuple(each for each in get_args(Phase) if each not in FINISHED)
WAITS = frozenset({"Pending", "Throttled", "Queued"})
STATES = ("starting", "running", "suspended", "ended")


class Observed(NamedTuple):
    """The manager's state, consistent only between two awaits of the event loop."""

    cache: ClusterCache
    histories: JobHistories
    registry: NamespaceRegistry
    queue: WorkQueue
    limiter: AdaptiveConcurrencyLimiter
    caps: Caps

    def snapshot(self, now: datetime) -> Snapshot:
        """Return the figures as of now."""
        room = self.cache.budget
        return Snapshot(
            image_jobs=self._image_jobs(now),
            workers=self._workers(),
            queue=self._queue(),
            cache=Cache(room.taken, len(room.full()), self._unreadable()),
            namespaces=list(self._uses(now)),
        )

    def _unreadable(self) -> dict[str, int]:
        counts = self.cache.unreadable.counts()
        return {kind.plural: counts.get(kind.plural, 0) for kind in KINDS}

    def _image_jobs(self, now: datetime) -> ImageJobs:
        phases: Counter[str] = Counter(dict.fromkeys(PHASES, 0))
        reasons: Counter[str] = Counter()
        oldest = dict.fromkeys(PHASES, now)
        running: dict[str, ImageJob] = {}
        for job in self.cache.jobs:
            phase, reason = self._state(job)
            phases[phase] += 1
            if phase in WAITS:
                reasons[reason] += 1
            if phase == "Running":
                running[job.metadata.uid] = job
            oldest[phase] = min(self._since(job, phase) or now, oldest[phase])
        ages: dict[str, float] = {phase: _seconds(now - at) for phase, at in oldest.items()}
        return ImageJobs(phases, reasons, ages, overdue=self._overdue(running, now))

    def _overdue(self, running: Mapping[str, ImageJob], now: datetime) -> float:
        """Return how long ago a `running` ImageJob should have ended or gone on elsewhere."""
        late = (
            pod.heard_by
            for pod in self.cache.pods
            if pod.heard_by and pod.heard_by < now
            # A pod that was given up stays until its node returns; its ImageJobs have others.
            if any(self._is_last(pod, running.get(item.uid)) for item in pod.carries)
        )
        return _seconds(now - min(late, default=now))

    def _is_last(self, pod: Pod, job: ImageJob | None) -> bool:
        worker = self.cache.worker_index.carrier(job) if job else None
        last = worker.last if worker else None
        return last is not None and last.metadata.uid == pod.metadata.uid

    def _state(self, job: ImageJob) -> tuple[Phase, str]:
        """Return phase and reason as last decided, which the status may not show yet.

        One whose final status is not written yet counts as running.
        """
        last = self.histories.of(job.metadata.uid).last
        if not last:
            return job.status.phase or "Pending", Reason.REQUESTED
        decided, reason = last
        return next((phase for phase in PHASES if phase == decided), "Running"), reason

    def _since(self, job: ImageJob, phase: Phase) -> datetime | None:
        charged = None
        if phase in ("Queued", "Running"):
            charged = self.registry.of(job.metadata.namespace).charged_at(job)
        return charged or job.metadata.creation_timestamp

    def _workers(self) -> Workers:
        found = Counter(dict.fromkeys(STATES, 0))
        for namespace in self.cache.namespaces_with_workers():
            for worker in self.cache.live_workers(namespace):
                has_started = worker.pod is not None and worker.pod.has_started
                state = "running" if has_started else "starting"
                found["suspended" if worker.is_suspended else state] += 1
        found["ended"] = max(0, len(self.cache.workers) - found.total())
        return Workers(found, self.caps.max_workers)

    def _queue(self) -> Queue:
        waits = self.queue.longest_waits()
        return Queue(
            waiting={
                priority.name.lower(): count for priority, count in self.queue.waiting().items()
            },
            oldest={priority.name.lower(): seconds for priority, seconds in waits.items()},
            under_way=self.queue.under_way,
            limit=self.limiter.limit,
            pause=self.limiter.pause,
        )

    def _uses(self, now: datetime) -> Iterator[NamespaceUse]:
        """Yield every namespace whose ledger and limits are known."""
        for state in self.registry:
            if state.ledger is None or self.cache.unreadable.get(
                IMAGE_QUOTAS.plural, state.namespace, "default"
            ):
                continue
            policy = self.registry.policies.of(state.namespace)
            ledger = state.ledger.at(now, policy.rates)
            used = usage(ledger.history, policy.rates, ledger.now)
            yield NamespaceUse(
                state.namespace,
                tuple(WindowUse(use.rate.per, use.rate.jobs, use.used) for use in used),
                waiting=len(state.throttled),
                running=self.registry.running(state.namespace),
            )


def _seconds(duration: timedelta) -> float:
    return max(0.0, duration.total_seconds())
