"""Only the operator may create, change or delete Events that name it as their reporter."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_dev.errors import DevError
from support import namespaces
from support.actors import Actor, editor, person
from support.conditions import until
from support.tenant import Body, Tenant, image_job

if TYPE_CHECKING:
    from imagejob_dev.client import Client
    from imagejob_dev.program import Program

OURS, OTHER = "imagejob.dev/operator", "example.com/robot"
FORBIDDEN = "forbidden: ValidatingAdmissionPolicy 'imagejob-events'"


def event(name: str = "cat.5", reporter: str = OURS, **more: Any) -> Body:
    """An Event as current clients post it; it claims that an image was made."""
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name},
        "type": "Normal",
        "reason": "Succeeded",
        "action": "Succeeded",
        "note": "1 output",
        "eventTime": "2026-11-22T10:00:00.250000Z",
        "reportingController": reporter,
        "reportingInstance": "op-0",
        **more,
    }


def core_event(namespace: str, name: str = "cat.5", **more: Any) -> Body:
    """An Event as old clients post it."""
    regarding = {"apiVersion": "imagejob.dev/v1alpha1", "kind": "ImageJob", "name": "cat"}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name},
        "type": "Normal",
        "reason": "Succeeded",
        "message": "1 output",
        "involvedObject": {**regarding, "namespace": namespace},
        **more,
    }


def bodies(namespace: str) -> dict[str, Body]:
    """An Event that names the operator, in each field that can."""
    regarding = core_event(namespace)["involvedObject"]
    reported = {"reportingComponent": OURS, "reportingInstance": "op-0"}
    return {
        "as of today": event(regarding=regarding),
        "reportingComponent": core_event(namespace, **reported),
        "source": core_event(namespace, source={"component": OURS}),
    }


CASES = ("as of today", "reportingComponent", "source")


def make(actor: Actor, body: Body, *options: str) -> None:
    actor.kubectl("create", *options, "-f", "-", stdin=json.dumps(body))


def _refused(actor: Actor, body: Body) -> bool:
    try:
        make(actor, body, "--dry-run=server")
    except DevError as error:
        return FORBIDDEN in str(error)
    return False


@pytest.fixture
def admin(cluster: Client, namespace: str) -> Actor:
    return person(cluster, namespace, "ada", "system:masters")


@pytest.fixture
def alice(cluster: Client, namespace: str) -> Actor:
    """A tenant, once the policy takes effect."""
    alice = editor(person(cluster, namespace, "alice"))
    until(lambda: all(_refused(alice, body) for body in bodies(namespace).values()))
    return alice


@pytest.mark.parametrize("case", CASES)
def test_a_tenant_speaks_for_itself_alone(alice: Actor, case: str) -> None:
    with pytest.raises(DevError, match=FORBIDDEN):
        make(alice, bodies(alice.namespace)[case])
    own = core_event(alice.namespace, reportingComponent=OTHER, reportingInstance="r")
    make(alice, own)
    change = json.dumps({"reportingComponent": OURS})
    with pytest.raises(DevError, match=FORBIDDEN):
        alice.kubectl("patch", "event", "cat.5", "--type=merge", f"--patch={change}")
    alice.kubectl("delete", "event", "cat.5")


@pytest.mark.parametrize("case", CASES)
def test_the_operator_s_events_cannot_be_changed(admin: Actor, alice: Actor, case: str) -> None:
    make(admin, bodies(alice.namespace)[case])

    for what in (
        ("delete", "event", "cat.5"),
        ("delete", "events", "--all"),
        ("annotate", "event", "cat.5", "a=b"),
        ("patch", "event", "cat.5", "--type=merge", '--patch={"message": "all is well"}'),
    ):
        with pytest.raises(DevError, match=FORBIDDEN):
            alice.kubectl(*what)


def test_a_namespace_goes_with_all_that_was_said_in_it(cluster: Client) -> None:
    with namespaces.fresh(cluster) as name:
        make(person(cluster, name, "ada", "system:masters"), bodies(name)["as of today"])

    cluster.kubectl("wait", "--for=delete", f"namespace/{name}", "--timeout=60s")


def test_the_operator_may_say_what_it_does(team: Tenant, operator: Program) -> None:
    assert operator.log.exists()
    team.apply(image_job())
    team.wait_finished("cat")

    (said,) = team.events("cat")

    assert (said["reportingController"], said["reason"]) == (OURS, "Succeeded")
    assert said["metadata"]["name"].startswith(f"{team.uid('cat')}.")
