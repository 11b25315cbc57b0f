"""Splits ImageJobs that are ready into work orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from imagejob_operator.api.batch import MAX_BATCH
from imagejob_operator.imagejob import job_builder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from imagejob_operator.config.platform import Platform, Size
    from imagejob_operator.contract.order import Order
    from imagejob_operator.imagejob.resolve import Resolved

    from .course import Course


class Batch(NamedTuple):
    """An order, and the courses of its items, in its order."""

    order: Order
    courses: tuple[Course, ...]


def cut(
    ready: Iterable[tuple[Course, Resolved]],
    folders: Mapping[str, Path],
    platform: Platform,
    size: Size = "standard",
) -> Iterator[Batch]:
    """Yield orders with at most as many items as a worker takes, in the order given.

    No two items of one order write to the same place: as in the cluster, such ImageJobs run one
    after the other, and the later one wins.
    """
    batch: list[tuple[Course, Resolved]] = []
    taken: set[Path] = set()
    for course, resolved in ready:
        destination = resolved.item.destination
        place = (folders[destination.store] / destination.prefix).resolve()
        if len(batch) == MAX_BATCH or place in taken:
            yield _batch(batch, platform, size)
            batch, taken = [], set()
        batch.append((course, resolved))
        taken.add(place)
    if batch:
        yield _batch(batch, platform, size)


def _batch(ready: list[tuple[Course, Resolved]], platform: Platform, size: Size) -> Batch:
    stores = {name: store for _, resolved in ready for name, store in resolved.stores.items()}
    items = [resolved.item for _, resolved in ready]
    order = job_builder.compose(items, stores, platform, size=size)
    return Batch(order, tuple(course for course, _ in ready))
