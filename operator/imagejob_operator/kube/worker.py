"""A worker Job with its pods, as the operator reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import Literal

import msgspec

from imagejob_operator.api.meta import ObjectMeta, Resource
from imagejob_operator.contract import order as orders
from imagejob_operator.contract import report as reports
from imagejob_operator.contract.carried import UNSEEN

from .pod import Pod, PodSpec, StateCondition

Nothing = Literal["nothing"]


class PodTemplate(Resource, frozen=True):
    """A Job's pod template."""

    spec: PodSpec


class JobSpec(Resource, frozen=True):
    """A Job's spec."""

    template: PodTemplate
    suspend: bool = False


class JobStatus(Resource, frozen=True):
    """A Job's status."""

    conditions: tuple[StateCondition, ...] = ()


class WorkerJob(msgspec.Struct, frozen=True, rename="camel", dict=True):
    """A Job that carries a work order."""

    metadata: ObjectMeta
    spec: JobSpec
    status: JobStatus = JobStatus()

    @cached_property
    def order_text(self) -> str:
        """The order as it stands in the pod template; empty for a Job that isn't ours."""
        return self.spec.template.spec.order_text

    @cached_property
    def order(self) -> orders.Order | None:
        """What it was made to do; None if that can't be read."""
        try:
            return orders.decode(self.order_text)
        except orders.OrderError:
            return None

    @property
    def items(self) -> tuple[orders.OrderItem, ...]:
        """The ImageJobs of its order; none if it can't be read."""
        return self.order.items if self.order else ()

    def store_of(self, item: orders.OrderItem) -> orders.OrderStore | None:
        """The store that an item of its order writes to, as it was then."""
        return self.order.stores.get(item.destination.store) if self.order else None

    @property
    def is_deleting(self) -> bool:
        return self.metadata.deletion_timestamp is not None

    @property
    def is_resuming(self) -> bool:
        """Whether it was suspended, and the Job controller has not had it go on yet."""
        return any(
            each.type == "Suspended" and each.status == "True" for each in self.status.conditions
        )

    @property
    def resumed_at(self) -> datetime | None:
        """When it was last had go on, after it had been suspended."""
        times = (
            each.last_transition_time
            for each in self.status.conditions
            if each.type == "Suspended" and each.status == "False"
        )
        return next(times, None)

    @property
    def ended(self) -> StateCondition | None:
        """The condition that says the Job will start no further pod."""
        for condition in self.status.conditions:
            if condition.type in ("Complete", "Failed") and condition.status == "True":
                return condition
        return None


class Worker(msgspec.Struct, frozen=True):
    """A worker Job and, once there is one, the newest of the pods that it controls.

    `others` are the older ones, `past` those that have gone, as they were last: also if they have
    been taken away from the Job. `is_gone` says that the Job itself is there no more.
    """

    job: WorkerJob
    pod: Pod | None = None
    others: tuple[Pod, ...] = ()
    past: tuple[Pod, ...] = ()
    is_gone: bool = False

    def uids(self) -> Iterator[str]:
        """The ImageJobs it was made for."""
        return (item.uid for item in self.job.items)

    def item(self, uid: str) -> orders.OrderItem | None:
        """What it was told to do for one ImageJob."""
        return next((item for item in self.job.items if item.uid == uid), None)

    def pods(self) -> Iterator[Pod]:
        """Those that are there."""
        yield from self.others
        if self.pod:
            yield self.pod

    @property
    def has_live_pod(self) -> bool:
        return any(not pod.has_ended for pod in self.pods())

    @property
    def is_suspended(self) -> bool:
        """Whether its Job makes no pod until somebody has it go on, and none is left."""
        waits = self.job.spec.suspend and not self.job.ended and not self.is_gone
        return waits and not self.has_live_pod

    @property
    def last(self) -> Pod | None:
        """The newest pod, be it there or gone: its end is that of the attempt."""
        return self.pod or next(iter(self.past[-1:]), None)

    @property
    def is_at_work(self) -> bool:
        """Whether a pod of it works, or is to come that would be the first to."""
        if self.has_live_pod or self.is_suspended:
            return True
        if self.pod or self.job.ended or self.is_gone:
            return False
        return self.last is None or not self.counts(self.last)

    @property
    def is_live(self) -> bool:
        """Whether it may still write to a destination: at once, or by a pod that is to come."""
        if self.is_at_work or not self.last or self.job.ended or self.is_gone:
            return self.is_at_work
        return self.last.is_disrupted or self.excuses(self.last)

    def excuses(self, pod: Pod) -> bool:
        """Whether the cluster took the pod away: by itself, or as the Job was suspended."""
        if pod.is_excused or self.job.spec.suspend or self._may_be_excused(pod):
            return True
        resumed, created = self.job.resumed_at, pod.metadata.creation_timestamp
        return self.job.is_resuming or bool(resumed and created and created <= resumed)

    def was_suspended_under(self, pod: str) -> bool:
        """Whether the pod of that name was gone, as far as is known, when the Job was last had go
        on after a suspension: then that is what ended it."""
        resumed = self.job.resumed_at
        known = (each for each in (*self.others, *self.past) if each.metadata.name == pod)
        created = next((each.metadata.creation_timestamp for each in known), None)
        return resumed is not None and (created is None or created <= resumed)

    def forsaken(self) -> Pod | None:
        """A pod before the last one that was at work, and that nothing excuses."""
        before = (*self.others, *self.past) if self.pod else self.past[:-1]
        return next((pod for pod in before if self.counts(pod)), None)

    def counts(self, pod: Pod) -> bool:
        """Whether it was at work, and its end is nobody's but its own."""
        return pod.has_begun and not self.excuses(pod)

    def has_something_to_tell(self, uid: str) -> bool:
        """Of one whose Job has gone: whether the attempt may count for the ImageJob."""
        if self.has_live_pod or self.entry(uid) is not None or self.forsaken():
            return True
        return self.last is not None and self.counts(self.last)

    def _may_be_excused(self, pod: Pod) -> bool:
        """Nobody has seen how it ended: by its Job, which goes on, it was as with an eviction."""
        return pod.status.phase == UNSEEN and not self.is_gone

    def entry(self, uid: str) -> reports.Done | reports.Failed | None:
        """What its report says of how one ImageJob ended, if that can be read."""
        said, item = self.said(uid), self.item(uid)
        if not item or not isinstance(said, reports.Done | reports.Failed):
            return None
        return said if isinstance(said, reports.Failed) or _fits(item, said) else None

    def said(self, uid: str) -> reports.Entry | Nothing:
        """What stands in its report for one ImageJob; "nothing" without one that can be read."""
        return self._said_by(self.last, uid)

    def read_before(self, uid: str) -> str | None:
        """The digest of the source that a pod before the last one has read, in hex."""
        pods = (*self.past, *self.others)
        told = (self._said_by(pod, uid) for pod in pods if pod is not self.last)
        found = (entry.source for entry in told if entry and entry != "nothing")
        return next((each.sha256.hex() for each in found if each and each.sha256), None)

    def _said_by(self, pod: Pod | None, uid: str) -> reports.Entry | Nothing:
        ended = pod.state.terminated if pod else None
        try:
            report = reports.decode(ended.message) if ended else ()
        except reports.ReportError:
            return "nothing"
        pairs = zip(self.job.items, report, strict=False)
        return next((entry for item, entry in pairs if item.uid == uid), "nothing")


def _fits(item: orders.OrderItem, entry: reports.Done) -> bool:
    return len(entry.outputs) == len(item.outputs)
