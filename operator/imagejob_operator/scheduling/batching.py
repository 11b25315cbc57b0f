"""Which ImageJobs go together in one worker: same stores, same size, and a report that fits."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.reasons import Reason
from imagejob_operator.config.platform import Platform, Size
from imagejob_operator.contract.order import OrderItem
from imagejob_operator.imagejob.resolve import Resolved

from .sizing import size_of

MAX_ITEMS = 24
"""In one worker. With more, too little of what each may say of its failure fits its report."""

REPORT_BYTES = 3272
"""Of MessagePack: what base85 makes 4,096 bytes of. docs/work-order.md has the arithmetic."""

DONE_BYTES, OUTPUT_BYTES, FAILED_BYTES, FRAME_BYTES = 62, 47, 136, 3
"""What one entry takes at most, with 58 characters of message, and the array around them all."""

ITEM_BYTES = 70 * 1024
"""Of JSON, all items of an order: base64 makes 4 bytes of 3, and stores and limits take some."""

APART = frozenset({Reason.WORKER_LOST, Reason.TIMED_OUT, Reason.OUT_OF_MEMORY, Reason.INTERNAL})
"""Who failed like that goes alone: it may have been its own fault, and takes nobody along."""


class Ready(msgspec.Struct, frozen=True):
    """An ImageJob that could have a worker now; `was_refused` if it was to have one before, and
    the cluster wouldn't: one for it alone is smaller, and may be let in."""

    job: ImageJob
    resolved: Resolved
    was_refused: bool = False

    @property
    def goes_alone(self) -> bool:
        failure = self.job.status.last_failure
        return self.was_refused or (failure is not None and failure.reason in APART)


class Kind(msgspec.Struct, frozen=True):
    """What those that share a worker have in common."""

    stores: tuple[str, ...]
    size: Size


class Batch(msgspec.Struct):
    """ImageJobs for one worker, in order. `is_closed` when it takes no more."""

    kind: Kind
    members: list[Ready]
    report: int = FRAME_BYTES
    order: int = 0
    is_closed: bool = False

    def add(self, ready: Ready) -> bool:
        """Take it in, if there is room. Says whether there was."""
        item = ready.resolved.item
        report, order = _report_bytes(item), len(msgspec.json.encode(item))
        is_too_long = self.report + report > REPORT_BYTES or self.order + order > ITEM_BYTES
        self.is_closed = self.is_closed or bool(self.members and is_too_long)
        if self.is_closed:
            return False
        self.members.append(ready)
        self.report += report
        self.order += order
        self.is_closed = ready.goes_alone or len(self.members) == MAX_ITEMS
        return True


def batches(waiting: Iterable[Ready], places: int, platform: Platform) -> list[Batch]:
    """The workers for the first of those who wait, at most `places`.

    In order: nobody is passed over but by those who fit into a worker that goes anyway.
    """
    made: list[Batch] = []
    open_ones: dict[Kind, Batch] = {}
    for ready in waiting:
        kind = kind_of(ready, platform)
        batch = None if ready.goes_alone else open_ones.get(kind)
        if batch and batch.add(ready):
            continue
        if len(made) == places:
            if all(each.is_closed for each in made):
                break
            continue
        begun = Batch(kind, [])
        begun.add(ready)
        made.append(begun)
        if not ready.goes_alone:
            open_ones[kind] = begun
    return made


def kind_of(ready: Ready, platform: Platform) -> Kind:
    """Whom it may share a worker with."""
    return Kind(tuple(sorted(ready.resolved.stores)), size_of(ready.job, ready.resolved, platform))


def _report_bytes(item: OrderItem) -> int:
    return max(FAILED_BYTES, DONE_BYTES + OUTPUT_BYTES * len(item.outputs))
