"""The fields by which a log line names what it is about."""

from __future__ import annotations

from imagejob_operator.cache.reconcile_key import (
    EventsKey,
    MissingLedgersKey,
    NamespaceKey,
    PodKey,
    QuotaStatusKey,
    ReconcileKey,
)
from imagejob_operator.observability.logging import Value, fields


def fields_of(key: ReconcileKey) -> dict[str, dict[str, Value]]:
    """Return the log fields of a key."""
    match key:
        case str(uid):
            return fields(uid=uid)
        case EventsKey(namespace, uid):
            return fields(namespace=namespace, uid=uid)
        case NamespaceKey(namespace) | QuotaStatusKey(namespace):
            return fields(namespace=namespace)
        case MissingLedgersKey():
            return fields()
        case PodKey(namespace, name) | (namespace, name):
            return fields(namespace=namespace, name=name)
