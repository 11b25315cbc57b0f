"""Helm, and a cluster that nothing of ours was installed into."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from imagejob_dev.client import OPERATOR_NAMESPACE
from imagejob_dev.cluster import Cluster
from support.helm_chart import Body, Helm

if TYPE_CHECKING:
    from collections.abc import Iterator

TENANTS = ("team-a", "team-b")


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Reaches no cluster."""
    return Helm(tmp_path_factory.mktemp("helm"))


@pytest.fixture(scope="session")
def defaults(helm: Helm) -> list[Body]:
    """The chart with no value given."""
    return helm.template({})


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A control plane with the operator's namespace and two tenants', and nothing else of ours."""
    os.environ.setdefault("IMAGEJOB_DEV_PREBUILT", "0")
    with Cluster(tmp_path_factory.mktemp("bare")) as running:
        for name in (OPERATOR_NAMESPACE, *TENANTS):
            running.rest.post("/api/v1/namespaces", {"metadata": {"name": name}})
        yield running
