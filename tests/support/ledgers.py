"""A namespace's quota ledger in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_dev.client import OPERATOR_NAMESPACE
from imagejob_operator.quota import ledger

if TYPE_CHECKING:
    from imagejob_dev.client import Client
    from imagejob_operator.quota.ledger import Ledger

CONFIG_MAPS = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/configmaps"


def ledger_of(cluster: Client, namespace: str) -> Ledger | None:
    """The namespace's charges and dispatches, if it has a ledger."""
    path = f"{CONFIG_MAPS}/ledger-{namespace}"
    if not cluster.rest.answers(path):
        return None
    data: dict[str, str] = cluster.rest.get(path)["data"]
    return ledger.decode(data)


def charges(cluster: Client, namespace: str) -> int:
    """The number of ImageJobs ever charged to the namespace, as far as its ledger remembers."""
    known = ledger_of(cluster, namespace)
    return sum(count for _, count in known.history.slots) if known else 0
