"""What is in the images, and what isn't, seen from a container hardened as a tenant's must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import namespaces
from support.node_pods import Pods, pod, python
from support.paths import TESTS

if TYPE_CHECKING:
    from imagejob_dev.client import Client

PROBE = TESTS / "support" / "image_probe.py"
MEGABYTES = {"operator": 90, "worker": 60, "gateway": 90}
"""Above the base: all our files, and the standard library's bytecode even if the base had it."""

HARDENED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
RESTRICTED = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


@pytest.fixture(scope="module", params=MEGABYTES)
def part(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def found(part: str, site: Any, cluster: Client) -> dict[str, Any]:
    """The report of tests/support/image_probe.py about the image."""
    subject = pod(
        python(PROBE.read_text()),
        container={"securityContext": HARDENED},
        spec={"securityContext": RESTRICTED},
    )
    with namespaces.fresh(cluster) as namespace:
        pods = Pods(cluster, namespace, image=getattr(site.images, part))
        said: dict[str, Any] = pods.report_of(subject)
        return said


def test_every_module_that_it_comes_with_can_be_imported(found: dict[str, Any]) -> None:
    """Also those that are imported late: no import needs what the build left out."""
    assert found["broken"] == []
    assert found["modules"] > 100


def test_it_is_small(found: dict[str, Any], part: str, record_property: Any) -> None:
    record_property(f"{part}, MB above any base", found["megabytes"])

    assert found["megabytes"] <= MEGABYTES[part]


def test_it_runs_as_nobody_and_can_change_nothing(found: dict[str, Any]) -> None:
    assert found["user"] == 65532
    assert found["writable"] == []


def test_it_can_install_and_compile_nothing(found: dict[str, Any]) -> None:
    assert found["installers"] == []
    assert found["importable"] == []


def test_it_is_compiled(found: dict[str, Any]) -> None:
    """A read-only root file system keeps no bytecode, so each start would compile again."""
    assert found["uncompiled"] == []
