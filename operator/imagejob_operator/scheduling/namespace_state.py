"""One namespace as the quota sees it: its ledger, those in line, and the workers being created."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from imagejob_operator.api.charge import charged_at
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.meta import Manifest
from imagejob_operator.imagejob.inputs import QuotaPosition, WaitsFor
from imagejob_operator.quota.ledger import DispatchRecord, Ledger, micros, time_of
from imagejob_operator.quota.position import QueuePosition
from imagejob_operator.quota.rates import Forecast
from imagejob_operator.quota.wait_queue import WaitQueue


class PendingWorker(msgspec.Struct, frozen=True):
    """A worker Job as it is about to be created, and when that was decided."""

    name: str
    jobs: tuple[ImageJob, ...]
    digest: str
    order: str
    manifest: Manifest
    at: datetime

    @property
    def record(self) -> DispatchRecord:
        """What the ledger says of it."""
        return DispatchRecord(tuple(job.metadata.uid for job in self.jobs), self.digest)


class WaitEstimate(msgspec.Struct, frozen=True):
    """What those who wait for a quota are told: its tightest rate (`50 per 1h`), how exactly times
    of it are known, and when each position goes on, as far as that was foreseen."""

    limit: str = ""
    slot: timedelta = timedelta()
    forecast: Forecast = Forecast((), ())


class NamespaceState:
    """What is known of one namespace's quota. Changed by the NamespaceRegistry alone.

    `ledger` is as last read or written, None before; `version` its resource version, None if there
    is none yet. `throttled` wait to be charged, `queued` for a worker. `pending` are the workers
    being created, by name; `retired` the names that lead to none. `charges` (by UID, µs since the
    epoch) outlive the ledger that they were seen in: a charge is never taken back.
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
        self.estimate = WaitEstimate()
        self._dispatches: dict[str, str] = {}

    def load(self, ledger: Ledger, version: str | None) -> None:
        """The ledger is so. Names that it no longer has lead nowhere any more."""
        self.ledger, self.version = ledger, version
        self.charges |= ledger.charged
        self.retired &= ledger.dispatches.keys()
        self._index()

    def invalidate(self) -> list[PendingWorker]:
        """Somebody else may have written it: what was concluded from it doesn't hold.

        Gives the workers that are not to be created for now.
        """
        self.ledger = None
        given_up = list(self.pending.values())
        self.pending.clear()
        return given_up

    def begin(self, pending: PendingWorker) -> None:
        """The ledger promises the worker, and it is being created here."""
        self.pending[pending.name] = pending

    def turn_away(self, excess: Mapping[str, str]) -> None:
        """Those, by UID, may not even wait, and why."""
        self.excess |= excess

    def retire(self, name: str) -> None:
        """No worker is being created under that name: it is there, has been, or can't be.

        The ledger may be out of our hands just then: what is read next may promise it still.
        """
        self.pending.pop(name, None)
        if name not in self.retired:
            self.retired.add(name)
            self._index()

    def promised(self) -> Mapping[str, DispatchRecord]:
        """The workers that the ledger says are being created."""
        found = self.ledger.dispatches.items() if self.ledger else ()
        return {name: record for name, record in found if name not in self.retired}

    def has_orphan(self, uid: str | None = None) -> bool:
        """Whether the ledger, as last seen, promises a worker that nobody here is creating.

        To that ImageJob, or to any.
        """
        names = self._dispatches.values() if uid is None else [self._dispatches.get(uid)]
        return any(name is not None and name not in self.pending for name in names)

    def line_up(self, job: ImageJob, waits_for: WaitsFor | None) -> bool:
        """Put it where it waits, and nowhere else. Says whether anything changed."""
        uid = job.metadata.uid
        wanted = {"admission": self.throttled, "worker": self.queued}.get(waits_for or "")
        left = [line.remove(uid) for line in (self.throttled, self.queued) if line is not wanted]
        return (wanted.put(job) if wanted is not None else False) or any(left)

    def leave(self, uid: str) -> bool:
        """It is finished, or no more. Says whether it waited."""
        self.excess.pop(uid, None)
        self.charges.pop(uid, None)
        waited, queued = self.throttled.remove(uid), self.queued.remove(uid)
        return waited or queued

    def charged_at(self, job: ImageJob) -> datetime | None:
        """When one ImageJob was charged, as far as its status or the ledger says."""
        charge = self.charges.get(job.metadata.uid)
        return charged_at(job, recorded=None if charge is None else time_of(charge))

    def note_charge(self, job: ImageJob, worker_created: datetime) -> None:
        """No ledger says when it was charged, and it has a worker, which was created then."""
        at = charged_at(job, recorded=self.charged_at(job), worker_created=worker_created)
        if at:
            self.charges[job.metadata.uid] = micros(at)

    def quota_position(self, job: ImageJob) -> QuotaPosition:
        """How one ImageJob stands here."""
        uid, charged_at = job.metadata.uid, self.charged_at(job)
        return QuotaPosition(
            admitted_at=charged_at,
            dispatch=self._dispatches.get(uid),
            position=self._turn_to_run(uid) if charged_at else self._turn_to_be_charged(uid),
            limit=self.estimate.limit,
            slot=self.estimate.slot,
            excess=self.excess.get(uid),
        )

    def _turn_to_run(self, uid: str) -> QueuePosition | None:
        return QueuePosition(self.queued.position(uid)) if uid in self.queued else None

    def _turn_to_be_charged(self, uid: str) -> QueuePosition | None:
        forecast = self.estimate.forecast
        position = self.throttled.position(uid) if uid in self.throttled else 0
        if not 0 < position <= forecast.count:
            return None
        return QueuePosition(position, time_of(forecast.at(position) * 1000))

    def _index(self) -> None:
        pending = self.promised().items()
        self._dispatches = {uid: name for name, record in pending for uid in record.uids}


def shows(job: ImageJob | None) -> bool:
    """Whether the ledger need not remember the charge: its status does, or it is no more."""
    return job is None or job.is_admitted
