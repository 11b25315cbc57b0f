"""A namespace's quota ledger as it stands in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_dev.client import OPERATOR_NAMESPACE
from imagejob_operator.quota import ledger

if TYPE_CHECKING:
    from imagejob_dev.client import Client
    from imagejob_operator.quota.ledger import Ledger

CONFIG_MAPS = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/configmaps"


def ledger_of(cluster: Client, namespace: str) -> Ledger | None:
    """What has been charged to the namespace, and what is dispatched for it, if it has a ledger."""
    path = f"{CONFIG_MAPS}/ledger-{namespace}"
    if not cluster.rest.answers(path):
        return None
    data: dict[str, str] = cluster.rest.get(path)["data"]
    return ledger.decode(data)


def charges(cluster: Client, namespace: str) -> int:
    """How many ImageJobs of the namespace were ever charged, for as long as it is remembered."""
    known = ledger_of(cluster, namespace)
    return sum(count for _, count in known.history.slots) if known else 0
