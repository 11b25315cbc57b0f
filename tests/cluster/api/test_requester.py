"""The annotation that names an ImageJob's requester is always true, whatever anybody writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from imagejob_dev.errors import DevError
from imagejob_dev.policies import REQUESTED_BY
from support.actors import Actor, account, editor, person
from support.asking import FORGED, create, manifest, read, requester
from support.tenant import image_job

if TYPE_CHECKING:
    from imagejob_dev.client import Client

IDENTITIES = {"person": person, "account": account}
PATH = "/metadata/annotations/" + REQUESTED_BY.replace("/", "~1")


@pytest.fixture
def alice(cluster: Client, namespace: str) -> Actor:
    return editor(person(cluster, namespace, "alice"))


@pytest.fixture
def bob(cluster: Client, namespace: str) -> Actor:
    return editor(person(cluster, namespace, "bob"))


GENERATED = image_job()
GENERATED["metadata"] = {"generateName": "cat-", "annotations": FORGED}
CREATIONS = {
    "create": (("create",), manifest()),
    "create, forged": (("create",), manifest(annotations=FORGED)),
    "create, empty annotations": (("create",), manifest(annotations={})),
    "create, null for annotations": (("create", "--validate=false"), manifest(annotations=None)),
    "create, other annotations": (("create",), manifest(annotations={"team": "a"})),
    "create, generated name": (("create",), json.dumps(GENERATED)),
    "apply": (("apply",), manifest(annotations=FORGED)),
    "server-side apply": (("apply", "--server-side"), manifest(annotations=FORGED)),
}


@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize("case", CREATIONS)
def test_its_creator_is_the_requester(
    cluster: Client, namespace: str, identity: str, case: str
) -> None:
    actor = editor(IDENTITIES[identity](cluster, namespace, "alice"))
    verb, text = CREATIONS[case]

    made = create(actor, text, verb)

    assert requester(made) == actor.user
    assert "team" not in text or made["metadata"]["annotations"]["team"] == "a"


NAMES = [
    "https://idp.example/realms/eu#ünï-😀",
    """quote"s, com,mas, {braces}: and \\ 'back' $(slashes)""",
    "u" * 2000,
]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:20])
def test_names_are_kept_to_the_letter(cluster: Client, namespace: str, name: str) -> None:
    actor = person(cluster, namespace, name, "system:masters")

    assert requester(create(actor, manifest())) == name


def patch(kind: str, patch: object) -> tuple[tuple[str, ...], None]:
    return ("patch", "imagejob", "cat", f"--type={kind}", f"--patch={json.dumps(patch)}"), None


FORGERIES: dict[str, tuple[tuple[str, ...], str | None]] = {
    "annotate": (("annotate", "imagejob", "cat", "--overwrite", f"{REQUESTED_BY}=mallory"), None),
    "annotate, removed": (("annotate", "imagejob", "cat", f"{REQUESTED_BY}-"), None),
    "merge patch": patch("merge", {"metadata": {"annotations": FORGED}}),
    "merge patch, removed": patch("merge", {"metadata": {"annotations": {REQUESTED_BY: None}}}),
    "merge patch, all removed": patch("merge", {"metadata": {"annotations": None}}),
    "JSON patch": patch("json", [{"op": "replace", "path": PATH, "value": "mallory"}]),
    "JSON patch, removed": patch("json", [{"op": "remove", "path": PATH}]),
    "JSON patch, all removed": patch("json", [{"op": "remove", "path": "/metadata/annotations"}]),
    "replace": (("replace", "-f", "-"), manifest(annotations=FORGED)),
    "replace, removed": (("replace", "-f", "-"), manifest()),
    "apply": (("apply", "-f", "-"), manifest(annotations=FORGED)),
    "server-side apply": (
        ("apply", "--server-side", "--force-conflicts", "-f", "-"),
        manifest(annotations=FORGED),
    ),
}


@pytest.mark.parametrize("case", FORGERIES)
def test_no_update_changes_it_and_none_is_refused(alice: Actor, bob: Actor, case: str) -> None:
    arguments, text = FORGERIES[case]
    create(alice, manifest())

    bob.kubectl(*arguments, stdin=text)

    assert requester(read(bob)) == "alice"


def test_custom_resources_accept_no_strategic_patch(alice: Actor) -> None:
    create(alice, manifest())
    arguments, _ = patch("strategic", {"metadata": {"annotations": FORGED}})

    with pytest.raises(DevError, match=r"strategic-merge-patch.* is not supported"):
        alice.kubectl(*arguments)


def test_a_write_of_status_changes_no_annotation(cluster: Client, alice: Actor) -> None:
    create(alice, manifest())
    change = {"metadata": {"annotations": FORGED}, "status": {"phase": "Pending"}}
    arguments, _ = patch("merge", change)

    with pytest.raises(DevError, match="forbidden"):
        alice.kubectl(*arguments, "--subresource=status")
    cluster.kubectl(*arguments, "--subresource=status", f"--namespace={alice.namespace}")

    body = read(alice)
    assert (requester(body), body["status"]["phase"]) == ("alice", "Pending")


def test_its_editor_is_not_the_requester(alice: Actor, bob: Actor) -> None:
    create(alice, manifest())
    arguments, _ = patch("merge", {"spec": {"suspend": True}})

    bob.kubectl(*arguments)

    body = read(bob)
    assert (requester(body), body["spec"]["suspend"]) == ("alice", True)


def test_created_again_it_names_who_did(alice: Actor, bob: Actor) -> None:
    create(alice, manifest())

    bob.kubectl("replace", "--force", "-f", "-", stdin=manifest())

    assert requester(read(bob)) == "bob"
