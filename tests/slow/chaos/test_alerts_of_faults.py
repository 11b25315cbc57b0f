"""For each fault, the alert that tells of it, and within how long: real operators, a real
Prometheus, and the chart's own rules."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from imagejob_dev.cluster import Cluster
from support import namespaces, newer_schema
from support.alerting import Fault, Site, seconds_until_it_fires
from support.newer_schema import NEWER
from support.paths import ROOT
from support.tenant import Tenant, image_job, picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.laptop

BUGGY = (ROOT / "tests" / "support" / "buggy_operator.py",)
KINDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@contextmanager
def an_unreadable_profile(site: Site) -> Iterator[None]:
    with namespaces.fresh(site.cluster) as name:
        Tenant(site.cluster, name).apply(NEWER["imageprofiles"])
        yield


@contextmanager
def an_unreadable_quota(site: Site) -> Iterator[None]:
    with namespaces.fresh(site.cluster) as name:
        Tenant(site.cluster, name).apply(NEWER["imagequotas"])
        yield


@contextmanager
def a_bug(site: Site) -> Iterator[None]:
    """Others are done nevertheless."""
    with namespaces.fresh(site.cluster) as name:
        team = Tenant(site.cluster, name)
        team.put("incoming/cat.jpg", picture())
        team.open()
        team.apply(image_job("cursed"), image_job("blessed"))
        assert team.wait_finished("blessed")["phase"] == "Succeeded"
        yield


@contextmanager
def a_kind_that_is_gone(site: Site) -> Iterator[None]:
    """Its CRD was deleted, with all objects of it."""
    site.cluster.rest.delete(f"{KINDS}/imageprofiles.imagejob.dev")
    yield
    newer_schema.install(site.cluster)


FAULTS = {
    "an ImageProfile of a newer schema": Fault(
        an_unreadable_profile,
        "ImageJobObjectsUnreadable",
        60,
        {"resource": "imageprofiles"},
    ),
    "an ImageQuota of a newer schema": Fault(
        an_unreadable_quota, "ImageJobObjectsUnreadable", 60, {"resource": "imagequotas"}
    ),
    "a bug that one ImageJob brings out": Fault(
        a_bug, "ImageJobReconcileErrors", 0, {"controller": "imagejob"}, program=BUGGY
    ),
    "a kind that isn't there": Fault(a_kind_that_is_gone, "ImageJobNotWatching", 60),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With CRDs that take what the operator can't read."""
    with Cluster(tmp_path_factory.mktemp("faults")) as cluster:
        cluster.install()
        newer_schema.install(cluster)
        yield Site(cluster)


@pytest.mark.parametrize("name", FAULTS)
def test_the_alert_of_a_fault_fires_in_time(
    site: Site, tmp_path: Path, name: str, record_property: Callable[[str, object], None]
) -> None:
    fault = FAULTS[name]

    seconds = seconds_until_it_fires(site, "watched", fault, tmp_path)

    record_property(f"{name}: {fault.alert} after", f"{seconds:.0f} s")
