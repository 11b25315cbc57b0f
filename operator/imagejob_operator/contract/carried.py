"""What is kept of a worker pod: whose it is, what its own order says, and what excuses its end."""

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
"""Why the cluster itself takes pods away: a lost node, a drain, a preemption, a node in need."""

SILENCE = timedelta(seconds=60)
"""A pod so long past its deadline is on a node that nobody hears of; the kubelet ends others."""

UNSEEN = "Unknown"
"""The phase of a pod that has gone while nobody looked, as Kubernetes has it for a lost node's."""

UNKNOWN_END = "ContainerStatusUnknown"
"""What a kubelet says of a container that it doesn't know, which may never have been started."""


class OwnerReference(Resource, frozen=True):
    """Whom an object goes with."""

    uid: str
    kind: str = ""
    name: str = ""
    controller: bool = False


class PodMeta(ObjectMeta, frozen=True):
    """A pod's metadata: its owners too."""

    owner_references: tuple[OwnerReference, ...] = ()


class Carried(Resource, frozen=True):
    """One ImageJob that a pod was made for: which attempt it is, and where its outputs go.

    `place` is what the destination's store and prefix lead to, if the order says.
    """

    uid: str
    attempt: int
    destination: OrderDestination
    place: DestinationKey | None = None


class _Order(Resource, frozen=True):
    items: tuple[Carried, ...] = ()
    stores: dict[str, OrderStore] = msgspec.field(default_factory=dict)


def carried_by(order_text: str, namespace: str) -> tuple[Carried, ...]:
    """Of an order as a pod of the namespace has it; nothing if that can't be read."""
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
