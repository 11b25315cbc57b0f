"""A namespace's quota ledger as it stands in the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_dev.client import OPERATOR_NAMESPACE
from imagejob_operator.domain import ledger

if TYPE_CHECKING:
    from imagejob_dev.client import Client
    from imagejob_operator.domain.ledger import Ledger

CONFIG_MAPS = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/configmaps"


def ledger_of(cluster: Client, namespace: str) -> Ledger:
    """What has been charged to the namespace, and what is dispatched for it."""
    data: dict[str, str] = cluster.rest.get(f"{CONFIG_MAPS}/ledger-{namespace}")["data"]
    return ledger.decode(data)


def charges(cluster: Client, namespace: str) -> int:
    """How many ImageJobs of the namespace were ever charged, for as long as it is remembered."""
    return sum(count for _, count in ledger_of(cluster, namespace).history.slots)
