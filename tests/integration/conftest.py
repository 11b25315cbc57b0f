"""A real cluster for the whole run, and a fresh namespace for each test."""

from __future__ import annotations

import os
import secrets
import time
from typing import TYPE_CHECKING

import pytest
from imagejob_dev.cluster import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMESPACE_SECONDS = 20.0


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Control plane, process node and S3 server, with the CRDs and the operator's account.

    The programs are built if they have to be, which takes minutes once. A test run asks the
    internet for none: what it needs is pinned, and it must not depend on the weather.
    """
    os.environ.setdefault("IMAGEJOB_DEV_PREBUILT", "0")
    with Cluster(tmp_path_factory.mktemp("cluster")) as running:
        running.install()
        yield running


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace that pods can be made in; deleted after the test, which nobody waits for."""
    name = f"test-{secrets.token_hex(4)}"
    cluster.rest.post("/api/v1/namespaces", {"metadata": {"name": name}})
    account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
    deadline = time.monotonic() + NAMESPACE_SECONDS
    while not cluster.rest.answers(account):  # before it exists, no pod is admitted
        assert time.monotonic() < deadline, f"namespace {name} got no default service account"
    yield name
    cluster.rest.delete(f"/api/v1/namespaces/{name}")
