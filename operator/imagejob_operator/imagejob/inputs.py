"""The gathered inputs of one ImageJob, and the state that is evaluated from them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

import msgspec

from imagejob_operator.api.imagejob import FINISHED, ImageJob, LastFailure, Phase, Queue
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.api.reasons import Reason
from imagejob_operator.contract.order import OrderItem
from imagejob_operator.contract.report import Done, Failed, Read
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.reader import Unreadable
from imagejob_operator.kube.worker import Worker
from imagejob_operator.quota.position import QueuePosition


class QuotaPosition(msgspec.Struct, frozen=True):
    """The position of one ImageJob in its namespace's quota and in the queue for workers.

    `admitted_at` is when it was charged, `dispatch` the worker Job that, by the ledger, is being
    created for it, `position` its position in the queue that it is in, `limit` the rate it waits
    for ("50 per 1h"), `slot` the precision of its time, `excess` why it may not even wait. All are
    unset before the quota has been evaluated; the position also while the quota admits it, and its
    charge has yet to be written.
    """

    admitted_at: datetime | None = None
    dispatch: str | None = None
    position: QueuePosition | None = None
    limit: str = ""
    slot: timedelta = timedelta()
    excess: str | None = None


class Refusal(msgspec.Struct, frozen=True):
    """Why no worker could be started for it when last checked; the next check is at `until`.

    `about` is the pod that was checked, "" if there was none. The message is "" if the cluster
    gives no reason.
    """

    message: str
    until: datetime
    about: str = ""


class Stray(msgspec.Struct, frozen=True):
    """A pod that was created for the ImageJob or its destination, and is not its worker's.

    `is_taken_away` if it was created for the ImageJob, and its Job no longer controls it.
    """

    pod: Pod
    is_taken_away: bool = False


class Inputs(msgspec.Struct, frozen=True):
    """Everything that the state of one ImageJob depends on.

    `stores` are those of its namespace by name, `worker` is the Job that carries it, `rival` the
    name of another live worker that has it or writes to its destination, `strays` are pods that are
    not its worker's and may do the same, `vanished` is the worker Job that its status names and the
    cache doesn't have, `unreadable` an object
    that this operator can't read, and that it would need to start a worker. `is_missed` says that
    the API server doesn't have what is `unconfirmed` either.
    """

    job: ImageJob
    profile: ImageProfile | None = None
    stores: Mapping[str, ImageStore] = {}
    worker: Worker | None = None
    rival: str | None = None
    strays: tuple[Stray, ...] = ()
    vanished: str | None = None
    is_missed: bool = False
    quota: QuotaPosition = QuotaPosition()
    refusal: Refusal | None = None
    unreadable: Unreadable | None = None

    @property
    def unconfirmed(self) -> str | None:
        """What the cache lacks and the API server may have: the worker Job that has vanished, or
        the pod of one that has ended. A watch of them may be late."""
        if self.vanished:
            return self.vanished
        hides = self.worker is not None and self.worker.hides_its_pod
        return f"the pod of {self.worker.job.metadata.name}" if hides and self.worker else None

    @property
    def stray(self) -> Pod | None:
        """A pod that must end, or be given up, before another worker may start."""
        return next((each.pod for each in self.strays if not each.pod.has_ended), None)


WaitsFor = Literal["admission", "worker"]
"""What an ImageJob is queued for."""


class JobState(msgspec.Struct, frozen=True):
    """The state of an ImageJob, as its status shows it.

    `item` is the order's item that it was dispatched as, `outcome` its worker's report, `read` the
    source that an unfinished attempt had read, `failure` the attempt that has just failed,
    `disruptions` the new number of its disruptions, if there is one more now, `memory_bytes` what
    its worker has just found that it takes, `queue` its position,
    `waits_for` what it is queued for. `until` is when time alone may change the state; it follows
    from the checks.
    `is_transient` means that it has only just been enqueued: its position isn't known yet, so there
    is nothing to write.
    """

    phase: Phase
    reason: Reason
    message: str
    item: OrderItem | None = None
    worker: Worker | None = None
    outcome: Done | Failed | None = None
    read: Read | None = None
    failure: LastFailure | None = None
    disruptions: int | None = None
    memory_bytes: int | None = None
    queue: Queue | None = None
    waits_for: WaitsFor | None = None
    until: datetime | None = None
    is_transient: bool = False

    @property
    def is_finished(self) -> bool:
        return self.phase in FINISHED


class Later(msgspec.Struct, frozen=True):
    """A verdict that time alone changes: `before` up to `at`, `after` from then on.

    A check that depends on the time returns this, instead of comparing with the time itself. So the
    time at which to look again can't be forgotten.
    """

    at: datetime
    before: Verdict
    after: Verdict


Verdict: TypeAlias = JobState | Later | None
"""What a check says; None if it doesn't apply."""
