"""The stores of an ImageJob as they were when it was dispatched, by its work order.

An ImageStore may have been changed, deleted or recreated since. To find an output, a reader needs
the bucket and the endpoint, not a name that may refer to another store by then.
"""

from __future__ import annotations

from collections.abc import Iterable

from imagejob_operator.api.imagejob import StoreStatus
from imagejob_operator.contract.order import OrderItem, OrderStore
from imagejob_operator.kube.worker import WorkerJob


def stores_of(worker: WorkerJob, item: OrderItem) -> tuple[StoreStatus, ...]:
    """Return the one or two stores of an item of the worker's order, sorted by name."""
    known = worker.order.stores if worker.order else {}
    names = sorted({item.source.store, item.destination.store} & known.keys())
    return tuple(_store_status(name, known[name]) for name in names)


def store_called(name: str, stores: Iterable[StoreStatus]) -> StoreStatus | None:
    """Return the store of that name, if it is among them."""
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
