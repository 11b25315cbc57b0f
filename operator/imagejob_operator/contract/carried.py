"""The part of a worker pod's order that the operator keeps."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

import msgspec

from imagejob_operator.api.meta import Resource

from .order import OrderDestination, OrderStore
from .place import DestinationKey, destination_key_in_order


class Carried(Resource, frozen=True):
    """One ImageJob that a pod was created for: the attempt, and the destination of its outputs.

    `place` is what the destination's store and prefix resolve to, if the order has the store.
    """

    uid: str
    attempt: int
    destination: OrderDestination
    place: DestinationKey | None = None


class _Order(Resource, frozen=True):
    items: tuple[Carried, ...] = ()
    stores: dict[str, OrderStore] = msgspec.field(default_factory=dict)


def carried_by(order_text: str, namespace: str) -> tuple[Carried, ...]:
    """Return the items of a pod's order; none if it can't be read."""
    try:
        order = msgspec.json.decode(base64.b64decode(order_text, validate=True), type=_Order)
    except (binascii.Error, msgspec.DecodeError, ValueError, RecursionError):
        return ()
    return tuple(
        msgspec.structs.replace(item, place=_place_of(item.destination, order.stores, namespace))
        for item in order.items
    )


def _place_of(
    wanted: OrderDestination, stores: Mapping[str, OrderStore], namespace: str
) -> DestinationKey | None:
    store = stores.get(wanted.store)
    return destination_key_in_order(store, wanted.prefix, namespace) if store else None
