"""The scheduling state of one namespace: its ledger, queues, and workers being created."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from imagejob_operator.api.charge import charged_at
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.meta import Manifest
from imagejob_operator.api.reasons import Reason
from imagejob_operator.imagejob.inputs import JobState, QuotaPosition, WaitsFor
from imagejob_operator.quota.ledger import DispatchRecord, Ledger, micros, time_of
from imagejob_operator.quota.position import QueuePosition
from imagejob_operator.quota.rates import Forecast
from imagejob_operator.quota.wait_queue import WaitQueue

NO_FORECAST = Forecast((), ())
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class PendingWorker(msgspec.Struct, frozen=True):
    """A worker Job that is being created, and when that was decided."""

    name: str
    jobs: tuple[ImageJob, ...]
    digest: str
    order: str
    manifest: Manifest
    at: datetime

    @property
    def record(self) -> DispatchRecord:
        """Its record in the ledger."""
        return DispatchRecord(tuple(job.metadata.uid for job in self.jobs), self.digest)


class WaitEstimate(msgspec.Struct, frozen=True):
    """The estimate for ImageJobs that wait for a quota: its tightest rate (`50 per 1h`), the
    precision of its times, how many more it admits at once, and when each position continues, up to
    the end of the forecast."""

    limit: str = ""
    slot: timedelta = timedelta()
    at_once: int = 0
    forecast: Forecast = NO_FORECAST


class NamespaceState:
    """The quota state of one namespace. Only the NamespaceRegistry changes it.

    `ledger` is the one last read or written, None before; `version` is its resource version, None
    if it doesn't exist yet. `throttled` wait to be charged, `queued` for a worker. `pending` are
    the workers being created, by name; `retired` the names under which none is. `excess` (by UID)
    is why an ImageJob may not wait. `charges` (by UID, µs since the epoch) outlive the ledger that
    had them: a charge is never reverted. `gone` are the UIDs of ImageJobs that have finished or
    were deleted, as far as the ledger may still have them. `refused_at` is when the last pod was
    created that could not run, None once a later one has run.
    """

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.ledger: Ledger | None = None
        self.version: str | None = None
        self.throttled = WaitQueue()
        self.queued = WaitQueue()
        self.pending: dict[str, PendingWorker] = {}
        self.retired: set[str] = set()
        self.excess: dict[str, str] = {}
        self.charges: dict[str, int] = {}
        self.gone: set[str] = set()
        self.estimate = WaitEstimate()
        self.refused_at: datetime | None = None
        self._dispatches: dict[str, str] = {}

    def load(self, ledger: Ledger, version: str | None) -> None:
        """Store a ledger that was read or written. Forget retired names that it no longer has."""
        self.ledger, self.version = ledger, version
        self.gone &= ledger.uids
        self.charges |= {uid: at for uid, at in ledger.charged.items() if uid not in self.gone}
        self.retired &= ledger.dispatches.keys()
        self._index()

    def invalidate(self) -> list[PendingWorker]:
        """Drop the ledger, as another operator may have written it, and what followed from it.

        Return the workers that must not be created for now.
        """
        self.ledger = None
        self.estimate = msgspec.structs.replace(self.estimate, forecast=NO_FORECAST)
        dropped = list(self.pending.values())
        self.pending.clear()
        return dropped

    def begin(self, pending: PendingWorker) -> None:
        """Record that a worker in the ledger is being created by this operator."""
        self.pending[pending.name] = pending

    def turn_away(self, excess: Mapping[str, str]) -> None:
        """Record which ImageJobs, by UID, may not even wait, and why."""
        self.excess |= excess

    def retire(self, name: str) -> None:
        """Record that no worker is being created under that name: it exists, existed, or can't be.

        A ledger that is read later may still have it.
        """
        self.pending.pop(name, None)
        if name not in self.retired:
            self.retired.add(name)
            self._index()

    def promised(self) -> Mapping[str, DispatchRecord]:
        """Return the workers that, by the ledger, are being created."""
        found = self.ledger.dispatches.items() if self.ledger else ()
        return {name: record for name, record in found if name not in self.retired}

    def is_idle(self, now: datetime) -> bool:
        """Whether nothing is to be planned: no ImageJob waits, and no worker is promised.

        A ledger whose clock is ahead may have to be written nevertheless.
        """
        if self.throttled or self.queued or self._dispatches:
            return False
        return self.ledger is None or self.ledger.as_of <= micros(now)

    def has_orphan(self, uid: str) -> bool:
        """Whether the last known ledger has a worker for that ImageJob that this operator is not
        creating."""
        name = self._dispatches.get(uid)
        return name is not None and name not in self.pending

    def line_up(self, job: ImageJob, waits_for: WaitsFor | None) -> bool:
        """Put it into the queue that it waits in, and no other; return whether that changed any."""
        uid = job.metadata.uid
        target = {"admission": self.throttled, "worker": self.queued}.get(waits_for or "")
        left = [queue.remove(uid) for queue in (self.throttled, self.queued) if queue is not target]
        put = target.put(job) if target is not None else False
        self._forget_forecast()
        return put or any(left)

    def leave(self, uid: str) -> bool:
        """Remove an ImageJob that has finished or was deleted; return whether it waited."""
        self.excess.pop(uid, None)
        self.charges.pop(uid, None)
        self.gone.add(uid)
        waited, queued = self.throttled.remove(uid), self.queued.remove(uid)
        self._forget_forecast()
        return waited or queued

    def note_start(self, state: JobState) -> bool:
        """Note whether the worker of an ImageJob could start; return whether that decides anew."""
        known, pod = self.refused_at, state.worker.last if state.worker else None
        created = pod.metadata.creation_timestamp if pod else None
        if state.phase == "Queued" and state.reason is Reason.WORKER_REFUSED:
            # By its status alone, as after a restart, it is known that it was, but not when.
            seen = created or (_LONG_AGO if state.queue else None)
            self.refused_at = max((at for at in (known, seen) if at), default=None)
        elif known and created and created > known and pod and pod.has_begun:
            self.refused_at = None
        return (known is None) != (self.refused_at is None)

    def charged_at(self, job: ImageJob) -> datetime | None:
        """When the ImageJob was charged, by its status or a ledger; None if neither says so."""
        charge = self.charges.get(job.metadata.uid)
        return charged_at(job, recorded=None if charge is None else time_of(charge))

    def note_charge(self, job: ImageJob, worker_created: datetime) -> None:
        """Record a charge that no ledger has: the ImageJob has a worker, which was created then."""
        at = charged_at(job, recorded=self.charged_at(job), worker_created=worker_created)
        if at:
            self.charges[job.metadata.uid] = micros(at)

    def quota_position(self, job: ImageJob) -> QuotaPosition:
        """Return the quota position of one ImageJob."""
        uid, charged_at = job.metadata.uid, self.charged_at(job)
        return QuotaPosition(
            admitted_at=charged_at,
            dispatch=self._dispatches.get(uid),
            position=self._worker_position(uid) if charged_at else self._admission_position(uid),
            limit=self.estimate.limit,
            slot=self.estimate.slot,
            excess=self.excess.get(uid),
        )

    def _worker_position(self, uid: str) -> QueuePosition | None:
        return QueuePosition(self.queued.position(uid)) if uid in self.queued else None

    def _admission_position(self, uid: str) -> QueuePosition | None:
        """Return its position among those for which the quota is used up."""
        at_once, forecast = self.estimate.at_once, self.estimate.forecast
        position = self.throttled.position(uid) if uid in self.throttled else 0
        if not at_once < position <= forecast.count:
            return None
        return QueuePosition(position, time_of(forecast.at(position) * 1000))

    def _forget_forecast(self) -> None:
        """Forget the forecast when no ImageJob waits any more.

        Nothing updates it then, and one that comes later may be admitted at once.
        """
        if not (self.throttled or self.queued):
            self.estimate = msgspec.structs.replace(self.estimate, forecast=NO_FORECAST)

    def _index(self) -> None:
        pending = self.promised().items()
        self._dispatches = {uid: name for name, record in pending for uid in record.uids}


def shows(job: ImageJob | None) -> bool:
    """Whether the ledger may drop the charge: the status shows it, or the ImageJob is deleted."""
    return job is None or job.is_admitted
