"""The annotation that names the requester, beside GitOps, other policies, and the audit log."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from imagejob_dev.policies import REQUESTED_BY
from support.actors import Actor, account, editor, person
from support.asking import FORGED, create, manifest, read, requester
from support.conditions import until
from support.tenant import Body, Tenant

if TYPE_CHECKING:
    from imagejob_dev.client import Client


@pytest.fixture
def alice(cluster: Client, namespace: str) -> Actor:
    return editor(person(cluster, namespace, "alice"))


@pytest.mark.parametrize("annotations", [{}, FORGED], ids=["plain", "forged"])
def test_applying_the_same_again_and_again_comes_to_rest(
    alice: Actor, annotations: dict[str, str]
) -> None:
    """As a GitOps controller does; no policy may keep changing what it owns."""
    text = manifest(annotations=annotations)
    apply = ("apply", "--server-side", "--field-manager=argocd-controller")

    versions = []
    began = time.monotonic()
    # Managed fields have times in whole seconds.
    while time.monotonic() < began + 1.5 or len(versions) <= 2:
        versions.append(create(alice, text, apply)["metadata"]["resourceVersion"])

    assert len(set(versions[1:])) == 1  # the first of these stores the status's default


def test_a_manager_that_forgets_the_annotation_does_not_remove_it(alice: Actor) -> None:
    create(alice, manifest(annotations=FORGED), ("apply", "--server-side"))

    kept = create(alice, manifest(), ("apply", "--server-side"))

    assert requester(kept) == "alice"


DRY_RUN = ("create", "--dry-run=server", "-f", "-", "--output=json")
LATER = "imagejob-test-forger"


def forger(namespace: str) -> list[Body]:
    """Another party's mutating policy, which the API server may run after ours."""
    version = "admissionregistration.k8s.io/v1"
    rule = {
        "apiGroups": ["imagejob.dev"],
        "apiVersions": ["*"],
        "resources": ["imagejobs"],
        "operations": ["CREATE"],
    }
    only = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    stamps = f"{{'{REQUESTED_BY}': 'mallory', 'forged': 'yes'}}"
    expression = f"Object{{metadata: Object.metadata{{annotations: {stamps}}}}}"
    mutation = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}
    spec = {
        "reinvocationPolicy": "Never",
        "matchConstraints": {"resourceRules": [rule], "namespaceSelector": only},
        "mutations": [mutation],
    }
    bound = {"policyName": LATER}
    kinds = {"MutatingAdmissionPolicy": spec, "MutatingAdmissionPolicyBinding": bound}
    return [
        {"apiVersion": version, "kind": kind, "metadata": {"name": LATER}, "spec": body}
        for kind, body in kinds.items()
    ]


def test_another_policy_does_not_have_the_last_word(cluster: Client, alice: Actor) -> None:
    text = "\n---\n".join(json.dumps(body) for body in forger(alice.namespace))
    cluster.kubectl("apply", "-f", "-", stdin=text)
    try:
        until(lambda: "forged" in alice.kubectl(*DRY_RUN, stdin=manifest()))
        made = create(alice, manifest())
    finally:
        cluster.kubectl("delete", "-f", "-", stdin=text)

    assert made["metadata"]["annotations"] == {REQUESTED_BY: "alice", "forged": "yes"}


@pytest.mark.laptop
def test_an_imagejob_older_than_the_policy_gets_no_requester(cluster: Client, alice: Actor) -> None:
    cluster.kubectl("delete", "mutatingadmissionpolicybinding", "imagejob-requester")
    try:
        until(lambda: REQUESTED_BY not in alice.kubectl(*DRY_RUN, stdin=manifest()))
        create(alice, manifest())
    finally:
        cluster.install()

    alice.kubectl("annotate", "imagejob", "cat", f"{REQUESTED_BY}=mallory")

    assert requester(read(alice)) is None


AUDITED = {
    "person": (person, "alice", "alice"),
    "account": (account, "robot", "system:serviceaccount:{namespace}:robot"),
    "long name": (person, "u" * 2000, "u" * 1023 + "…"),
}


@pytest.mark.parametrize("case", AUDITED)
@pytest.mark.usefixtures("operator")
def test_the_audit_begins_with_the_requester(cluster: Client, namespace: str, case: str) -> None:
    make, name, shown = AUDITED[case]
    actor = editor(make(cluster, namespace, name))

    create(actor, manifest(annotations=FORGED))
    status = Tenant(cluster, namespace).wait("cat", lambda status: "audit" in status)

    first = status["audit"][0]
    assert (first["actor"], first["reason"]) == (shown.format(namespace=namespace), "Requested")
