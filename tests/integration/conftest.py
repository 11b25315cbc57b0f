"""A real cluster for the whole run, and fresh namespaces for each test."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from imagejob_dev.attached import AttachedCluster
from imagejob_dev.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imagejob_dev.client import Client

NAMESPACE_SECONDS = 20.0
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@pytest.fixture(scope="session")
def cluster(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Client]:
    """A cluster and an S3 server, with the CRDs and the operator's account.

    The dev cluster, unless --kubeconfig says which. Tests marked `laptop` get no other.

    The programs are built if they have to be, which takes minutes once. A test run asks the
    internet for none: what it needs is pinned, and it must not depend on the weather.
    """
    os.environ.setdefault("IMAGEJOB_DEV_PREBUILT", "0")
    with _cluster(pytestconfig, tmp_path_factory.mktemp("cluster")) as running:
        running.install()
        yield running


@pytest.fixture
def namespace(cluster: Client) -> Iterator[str]:
    """A tenant's namespace, where only hardened pods are admitted."""
    with _namespace(cluster, RESTRICTED) as name:
        yield name


@pytest.fixture(scope="module")
def shared_namespace(cluster: Client) -> Iterator[str]:
    """A tenant's namespace for all tests of a module."""
    with _namespace(cluster, RESTRICTED) as name:
        yield name


@pytest.fixture
def lenient_namespace(cluster: Client) -> Iterator[str]:
    """A namespace where any pod is admitted."""
    with _namespace(cluster, {}) as name:
        yield name


def _cluster(config: pytest.Config, folder: Path) -> Client:
    given = config.option.kubeconfig
    if not given:
        return Cluster(folder)
    image, address = config.option.worker_image, config.option.host_address
    return AttachedCluster(folder, given.resolve(), image, address)


@contextmanager
def _namespace(cluster: Client, labels: dict[str, str]) -> Iterator[str]:
    """A namespace that pods can be made in; deleted after the test, which nobody waits for."""
    name = f"test-{secrets.token_hex(4)}"
    cluster.rest.post("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
    deadline = time.monotonic() + NAMESPACE_SECONDS
    while not cluster.rest.answers(account):  # before it exists, no pod is admitted
        assert time.monotonic() < deadline, f"namespace {name} got no default service account"
    yield name
    cluster.rest.delete(f"/api/v1/namespaces/{name}")
