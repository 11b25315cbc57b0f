"""What the stores of an ImageJob were when it was dispatched: told by its work order alone.

An ImageStore may have been changed, deleted or made anew since. Whoever asks where a picture went
needs the bucket and the endpoint, and not a name that has come to mean something else.
"""

from __future__ import annotations

from collections.abc import Iterable

from imagejob_operator.api.imagejob import StoreStatus
from imagejob_operator.contract.order import OrderItem, OrderStore
from imagejob_operator.kube.worker import WorkerJob


def stores_of(worker: WorkerJob, item: OrderItem) -> tuple[StoreStatus, ...]:
    """The one or two stores of an item of the worker's order, by name."""
    known = worker.order.stores if worker.order else {}
    names = sorted({item.source.store, item.destination.store} & known.keys())
    return tuple(_store_status(name, known[name]) for name in names)


def store_called(name: str, stores: Iterable[StoreStatus]) -> StoreStatus | None:
    """That one of them."""
    return next((each for each in stores if each.name == name), None)


def _store_status(name: str, store: OrderStore) -> StoreStatus:
    s3, volume = store.s3, store.volume
    return StoreStatus(
        name=name,
        generation=store.generation,
        endpoint=s3.endpoint if s3 else None,
        bucket=s3.bucket if s3 else None,
        prefix=s3.prefix if s3 else None,
        claim_name=volume.claim_name if volume else None,
        sub_path=volume.sub_path if volume else None,
    )
