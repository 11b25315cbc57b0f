"""The part of a worker pod's order that the operator keeps, and the reasons that excuse its end."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import timedelta

import msgspec

from imagejob_operator.api.meta import ObjectMeta, Resource

from .order import OrderDestination, OrderStore
from .place import DestinationKey, destination_key_in_order

EXCUSES = frozenset(
    {
        "DeletionByTaintManager",
        "DeletionByPodGC",
        "EvictionByEvictionAPI",
        "PreemptionByScheduler",
        "TerminationByKubelet",
    }
)
"""Reasons with which the cluster itself removes pods: node failure, drain, preemption, node
pressure."""

SILENCE = timedelta(seconds=60)
"""A pod this long past its deadline is on an unreachable node; the kubelet ends all others."""

UNSEEN = "Unknown"
"""The phase of a pod whose end was not observed, as Kubernetes sets it for a lost node's."""

UNKNOWN_END = "ContainerStatusUnknown"
"""The kubelet's reason for a container that it doesn't know, which may never have started."""


class OwnerReference(Resource, frozen=True):
    """A reference to the owner of an object."""

    uid: str
    kind: str = ""
    name: str = ""
    controller: bool = False


class PodMeta(ObjectMeta, frozen=True):
    """A pod's metadata with its owners."""

    owner_references: tuple[OwnerReference, ...] = ()


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
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError, ValueError):
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
