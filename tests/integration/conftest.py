"""A real cluster for the whole run, an operator for a module, and fresh teams for each test."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import pytest
from imagejob_dev.attached import AttachedCluster
from imagejob_dev.cluster import Cluster
from support import lease_world, namespaces
from support.node_pods import Pods
from support.tenant import Tenant, picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imagejob_dev.client import Client
    from imagejob_dev.program import Program
    from support.lease_world import Play


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


@pytest.fixture(scope="module")
def shared_namespace(cluster: Client) -> Iterator[str]:
    """A tenant's namespace for all tests of a module."""
    with namespaces.fresh(cluster) as name:
        yield name


@pytest.fixture
def lenient_namespace(cluster: Client) -> Iterator[str]:
    """A namespace where any pod is admitted."""
    with namespaces.fresh(cluster, labels={}) as name:
        yield name


@pytest.fixture(scope="module")
def operator(cluster: Client, request: pytest.FixtureRequest) -> Iterator[Program]:
    """This checkout's operator, at work for all tests of a module, under the module's name."""
    name = request.path.stem.removeprefix("test_").replace("_", "-")
    with cluster.operator(f"{name}-operator") as running:
        yield running


@pytest.fixture
def newcomer(cluster: Client, namespace: str) -> Tenant:
    """A team that has uploaded and applied nothing yet."""
    return Tenant(cluster, namespace)


@pytest.fixture
def team(newcomer: Tenant) -> Tenant:
    """A team with a store and two pictures in it.

    `incoming/cat.jpg` is where `image_job` looks for one, `incoming/big.jpg` one that a worker may
    take seconds over, see `worker_pods.SLOW`.
    """
    newcomer.put("incoming/cat.jpg", picture())
    newcomer.put("incoming/big.jpg", picture(6000, 4000))
    newcomer.open()
    return newcomer


@pytest.fixture
def pods(cluster: Client, lenient_namespace: str) -> Pods:
    """The pods of a namespace where any is admitted."""
    return Pods(cluster, lenient_namespace)


@pytest.fixture
def play(cluster: Client, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Runs a story of a Lease in a fresh namespace, with the rights of the administrator."""
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    return partial(lease_world.play, cluster, namespace)


def _cluster(config: pytest.Config, folder: Path) -> Client:
    given = config.option.kubeconfig
    if not given:
        return Cluster(folder)
    image, address = config.option.worker_image, config.option.host_address
    return AttachedCluster(folder, given.resolve(), image, address)
