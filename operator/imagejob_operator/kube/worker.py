"""A worker Job with its pods, as the operator reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import Literal

import msgspec

from imagejob_operator.api.meta import ManagedMeta, Resource
from imagejob_operator.contract import order as orders
from imagejob_operator.contract import report as reports

from .pod import UNSEEN, Pod, PodSpec
from .pod_status import StateCondition

Nothing = Literal["nothing"]

DISRUPTED = "PodFailurePolicy"
"""The reason with which Kubernetes fails a Job for its pod failure policy."""


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

    metadata: ManagedMeta
    spec: JobSpec
    status: JobStatus = JobStatus()

    @cached_property
    def order_text(self) -> str:
        """The encoded order in the pod template; empty for a Job that isn't ours."""
        return self.spec.template.spec.order_text

    @cached_property
    def order(self) -> orders.Order | None:
        """The order; None if it can't be decoded."""
        try:
            return orders.decode(self.order_text)
        except orders.OrderError:
            return None

    @property
    def items(self) -> tuple[orders.OrderItem, ...]:
        """The ImageJobs of its order; none if it can't be decoded."""
        return self.order.items if self.order else ()

    def store_of(self, item: orders.OrderItem) -> orders.OrderStore | None:
        """Return the store that an item writes to, as it was at dispatch."""
        return self.order.stores.get(item.destination.store) if self.order else None

    @property
    def is_deleting(self) -> bool:
        return self.metadata.deletion_timestamp is not None

    @property
    def resumed_at(self) -> datetime | None:
        """When it was last resumed after a suspension."""
        times = (
            each.last_transition_time
            for each in self.status.conditions
            if each.type == "Suspended" and each.status == "False"
        )
        return next(times, None)

    @property
    def ended(self) -> StateCondition | None:
        """The condition that says that the Job will start no further pod."""
        for condition in self.status.conditions:
            if condition.type in ("Complete", "Failed") and condition.status == "True":
                return condition
        return None

    @property
    def was_disrupted(self) -> bool:
        """Whether it failed by its only pod failure rule: the cluster removed its pod."""
        return self.ended is not None and self.ended.reason == DISRUPTED


class Worker(msgspec.Struct, frozen=True):
    """A worker Job and, once it exists, the newest pod that it controls.

    There should be no second pod. `others` are older pods, `past` the last observed states of
    deleted ones, including those that were removed from the Job. `is_gone` says that the Job itself
    was deleted.
    """

    job: WorkerJob
    pod: Pod | None = None
    others: tuple[Pod, ...] = ()
    past: tuple[Pod, ...] = ()
    is_gone: bool = False

    def item(self, uid: str) -> orders.OrderItem | None:
        """Return the order's item for one ImageJob."""
        return next((item for item in self.job.items if item.uid == uid), None)

    def pods(self) -> Iterator[Pod]:
        """Yield the pods that exist."""
        yield from self.others
        if self.pod:
            yield self.pod

    @property
    def has_live_pod(self) -> bool:
        return any(not pod.has_ended for pod in self.pods())

    @property
    def last(self) -> Pod | None:
        """The newest pod, existing or deleted: its end is the end of the attempt."""
        return self.pod or next(iter(self.past[-1:]), None)

    @property
    def ended_at(self) -> datetime | None:
        """When the containers of its last pod ended, or else its Job, as far as they say."""
        ended = self.last.ended_at if self.last else None
        return ended or (self.job.ended.last_transition_time if self.job.ended else None)

    @property
    def is_live(self) -> bool:
        """Whether its pod may be running or is yet to come; a pod that has run gets no
        successor."""
        if self.has_live_pod:
            return True
        if self.pod or self.job.ended or self.is_gone:
            return False
        return self.last is None or not self.last.has_begun

    @property
    def is_suspended(self) -> bool:
        """Whether its Job creates no pod until it is resumed."""
        return self.job.spec.suspend and self.is_live and not self.has_live_pod

    @property
    def never_ran(self) -> bool:
        """Whether its pod was observed to end, or be deleted, before any container started."""
        return self.last is not None and not (self.last.has_begun or self._is_unseen)

    @property
    def is_judged_later(self) -> bool:
        """Whether the end of its pod was not observed, and its Job has yet to report it."""
        waits = not (self.job.ended or self.is_gone or self.job.spec.suspend)
        return self.last is not None and self._is_unseen and waits

    @property
    def hides_its_pod(self) -> bool:
        """Whether its Job has ended, and no pod of it was ever observed."""
        return self.job.ended is not None and self.last is None and not self.is_gone

    @property
    def is_excused(self) -> bool:
        """Whether the cluster removed its pod: by itself, or because the Job was suspended.

        If the end of the pod was not observed, the Job's condition decides.
        """
        if self.job.spec.suspend or (self.last and self.last.is_excused):
            return True
        return self._is_unseen and self.job.was_disrupted

    @property
    def _is_unseen(self) -> bool:
        return self.last is None or self.last.status.phase == UNSEEN

    def forsaken(self) -> Pod | None:
        """Return an earlier pod that has run.

        It was removed from the Job, which would not have created another otherwise.
        """
        before = (*self.others, *self.past) if self.pod else self.past[:-1]
        return next((pod for pod in before if pod.has_begun), None)

    def has_something_to_tell(self, uid: str) -> bool:
        """Whether the attempt of a deleted Job may count for the ImageJob."""
        if self.has_live_pod or self.entry(uid) is not None or self.forsaken():
            return True
        return self.last is not None and self.last.has_begun

    def entry(self, uid: str) -> reports.Outcome | None:
        """Return the outcome of one ImageJob in the report, if it can be decoded."""
        said, item = self.said(uid), self.item(uid)
        if not item or not isinstance(said, reports.Outcome):
            return None
        return said if not isinstance(said, reports.Done) or _fits(item, said) else None

    def said(self, uid: str) -> reports.Entry | Nothing:
        """Return the report's entry for one ImageJob; "nothing" without a report that can be
        decoded."""
        ended = self.last.state.terminated if self.last and self.last.has_begun else None
        try:
            report = reports.decode(ended.message) if ended else ()
        except reports.ReportError:
            return "nothing"
        pairs = zip(self.job.items, report, strict=False)
        return next((entry for item, entry in pairs if item.uid == uid), "nothing")


def _fits(item: orders.OrderItem, entry: reports.Done) -> bool:
    return len(entry.outputs) == len(item.outputs)
