"""What Kubernetes' own roles allow a tenant with our kinds, and what only the platform may do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_dev.client import OPERATOR_NAMESPACE
from imagejob_dev.errors import DevError
from support.actors import Actor, account, bind, editor, person
from support.tenant import image_job, ours

if TYPE_CHECKING:
    from imagejob_dev.client import Client

READ = ("get", "list", "watch")
WRITE = ("create", "update", "patch", "delete", "deletecollection")
TENANTS = ("imagejobs", "imageprofiles", "imagestores")
KINDS = (*TENANTS, "imagequotas")
STATUSES = ("imagejobs/status", "imagequotas/status")
IDENTITIES = {"person": person, "account": account}

S3 = {"endpoint": "https://s3.test", "bucket": "team-a"}
STORE = {"s3": {**S3, "credentials": {"secretRef": {"name": "uploads-s3"}}}}
OBJECTS = {
    "ImageJob": image_job(),
    "ImageProfile": ours("ImageProfile", "web", {"outputs": [{"name": "thumb", "width": 64}]}),
    "ImageStore": ours("ImageStore", "uploads", STORE),
}
QUOTA = ours("ImageQuota", "default", {"limits": [{"jobs": 1_000_000, "per": "1s"}]})


@pytest.fixture(params=IDENTITIES)
def tenant(cluster: Client, namespace: str, request: pytest.FixtureRequest) -> Actor:
    """A tenant bound to `edit`, as a person and as a ServiceAccount."""
    return editor(IDENTITIES[request.param](cluster, namespace, "alice"))


def rights(actor: Actor, namespace: str | None = None) -> set[tuple[str, str]]:
    """The verbs that a tenant has on our kinds."""
    return {
        (verb, kind)
        for kind in (*KINDS, *STATUSES)
        for verb in (*READ, *WRITE)
        if actor.may(verb, _qualified(kind), namespace)
    }


def test_an_editor_writes_what_is_the_tenant_s_and_reads_the_rest(tenant: Actor) -> None:
    reads = {(verb, kind) for kind in KINDS for verb in READ}
    writes = {(verb, kind) for kind in TENANTS for verb in WRITE}

    assert rights(tenant) == reads | writes
    assert rights(tenant, "default") == set()


def test_an_editor_makes_and_deletes_what_is_the_tenant_s(tenant: Actor) -> None:
    for kind, body in OBJECTS.items():
        tenant.kubectl("create", "-f", "-", stdin=json.dumps(body))
        tenant.kubectl("get", kind, body["metadata"]["name"])
        tenant.kubectl("delete", kind, body["metadata"]["name"])

    assert not tenant.kubectl("get", "imaging", "--output=name")


def test_a_viewer_only_reads(cluster: Client, namespace: str) -> None:
    viewer = person(cluster, namespace, "victor")
    bind(viewer, "view", ("get", "imagejobs.imagejob.dev"))

    assert rights(viewer) == {(verb, kind) for kind in KINDS for verb in READ}


def test_a_namespace_s_own_admin_may_no_more_than_an_editor(
    cluster: Client, namespace: str
) -> None:
    admin = person(cluster, namespace, "ada")
    bind(admin, "admin", ("create", "imagejobs.imagejob.dev"))

    assert rights(admin) == rights(editor(person(cluster, namespace, "alice")))


def test_the_platform_writes_quotas_and_no_status(cluster: Client, namespace: str) -> None:
    platform = person(cluster, namespace, "paula")
    bind(platform, "imagejob-platform", ("create", "imagequotas.imagejob.dev"))

    reads = {(verb, kind) for kind in KINDS for verb in READ}
    assert rights(platform) == reads | {(verb, "imagequotas") for verb in WRITE}


SUCCEEDED = json.dumps({"status": {"phase": "Succeeded"}})
SUBRESOURCE = ("--subresource=status", "--type=merge", f"--patch={SUCCEEDED}")
REFUSED: dict[str, tuple[tuple[str, ...], dict[str, Any] | None]] = {
    "create a quota": (("create", "-f", "-"), QUOTA),
    "apply a quota": (("apply", "--server-side", "-f", "-"), QUOTA),
    "raise a quota": (("patch", "imagequota", "default", "--patch={}", "--type=merge"), None),
    "delete a quota": (("delete", "imagequota", "default"), None),
    "patch a status": (("patch", "imagejob", "cat", *SUBRESOURCE), None),
    "patch a quota's status": (("patch", "imagequota", "default", *SUBRESOURCE), None),
    "replace a status": (("replace", "--subresource=status", "-f", "-"), image_job()),
    "apply a status": (("apply", "--server-side", "--subresource=status", "-f", "-"), image_job()),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_an_editor_may_not(tenant: Actor, case: str) -> None:
    arguments, body = REFUSED[case]
    tenant.cluster.kubectl("apply", "-n", tenant.namespace, "-f", "-", stdin=json.dumps(QUOTA))
    tenant.kubectl("create", "-f", "-", stdin=json.dumps(image_job()))

    with pytest.raises(DevError, match="forbidden"):
        tenant.kubectl(*arguments, stdin=json.dumps(body) if body else None)


def test_what_is_written_into_status_on_creation_is_dropped(tenant: Actor) -> None:
    forged = {**image_job(), "status": {"phase": "Succeeded"}}

    tenant.kubectl("create", "-f", "-", stdin=json.dumps(forged))

    assert not tenant.kubectl("get", "imagejob", "cat", "--output=jsonpath={.status.phase}")


def test_the_operator_s_namespace_is_closed_to_tenants(tenant: Actor) -> None:
    ledger = f"ledger-{tenant.namespace}"
    for what in ("configmaps", "leases.coordination.k8s.io", "secrets", "serviceaccounts"):
        may = [verb for verb in (*READ, *WRITE) if tenant.may(verb, what, OPERATOR_NAMESPACE)]
        assert may == [], what
    for arguments in (
        ("get", "configmap", ledger),
        ("create", "configmap", ledger),
        ("delete", "configmap", ledger),
        ("get", "leases"),
    ):
        with pytest.raises(DevError, match="forbidden"):
            tenant.kubectl(*arguments, f"--namespace={OPERATOR_NAMESPACE}")


def _qualified(kind: str) -> str:
    resource, slash, subresource = kind.partition("/")
    return f"{resource}.imagejob.dev{slash}{subresource}"
