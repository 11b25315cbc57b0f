"""Fresh namespaces for tests."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from support.conditions import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from imagejob_dev.client import Client

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
"""Admits only hardened pods, as every tenant's namespace does."""


@contextmanager
def fresh(cluster: Client, labels: Mapping[str, str] = RESTRICTED) -> Iterator[str]:
    """A namespace that admits pods; deleted after the test, without waiting, unless the test has
    deleted it.
    """
    name = f"test-{secrets.token_hex(4)}"
    path = f"/api/v1/namespaces/{name}"
    cluster.rest.post("/api/v1/namespaces", {"metadata": {"name": name, "labels": dict(labels)}})
    account = f"{path}/serviceaccounts/default"
    until(lambda: cluster.rest.answers(account), every=0.02)  # before it exists, no pod is admitted
    yield name
    if cluster.rest.answers(path):
        cluster.rest.delete(path)


def remove(cluster: Client, name: str, seconds: float) -> None:
    """Delete it and wait until all its objects are gone."""
    path = f"/api/v1/namespaces/{name}"
    cluster.rest.delete(path)
    until(lambda: not cluster.rest.answers(path), seconds, every=0.2)
