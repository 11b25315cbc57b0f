"""Group ImageJobs into workers: same stores, same size, and a report that fits."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from imagejob_operator.api.batch import MAX_BATCH
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.reasons import Reason
from imagejob_operator.config.platform import Platform, Size
from imagejob_operator.contract.order import OrderItem
from imagejob_operator.imagejob.resolve import Resolved

from .sizing import size_of

REPORT_BYTES = 3272
"""Of MessagePack: base85 encodes them in 4,096 bytes. docs/work-order.md has the arithmetic."""

DONE_BYTES, OUTPUT_BYTES, FAILED_BYTES, FRAME_BYTES = 62, 47, 136, 3
"""The maximum of one entry, with 58 characters of message, and of the array around them all."""

ITEM_BYTES = 70 * 1024
"""Of JSON, for all items of an order: base64 adds a third, and stores and limits take some."""

APART = frozenset(
    {
        Reason.WORKER_LOST,
        Reason.TIMED_OUT,
        Reason.OUT_OF_MEMORY,
        Reason.OUT_OF_SCRATCH,
        Reason.INTERNAL,
    }
)
"""After such a failure an ImageJob is retried alone: if it is the cause, no other one is hit."""


class Ready(msgspec.Struct, frozen=True):
    """An ImageJob that may have a worker now; `was_refused` if the cluster refused its last one:
    a worker for it alone is smaller, and may be admitted."""

    job: ImageJob
    resolved: Resolved
    was_refused: bool = False

    @property
    def goes_alone(self) -> bool:
        failure = self.job.status.last_failure
        return self.was_refused or (failure is not None and failure.reason in APART)


class Kind(msgspec.Struct, frozen=True):
    """What ImageJobs must have in common to share a worker."""

    stores: tuple[str, ...]
    size: Size


class Batch(msgspec.Struct):
    """The ImageJobs of one worker, in order. `is_closed` if it is full."""

    kind: Kind
    members: list[Ready]
    report: int = FRAME_BYTES
    order: int = 0
    is_closed: bool = False

    def add(self, ready: Ready) -> bool:
        """Add the ImageJob if it fits; return whether it does."""
        item = ready.resolved.item
        report, order = _report_bytes(item), len(msgspec.json.encode(item))
        is_too_long = self.report + report > REPORT_BYTES or self.order + order > ITEM_BYTES
        self.is_closed = self.is_closed or bool(self.members and is_too_long)
        if self.is_closed:
            return False
        self.members.append(ready)
        self.report += report
        self.order += order
        self.is_closed = ready.goes_alone or len(self.members) == MAX_BATCH
        return True


def batches(waiting: Iterable[Ready], slots: int, platform: Platform) -> list[Batch]:
    """Group the first of the waiting ImageJobs into at most `slots` workers.

    In order: a later one overtakes others only if it fits into a worker that starts anyway.
    """
    made: list[Batch] = []
    open_batches: dict[Kind, Batch] = {}
    for ready in waiting:
        kind = kind_of(ready, platform)
        batch = None if ready.goes_alone else open_batches.get(kind)
        if batch and batch.add(ready):
            continue
        if len(made) == slots:
            if all(each.is_closed for each in made):
                break
            continue
        new = Batch(kind, [])
        new.add(ready)
        made.append(new)
        if not ready.goes_alone:
            open_batches[kind] = new
    return made


def kind_of(ready: Ready, platform: Platform) -> Kind:
    """Return its kind: it may share a worker with others of the same kind."""
    return Kind(tuple(sorted(ready.resolved.stores)), size_of(ready.job, ready.resolved, platform))


def _report_bytes(item: OrderItem) -> int:
    return max(FAILED_BYTES, DONE_BYTES + OUTPUT_BYTES * len(item.outputs))
