"""The platform's rules for tenants, and for access to their workers, as the chart renders them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from imagejob_dev.errors import DevError
from support import worker_policies
from support.helm_chart import Body, of, one

if TYPE_CHECKING:
    from support.helm_chart import Helm

KUEUE = "system:serviceaccount:kueue-system:kueue-controller-manager"
LISTS = {"managers": [KUEUE, "it's&<odd>"], "evictors": ["descheduler@example.com"]}


def policies(bodies: list[Body]) -> dict[str, Any]:
    """Name → spec of the policies for workers."""
    kind = "ValidatingAdmissionPolicy"
    return {
        body["metadata"]["name"]: body["spec"]
        for body in of(bodies, kind)
        if body["metadata"]["name"].startswith("imagejob-worker-")
    }


@pytest.mark.parametrize("lists", [{}, LISTS], ids=["nobody", "some"])
def test_listed_accounts_are_in_the_policies(helm: Helm, lists: dict[str, list[str]]) -> None:
    plain = worker_policies.with_lists(worker_policies.FILE.read_text(), lists)

    bodies = helm.template({"policies": {"workers": lists}})

    assert policies(bodies) == policies(plain)
    assert str(policies(bodies)).count(KUEUE) == 2 * bool(lists)


@pytest.mark.parametrize("name", ["managers", "evictors"])
def test_nobody_of_a_tenant_s_namespace_is_listed(helm: Helm, name: str) -> None:
    account = "system:serviceaccount:team-a:kueue"
    tenants = ["team-a-b", "team-a"]

    with pytest.raises(DevError, match=f"policies.workers.{name}: {account} belongs to a tenant's"):
        helm.template({"policies": {"workers": {name: [account]}}, "tenants": tenants})
    assert helm.template({"policies": {"workers": {name: [account]}}, "tenants": tenants[:1]})


def test_each_tenant_has_the_quota_of_objects(helm: Helm) -> None:
    hard = {"count/imagejobs.imagejob.dev": 5_000_000, "pods": "40", "limits.memory": "64Gi"}

    bodies = helm.template({"tenants": ["team-a", "team-b"], "tenantQuota": hard})

    quotas = of(bodies, "ResourceQuota")
    assert [body["metadata"]["namespace"] for body in quotas] == ["team-a", "team-b"]
    for body in quotas:
        assert body["spec"] == {"hard": {name: str(most) for name, most in hard.items()}}


def test_no_tenant_has_a_quota_unless_asked_for(helm: Helm) -> None:
    bodies = helm.template({"tenants": ["team-a"]})

    assert one(bodies, "NetworkPolicy")
    assert not of(bodies, "ResourceQuota")
