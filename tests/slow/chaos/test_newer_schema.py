"""CRDs that are newer than the operator: an object that it can't read stops only itself.

Each module here has a cluster of its own, as it changes what all namespaces share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from imagejob_dev.cluster import Cluster
from support import namespaces, newer_schema
from support.conditions import until
from support.newer_schema import NEWER
from support.tenant import Tenant, image_job, picture, reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client
    from imagejob_dev.program import Program

pytestmark = pytest.mark.laptop


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with Cluster(tmp_path_factory.mktemp("newer")) as cluster:
        cluster.install()
        newer_schema.install(cluster)
        yield cluster


def team(site: Client, namespace: str) -> Tenant:
    """With a store, and a picture in it."""
    tenant = Tenant(site, namespace)
    tenant.put("incoming/cat.jpg", picture())
    tenant.open()
    return tenant


@pytest.fixture(scope="module")
def neighbour(site: Client) -> Iterator[Tenant]:
    """Has nothing that can't be read."""
    with namespaces.fresh(site) as name:
        yield team(site, name)


@pytest.fixture(scope="module")
def modern(site: Client) -> Iterator[Tenant]:
    """Has an ImageProfile, an ImageStore and an ImageJob of the newer version."""
    with namespaces.fresh(site) as name:
        tenant = team(site, name)
        tenant.apply(*(NEWER[plural] for plural in ("imageprofiles", "imagestores", "imagejobs")))
        tenant.apply(
            image_job("by-profile", profileRef={"name": "newer"}),
            image_job("by-store", store="newer"),
            image_job("plain"),
        )
        yield tenant


@pytest.fixture(scope="module")
def limited(site: Client) -> Iterator[Tenant]:
    """Has an ImageQuota of the newer version."""
    with namespaces.fresh(site) as name:
        tenant = team(site, name)
        tenant.apply(NEWER["imagequotas"], image_job("plain"))
        yield tenant


@pytest.fixture(scope="module")
def operator(site: Client, neighbour: Tenant, modern: Tenant, limited: Tenant) -> Iterator[Program]:
    """Is started when all of them are there."""
    assert len({each.namespace for each in (neighbour, modern, limited)}) == 3
    neighbour.apply(image_job("first"))
    with site.operator("older-operator") as program:
        yield program


def log_of(operator: Program, tenant: Tenant, name: str) -> list[str]:
    lines = operator.log.read_text().splitlines()
    return [line for line in lines if f"namespace={tenant.namespace} name={name} " in line]


@pytest.mark.usefixtures("operator")
def test_other_tenants_images_are_made(neighbour: Tenant) -> None:
    assert neighbour.wait_finished("first")["phase"] == "Succeeded"


@pytest.mark.usefixtures("operator")
def test_what_does_not_need_it_is_made_beside_it(modern: Tenant) -> None:
    assert modern.wait_finished("plain")["phase"] == "Succeeded"


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize(
    ("name", "kind"), [("by-profile", "ImageProfile"), ("by-store", "ImageStore")]
)
def test_what_needs_it_waits_and_says_why(modern: Tenant, name: str, kind: str) -> None:
    status = modern.wait(name, lambda status: reason(status) == "Unreadable")

    (ready,) = [each for each in status["conditions"] if each["type"] == "Ready"]
    assert ready["message"].startswith(f'{kind} "newer" can\'t be read by this operator: ')


@pytest.mark.usefixtures("operator")
def test_no_default_replaces_a_quota_that_cannot_be_read(limited: Tenant) -> None:
    status = limited.wait("plain", lambda status: reason(status) == "Unreadable")

    assert status["phase"] == "Pending"
    assert not limited.cluster.rest.get(limited.path("jobs"))["items"]


def test_the_log_names_each(operator: Program, modern: Tenant, limited: Tenant) -> None:
    for tenant, name, kind in (
        (modern, "newer", "ImageProfile"),
        (modern, "newer", "ImageStore"),
        (modern, "newer", "ImageJob"),
        (limited, "default", "ImageQuota"),
    ):
        until(lambda: [x for x in log_of(operator, tenant, name) if f"kind={kind} " in x])  # noqa: B023


def test_it_goes_on_once_each_is_mended(operator: Program, modern: Tenant, limited: Tenant) -> None:
    for plural in ("imageprofiles", "imagestores", "imagejobs"):
        newer_schema.mend(modern, plural)
    newer_schema.mend(limited, "imagequotas")

    assert limited.wait_finished("plain")["phase"] == "Succeeded"
    assert modern.wait_finished("newer")["phase"] == "Succeeded"
    assert modern.wait_finished("by-profile")["phase"] == "Succeeded"
    modern.wait("by-store", lambda status: reason(status) != "Unreadable")
    assert any("can be read again" in line for line in log_of(operator, limited, "default"))
