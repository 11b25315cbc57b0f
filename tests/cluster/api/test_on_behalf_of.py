"""Only a gateway's account says on whose behalf an ImageJob was created, and nobody changes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from imagejob_dev.client import GATEWAY_CHART
from imagejob_dev.errors import DevError
from support import namespaces
from support.actors import Actor, account, bind, editor, person
from support.asking import create, manifest, read, requester
from support.conditions import until
from support.helm_chart import of
from support.tenant import Tenant, image_job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from imagejob_dev.client import Client
    from support.helm_chart import Helm

GATEWAY = "imagejob-gateway"
ON_BEHALF_OF, OWNER = "imagejob.dev/on-behalf-of", "imagejob.dev/owner"
UPLOAD = "imagejob.dev/upload"
SUBJECT = "https://issuer.example#ann"
SAID = {"annotations": {ON_BEHALF_OF: SUBJECT}, "labels": {OWNER: "0" * 40, UPLOAD: "1"}}
RIGHT = ("create", "imagejobs.imagejob.dev/on-behalf-of")


def open_gateway(cluster: Client, namespace: str, helm: Helm) -> Actor:
    """The account and rights of the gateway's chart, and no gateway."""
    bodies = helm.template({}, chart=GATEWAY_CHART, namespace=namespace)
    kinds = ("ServiceAccount", "Role", "RoleBinding")
    text = "\n---\n".join(json.dumps(each) for kind in kinds for each in of(bodies, kind))
    cluster.kubectl("apply", f"--namespace={namespace}", "-f", "-", stdin=text)
    user = f"system:serviceaccount:{namespace}:{GATEWAY}"
    actor = Actor(cluster, namespace, user, cluster.kubeconfig_for(namespace, GATEWAY))
    until(lambda: actor.may(*RIGHT) and actor.may("create", "imagejobs.imagejob.dev"))
    return actor


@pytest.fixture(scope="module")
def gateway(cluster: Client, helm: Helm) -> Iterator[Actor]:
    with namespaces.fresh(cluster) as name:
        yield open_gateway(cluster, name, helm)


@pytest.fixture(scope="module")
def alice(cluster: Client, gateway: Actor) -> Actor:
    """A tenant of the gateway's namespace."""
    return editor(person(cluster, gateway.namespace, "alice"))


def admin(cluster: Client, namespace: str) -> Actor:
    actor = person(cluster, namespace, "adam")
    return bind(actor, "admin", ("create", "imagejobs.imagejob.dev"))


def with_right(cluster: Client, namespace: str, actor: Actor) -> Actor:
    """Give an account of anywhere the gateway's own Role in the namespace."""
    name = f"{actor.user.rpartition(':')[2]}-{actor.namespace}"
    cluster.kubectl(
        *("create", "rolebinding", name, f"--namespace={namespace}", f"--role={GATEWAY}"),
        f"--user={actor.user}",
    )
    found = Actor(cluster, namespace, actor.user, actor.kubeconfig, actor.flags)
    until(lambda: found.may(*RIGHT))
    return found


OTHERS: dict[str, Callable[[Client, str], Actor]] = {
    "a tenant": lambda cluster, namespace: editor(person(cluster, namespace, "bob")),
    "a tenant's account": lambda cluster, namespace: editor(account(cluster, namespace, "robot")),
    "the namespace's admin": admin,
    "the cluster's admin": lambda cluster, namespace: person(
        cluster, namespace, "root", "system:masters"
    ),
    "a person with the gateway's rights": lambda cluster, namespace: with_right(
        cluster, namespace, person(cluster, namespace, "carol")
    ),
}
GENERATED = image_job()
GENERATED["metadata"] = {"generateName": "cat-", **SAID}
FORGERIES = {
    "create": (("create", "-f", "-"), manifest(**SAID)),
    "create, the annotation alone": (
        ("create", "-f", "-"),
        manifest(annotations=SAID["annotations"]),
    ),
    "create, the owner alone": (("create", "-f", "-"), manifest(labels={OWNER: "0" * 40})),
    "create, the upload alone": (("create", "-f", "-"), manifest(labels={UPLOAD: "1"})),
    "create, empty": (("create", "-f", "-"), manifest(annotations={ON_BEHALF_OF: ""})),
    "create, generated name": (("create", "-f", "-"), json.dumps(GENERATED)),
    "apply": (("apply", "-f", "-"), manifest(**SAID)),
    "server-side apply": (("apply", "--server-side", "-f", "-"), manifest(**SAID)),
}


@pytest.mark.parametrize("who", OTHERS)
def test_nobody_else_creates_one(cluster: Client, gateway: Actor, who: str) -> None:
    actor = OTHERS[who](cluster, gateway.namespace)

    with pytest.raises(DevError, match="only an upload gateway"):
        actor.kubectl("create", "-f", "-", stdin=manifest(**SAID))


@pytest.mark.parametrize("case", FORGERIES)
def test_a_tenant_creates_none_in_any_way(alice: Actor, case: str) -> None:
    arguments, text = FORGERIES[case]

    with pytest.raises(DevError, match="only an upload gateway"):
        alice.kubectl(*arguments, stdin=text)


def test_an_account_named_like_a_gateway_s_is_none(cluster: Client, namespace: str) -> None:
    """A tenant can create it, but can't give it what it doesn't have itself."""
    adam = admin(cluster, namespace)
    adam.kubectl("create", "serviceaccount", GATEWAY)
    impostor = person(cluster, namespace, f"system:serviceaccount:{namespace}:{GATEWAY}")
    until(lambda: adam.may("create", "rolebindings.rbac.authorization.k8s.io"))
    adam.kubectl("create", "rolebinding", "x", "--clusterrole=edit", f"--user={impostor.user}")
    until(lambda: impostor.may("create", "imagejobs.imagejob.dev"))

    with pytest.raises(DevError, match="attempting to grant RBAC permissions not currently held"):
        adam.kubectl(
            *("create", "role", "y", "--verb=create"),
            "--resource=imagejobs.imagejob.dev/on-behalf-of",
        )
    with pytest.raises(DevError, match="only an upload gateway"):
        impostor.kubectl("create", "-f", "-", stdin=manifest(**SAID))
    create(impostor, manifest())  # without, it is a tenant like others


def test_a_gateway_is_none_in_another_namespace(
    cluster: Client, gateway: Actor, namespace: str, helm: Helm
) -> None:
    open_gateway(cluster, namespace, helm)
    cluster.kubectl(
        *("create", "rolebinding", "guest", f"--namespace={namespace}", f"--role={GATEWAY}"),
        f"--user={gateway.user}",
    )
    guest = Actor(cluster, namespace, gateway.user, gateway.kubeconfig)
    until(lambda: guest.may(*RIGHT))

    with pytest.raises(DevError, match="only an upload gateway"):
        guest.kubectl("create", "-f", "-", stdin=manifest(**SAID))


@pytest.fixture(scope="module")
def uploaded(gateway: Actor) -> str:
    """The name of an ImageJob of the gateway's."""
    body = json.loads(
        gateway.kubectl("create", "-f", "-", "--output=json", stdin=json.dumps(GENERATED))
    )
    name: str = body["metadata"]["name"]
    return name


def test_the_gateway_says_for_whom_it_asks(gateway: Actor, uploaded: str) -> None:
    found = read(gateway, uploaded)

    assert requester(found) == gateway.user
    assert found["metadata"]["annotations"][ON_BEHALF_OF] == SUBJECT
    assert found["metadata"]["labels"][OWNER] == "0" * 40


def merged(metadata: object) -> tuple[str, ...]:
    return ("--type=merge", f"--patch={json.dumps({'metadata': metadata})}")


def at(path: str, op: str, **value: str) -> tuple[str, ...]:
    return ("--type=json", f"--patch={json.dumps([{'op': op, 'path': path, **value}])}")


ANNOTATION = "/metadata/annotations/" + ON_BEHALF_OF.replace("/", "~1")
LABEL = "/metadata/labels/" + OWNER.replace("/", "~1")
CHANGES = {
    "another subject": merged({"annotations": {ON_BEHALF_OF: "https://issuer.example#bob"}}),
    "another owner": merged({"labels": {OWNER: "1" * 40}}),
    "no subject": merged({"annotations": {ON_BEHALF_OF: None}}),
    "no owner": merged({"labels": {OWNER: None}}),
    "another upload": merged({"labels": {UPLOAD: "2"}}),
    "no upload": merged({"labels": {UPLOAD: None}}),
    "no annotations": merged({"annotations": None}),
    "no labels": merged({"labels": None}),
    "another subject, JSON patch": at(ANNOTATION, "replace", value="x#y"),
    "no subject, JSON patch": at(ANNOTATION, "remove"),
    "no owner, JSON patch": at(LABEL, "remove"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_nobody_changes_it(cluster: Client, alice: Actor, uploaded: str, case: str) -> None:
    root = person(cluster, alice.namespace, "root", "system:masters")
    before = read(alice, uploaded)["metadata"]

    for actor in (alice, root):
        with pytest.raises(DevError, match="can't be changed"):
            actor.kubectl("patch", "imagejob", uploaded, *CHANGES[case])

    after = read(alice, uploaded)["metadata"]
    assert (after["annotations"], after["labels"]) == (before["annotations"], before["labels"])


ADDITIONS = {
    "a subject": merged({"annotations": {ON_BEHALF_OF: SUBJECT}}),
    "an owner": merged({"labels": {OWNER: "0" * 40}}),
    "an upload": merged({"labels": {UPLOAD: "1"}}),
}


@pytest.mark.parametrize("case", ADDITIONS)
def test_nobody_adds_it_later(alice: Actor, case: str) -> None:
    own = json.loads(
        alice.kubectl(
            *("create", "-f", "-", "--output=json"),
            stdin=json.dumps(image_job() | {"metadata": {"generateName": "own-"}}),
        )
    )["metadata"]["name"]

    with pytest.raises(DevError, match="can't be changed"):
        alice.kubectl("patch", "imagejob", own, *ADDITIONS[case])


def test_everything_else_may_be_changed(alice: Actor, uploaded: str) -> None:
    alice.kubectl("label", "imagejob", uploaded, "team=a")
    alice.kubectl("annotate", "imagejob", uploaded, "note=x")
    change = json.dumps({"spec": {"suspend": True}})
    alice.kubectl("patch", "imagejob", uploaded, "--type=merge", f"--patch={change}")

    found = read(alice, uploaded)
    assert found["spec"]["suspend"] is True
    assert found["metadata"]["annotations"][ON_BEHALF_OF] == SUBJECT


NO_SUBJECTS = {
    "nothing": "",
    "no issuer": "#ann",
    "no subject": "https://issuer.example#",
    "no #": "ann",
    "an issuer with a space": "the issuer#ann",
    "two lines": "https://issuer.example#ann\nroot",
    "a NUL": "https://issuer.example#ann\0",
    "an escape": "https://issuer.example#\x1b[2J",
    "another direction": "https://issuer.example#ann\u202e",
    "a line separator": "https://issuer.example#ann\u2028",
    "too long": "https://issuer.example#" + "a" * 1002,
}


@pytest.mark.parametrize("subject", NO_SUBJECTS.values(), ids=NO_SUBJECTS)
def test_a_gateway_names_a_subject_that_can_be_shown(gateway: Actor, subject: str) -> None:
    with pytest.raises(DevError, match="must be ISSUER#SUBJECT"):
        gateway.kubectl("create", "-f", "-", stdin=manifest(annotations={ON_BEHALF_OF: subject}))


SUBJECTS = ["i#a#b", "https://issuer.example#CN=Ann Éclair, 用户 😀", "i#" + "a" * 1022]


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject[:20])
def test_subjects_are_kept_to_the_letter(gateway: Actor, subject: str) -> None:
    body = image_job() | {
        "metadata": {"generateName": "cat-", "annotations": {ON_BEHALF_OF: subject}}
    }

    made = json.loads(gateway.kubectl("create", "-f", "-", "--output=json", stdin=json.dumps(body)))

    assert made["metadata"]["annotations"][ON_BEHALF_OF] == subject


@pytest.mark.usefixtures("operator")
def test_the_status_and_the_audit_say_for_whom(cluster: Client, namespace: str, helm: Helm) -> None:
    actor = open_gateway(cluster, namespace, helm)
    create(actor, manifest(**SAID))

    status = Tenant(cluster, namespace).wait("cat", lambda status: "audit" in status)

    assert status["onBehalfOf"] == SUBJECT
    first, *rest = status["audit"]
    assert (first["actor"], first["onBehalfOf"]) == (actor.user, SUBJECT)
    assert not any("onBehalfOf" in entry for entry in rest)
