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

DISRUPTED = "PodFailurePolicy"
"""Why a Job ended, as Kubernetes has it, for which a rule of its own had it end."""


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

    @property
    def was_disrupted(self) -> bool:
        """Whether it has ended for the only rule that it has: the cluster took its pod away."""
        return self.ended is not None and self.ended.reason == DISRUPTED


class Worker(msgspec.Struct, frozen=True):
    """A worker Job and, once there is one, the newest of the pods that it controls.

    It should have no second one. `others` are older ones, `past` those that have gone, as they were
    last: also if they have been taken away from the Job. `is_gone` says that the Job itself is
    there no more.
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
    def last(self) -> Pod | None:
        """The newest pod, be it there or gone: its end is that of the attempt."""
        return self.pod or next(iter(self.past[-1:]), None)

    @property
    def is_live(self) -> bool:
        """Whether its pod may be at work, or is to come; it gets no other once that has begun."""
        if self.has_live_pod:
            return True
        if self.pod or self.job.ended or self.is_gone:
            return False
        return self.last is None or not self.last.has_begun

    @property
    def is_suspended(self) -> bool:
        """Whether its Job makes no pod until somebody has it go on."""
        return self.job.spec.suspend and self.is_live and not self.has_live_pod

    @property
    def never_ran(self) -> bool:
        """Whether its pod was seen to end, or go, before a container of it had started."""
        return self.last is not None and not (self.last.has_begun or self._is_unseen)

    @property
    def is_judged_later(self) -> bool:
        """Whether nobody has seen how its pod ended, and its Job is still to say so."""
        waits = not (self.job.ended or self.is_gone or self.job.spec.suspend)
        return self.last is not None and self._is_unseen and waits

    @property
    def is_excused(self) -> bool:
        """Whether the cluster took its pod away: by itself, or as the Job was suspended.

        Where nobody has seen how the pod ended, the Job tells.
        """
        if self.job.spec.suspend or (self.last and self.last.is_excused):
            return True
        return self._is_unseen and self.job.was_disrupted

    @property
    def _is_unseen(self) -> bool:
        return self.last is None or self.last.status.phase == UNSEEN

    def forsaken(self) -> Pod | None:
        """A pod before the last one that was at work: it was taken from the Job, which would have
        made no other."""
        before = (*self.others, *self.past) if self.pod else self.past[:-1]
        return next((pod for pod in before if pod.has_begun), None)

    def has_something_to_tell(self, uid: str) -> bool:
        """Of one whose Job has gone: whether the attempt may count for the ImageJob."""
        if self.has_live_pod or self.entry(uid) is not None or self.forsaken():
            return True
        return self.last is not None and self.last.has_begun

    def entry(self, uid: str) -> reports.Done | reports.Failed | None:
        """What its report says of how one ImageJob ended, if that can be read."""
        said, item = self.said(uid), self.item(uid)
        if not item or not isinstance(said, reports.Done | reports.Failed):
            return None
        return said if isinstance(said, reports.Failed) or _fits(item, said) else None

    def said(self, uid: str) -> reports.Entry | Nothing:
        """What stands in its report for one ImageJob; "nothing" without one that can be read."""
        ended = self.last.state.terminated if self.last else None
        try:
            report = reports.decode(ended.message) if ended else ()
        except reports.ReportError:
            return "nothing"
        pairs = zip(self.job.items, report, strict=False)
        return next((entry for item, entry in pairs if item.uid == uid), "nothing")


def _fits(item: orders.OrderItem, entry: reports.Done) -> bool:
    return len(entry.outputs) == len(item.outputs)
