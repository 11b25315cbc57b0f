"""What bears on one ImageJob, gathered, and what follows from it for the ImageJob itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from imagejob_operator.api.imagejob import FINISHED, ImageJob, LastFailure, Phase, Queue
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.api.reasons import Reason
from imagejob_operator.contract.order import OrderItem
from imagejob_operator.contract.report import Done, Failed, Read
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.worker import Worker
from imagejob_operator.quota.position import QueuePosition


class QuotaPosition(msgspec.Struct, frozen=True):
    """How one ImageJob stands with its namespace's quota and with the free workers.

    `admitted_at` is when it was charged, `dispatch` the worker Job that the ledger says is being
    created for it, `position` its place in the line it waits in, `limit` the rate it waits for
    ("50 per 1h"), `slot` how exact its time is, `excess` why it may not
    even wait. All None before the quota has been looked at.
    """

    admitted_at: datetime | None = None
    dispatch: str | None = None
    position: QueuePosition | None = None
    limit: str = ""
    slot: timedelta = timedelta()
    excess: str | None = None


class Refusal(msgspec.Struct, frozen=True):
    """Why no worker could be started for it, as of the last look; the next comes at `until`.

    `about` is the pod that was looked at; "" where there was none. The message is "" where nobody
    says why.
    """

    message: str
    until: datetime
    about: str = ""


class Stray(msgspec.Struct, frozen=True):
    """A pod that was made for the ImageJob or its destination, and is not its worker's.

    `is_taken_away` when it was for the ImageJob itself, and is not its own Job's any more.
    """

    pod: Pod
    is_taken_away: bool = False

    def may_write(self, now: datetime) -> bool:
        """Whether it has not ended yet, nor is lost with its node."""
        return not (self.pod.has_ended or self.pod.is_silent(now))


class Inputs(msgspec.Struct, frozen=True):
    """All that bears on one ImageJob.

    `stores` are those of its namespace by name, `worker` the Job that carries it, `rival` the name
    of another live worker that has it or writes to its destination, `strays` the pods that are not
    its worker's and may do the same, `vanished` the worker Job that its status names and that is
    not there (`is_missed` once the API server has said so).
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

    def stray(self, now: datetime) -> Pod | None:
        """A pod that no other worker may begin beside."""
        return next((each.pod for each in self.strays if each.may_write(now)), None)


WaitsFor = Literal["admission", "worker"]
"""What an ImageJob waits in line for."""


class JobState(msgspec.Struct, frozen=True):
    """Where an ImageJob stands now, for people and for the status.

    `item` is what it was dispatched as, `outcome` what its worker reported, `read` what that had
    read if it came to no end, `failure` the attempt that has just failed, `disruptions` how many of
    its workers the cluster has taken away, if that is one more now, `queue` its place in line,
    `waits_for` what it is in line for. `until` is when time alone may change all this.
    `worker_is_spent` asks for the worker to be deleted, so that another can take its place.
    `is_transient` says that it has only just come to where it waits: there is nothing to tell until
    that has been looked at.
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
    queue: Queue | None = None
    waits_for: WaitsFor | None = None
    until: datetime | None = None
    worker_is_spent: bool = False
    is_transient: bool = False

    @property
    def is_finished(self) -> bool:
        return self.phase in FINISHED
