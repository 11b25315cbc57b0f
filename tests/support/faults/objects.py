"""Objects that the operator can't read or fails on, and kinds that it can't see."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from imagejob_dev.client import OPERATOR, OPERATOR_NAMESPACE
from imagejob_operator.kube import records

from support import rights
from support.alerting import AS_WRITTEN
from support.ledgers import CONFIG_MAPS
from support.newer_schema import NEWER
from support.tenant import apply, image_job, ours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.alerting import Provoke, Site
    from support.tenant import Body

KINDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SECONDS = 60.0
BEYOND = "9999-12-31T23:59:59Z"
"""A time that the API server takes, and to which nothing can be added."""

NOWHERE = ours("ImageStore", "uploads", {"volume": {"claimName": "none"}})
"""On a volume that isn't there: no node accepts a pod that mounts it."""


def of_a_newer_schema(plural: str) -> Provoke:
    """An object of ours that only a newer version knows."""

    @contextmanager
    def provoke(site: Site) -> Iterator[float]:
        name, began = site.namespace(), time.time()
        apply(site.cluster, name, NEWER[plural])
        yield began

    return provoke


def _unreadable(version: str, plural: str, status: Body) -> Provoke:
    """A worker's first object of that kind, once its status has this, which can't be read."""

    @contextmanager
    def provoke(site: Site) -> Iterator[float]:
        name = site.namespace()
        apply(site.cluster, name, NOWHERE, image_job())
        began = time.time()
        collection = f"{version}/namespaces/{name}/{plural}"
        found = site.cluster.wait_for(
            collection, lambda objects: next(iter(objects), None), SECONDS
        )
        path = f"{collection}/{found['metadata']['name']}/status"
        site.cluster.rest.send("PATCH", path, {"status": status}, "merge").json()
        yield began

    return provoke


NEWER_CONDITION = {"type": "Newer", "status": "True", "lastTransitionTime": BEYOND}

an_unreadable_job = _unreadable("/apis/batch/v1", "jobs", {"conditions": [NEWER_CONDITION]})
an_unreadable_pod = _unreadable("/api/v1", "pods", {"startTime": BEYOND})


@contextmanager
def an_unreadable_ledger(site: Site) -> Iterator[float]:
    """As a newer operator would write it."""
    name, began = site.namespace(), time.time()
    ledger = records.ledger(OPERATOR_NAMESPACE, name, {"format": "2"}, None)
    site.cluster.rest.post(CONFIG_MAPS, ledger)
    apply(site.cluster, name, NOWHERE, image_job())
    yield began


@contextmanager
def a_bug(site: Site) -> Iterator[float]:
    """Which only this ImageJob brings out, see `buggy_operator.py`."""
    name, began = site.namespace(), time.time()
    apply(site.cluster, name, image_job("cursed"))
    yield began


@contextmanager
def a_kind_that_is_gone(site: Site) -> Iterator[float]:
    """Its CRD is deleted, with all objects of it."""
    began = time.time()
    site.cluster.rest.delete(f"{KINDS}/imageprofiles.imagejob.dev")
    yield began


def a_kind_that_is_refused(name: str, resource: str, *verbs: str) -> Provoke:
    """To an operator of its own, whose ClusterRole lacks these verbs."""

    @contextmanager
    def provoke(site: Site) -> Iterator[float]:
        rights.account(site.cluster, name, list(rights.all_but(resource, *verbs)))
        kubeconfig, began = site.cluster.kubeconfig_for(name, OPERATOR), time.time()
        with site.deployed(name, kubeconfig, speeds=(AS_WRITTEN,), namespace=name) as made:
            made.until("imagejob_unwatched_kinds", 1)
            yield began

    return provoke
