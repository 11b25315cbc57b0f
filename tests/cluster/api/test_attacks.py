"""Manifests that ask for more than images: each is rejected, with the field that is at fault."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_dev.policies import REQUESTED_BY
from support.raw_requests import FORBIDDEN, IMAGING, Attacker, attacker
from support.tenant import Body, image_job, ours

if TYPE_CHECKING:
    from imagejob_dev.client import Client

STRICT = "?fieldValidation=Strict&dryRun=All"
OK, CREATED = 200, 201
REFUSED = (400, 422)
WORKER = {"imagejob.dev/component": "worker"}
CREDENTIALS = {"secretRef": {"name": "uploads-s3"}}
S3 = {"endpoint": "https://s3.test", "bucket": "team-a", "credentials": CREDENTIALS}


@pytest.fixture(scope="module")
def alice(cluster: Client, shared_namespace: str) -> Attacker:
    return attacker(cluster, shared_namespace, "edit")


def store(**changes: Any) -> Body:
    return ours("ImageStore", "uploads", {"s3": {**S3, **changes}})


def opened_by(**credentials: Any) -> Body:
    return store(credentials=credentials)


def volume(**volume: Any) -> Body:
    return ours("ImageStore", "uploads", {"volume": volume})


# Objects of other namespaces. The field `namespace` is tried too, although it doesn't exist.
ACROSS = {
    "a Secret": opened_by(secretRef={"name": "uploads-s3", "namespace": "team-b"}),
    "a Secret, in its name": opened_by(secretRef={"name": "team-b/uploads-s3"}),
    "a Secret, above": opened_by(secretRef={"name": "../team-b/uploads-s3"}),
    "a Secret, above in dots alone": opened_by(secretRef={"name": ".."}),
    "a Secret, percent-encoded": opened_by(secretRef={"name": "team-b%2fuploads-s3"}),
    "a ServiceAccount": opened_by(serviceAccountName="default", namespace="team-b"),
    "a ServiceAccount, in its name": opened_by(serviceAccountName="team-b:default"),
    "a ServiceAccount, as its user": opened_by(
        serviceAccountName="system:serviceaccount:team-b:default"
    ),
    "a claim": volume(claimName="images", namespace="team-b"),
    "a claim, in its name": volume(claimName="team-b/images"),
    "the node's files": volume(hostPath={"path": "/etc"}),
    "the node's files, by the sub-path": volume(claimName="images", subPath="/etc"),
    "what is above on the volume": volume(claimName="images", subPath="a/../../b"),
    "a sub-path that is expanded": volume(claimName="images", subPathExpr="$(HOME)"),
    "a store": image_job(source={"storeRef": {"name": "uploads", "namespace": "b"}, "key": "x"}),
    "a store, in its name": image_job(store="team-b/uploads"),
    "a profile": image_job(profileRef={"name": "web", "namespace": "team-b"}),
    "a profile, in its name": image_job(profileRef={"name": "team-b/web"}),
    "a file, for a key": image_job(key="file:///etc/passwd"),
}
KEYS = {
    "parent": "../secret",
    "parent within": "a/../../secret",
    "parent last": "a/..",
    "dot": "./a",
    "absolute": "/etc/passwd",
    "at a slash's end": "a/",
    "an empty segment": "a//b",
    "NUL": "a\0b",
    "NUL, then a suffix": "secret\0.jpg",
    "line break": "a\nb",
    "a header": "a\r\nX-Amz-Acl: public-read",
    "an escape sequence": "\x1b[2Ja",
    "a C1 control": "a\u009bb",
    "too long": "a" * 1025,
    "too long in bytes": "\u00e9" * 513,
}
IN_FIELDS = {
    "source.key": lambda key: image_job(key=key),
    "destination.prefix": lambda key: image_job(destination={"prefix": key}),
    "a store's prefix": lambda key: store(prefix=key),
    "a volume's subPath": lambda key: volume(claimName="images", subPath=key),
}
SMUGGLED: dict[str, Body] = {
    "a pod's spec": {"podSpec": {"hostNetwork": True}},
    "a pod's template": {"template": {"spec": {"containers": [{"name": "x", "image": "evil"}]}}},
    "an image": {"image": "evil"},
    "a command": {"command": ["sh"]},
    "environment": {"env": [{"name": "LD_PRELOAD", "value": "/x"}]},
    "volumes": {"volumes": [{"name": "x", "hostPath": {"path": "/"}}]},
    "a ServiceAccount": {"serviceAccountName": "admin"},
    "a node": {"nodeName": "node"},
    "labels of workers": {"labels": WORKER},
    "annotations of workers": {"annotations": {"sidecar.istio.io/inject": "true"}},
    "a requester": {"requestedBy": "mallory"},
    "a namespace": {"namespace": "kube-system"},
}


def collection(body: Body) -> str:
    return f"{IMAGING}/{body['kind'].lower()}s"


@pytest.mark.parametrize("case", ACROSS)
def test_no_reference_leaves_the_namespace(alice: Attacker, case: str) -> None:
    answer = alice.send("POST", collection(ACROSS[case]) + STRICT, ACROSS[case])

    assert answer.status in REFUSED, answer.text
    assert "unknown field" in answer.text or "Invalid value" in answer.text


@pytest.mark.parametrize("field", IN_FIELDS)
@pytest.mark.parametrize("case", KEYS)
def test_no_key_leads_out_of_the_store(alice: Attacker, case: str, field: str) -> None:
    body = IN_FIELDS[field](KEYS[case])

    answer = alice.send("POST", collection(body) + STRICT, body)

    assert answer.status in REFUSED, answer.text
    assert field.rpartition(" ")[2].rpartition(".")[2] in answer.text


INTO = {
    "an ImageJob": image_job(),
    "an ImageProfile": ours("ImageProfile", "web", {"outputs": [{"name": "thumb", "width": 64}]}),
    "an ImageStore": store(),
    "an ImageStore's bucket": store(),
}


@pytest.mark.parametrize("kind", INTO)
@pytest.mark.parametrize("case", SMUGGLED)
def test_no_field_takes_what_is_a_pod_s(alice: Attacker, case: str, kind: str) -> None:
    body = json.loads(json.dumps(INTO[kind]))
    place = body["spec"]["s3"] if kind.endswith("bucket") else body["spec"]
    place |= SMUGGLED[case]

    answer = alice.send("POST", collection(body) + STRICT, body)

    assert answer.status in REFUSED, answer.text
    assert 'unknown field \\"spec' in answer.text


def test_what_nobody_validates_is_dropped(alice: Attacker) -> None:
    """The client may skip validation; the API server keeps only what the schema defines."""
    credentials = {"secretRef": {"name": "uploads-s3", "namespace": "team-b"}, "namespace": "b"}
    body = store(credentials=credentials, volumes=[{"hostPath": {"path": "/"}}])
    body["spec"] |= {"podSpec": {"hostNetwork": True}}

    answer = alice.send("POST", f"{collection(body)}?fieldValidation=Ignore&dryRun=All", body)

    assert answer.status == CREATED
    kept = json.loads(answer.text)["spec"]
    assert kept == {"s3": {**S3, "pathStyle": True, "region": "us-east-1"}}


CLAIMED = {
    "creationTimestamp": "2001-01-01T00:00:00Z",
    "uid": "00000000-0000-0000-0000-000000000000",
    "generation": 1_000_000,
    "resourceVersion": "",
    "selfLink": "/api/v1/secrets",
    "deletionTimestamp": "2001-01-01T00:00:00Z",
}


def test_nobody_can_backdate_an_imagejob(alice: Attacker) -> None:
    """Within a priority, the older goes first; charges depend on the UID."""
    body = image_job()
    body["metadata"] |= CLAIMED

    answer = alice.send("POST", collection(body) + STRICT, body)

    assert answer.status == CREATED, answer.text
    made = json.loads(answer.text)["metadata"]
    assert not {name for name in CLAIMED if made.get(name) == CLAIMED[name]}


FORGERIES = {
    "PUT": image_job(),
    "PATCH": {"metadata": {"annotations": {REQUESTED_BY: "mallory"}}},
    "JSON PATCH": [{"op": "add", "path": "/metadata/annotations", "value": {REQUESTED_BY: "x"}}],
    "APPLY": image_job(),
}


@pytest.mark.parametrize("method", FORGERIES)
@pytest.mark.parametrize("path", ["", "/status"], ids=["itself", "its status"])
def test_no_request_forges_the_requester(alice: Attacker, method: str, path: str) -> None:
    """No tenant may write a status: there, the request changes nothing at all."""
    name = f"by-{method.lower().replace(' ', '-')}{path.replace('/', '-')}"
    made = alice.send("POST", f"{IMAGING}/imagejobs", image_job(name))
    assert made.status == CREATED, made.text
    body = json.loads(json.dumps(FORGERIES[method]))
    if isinstance(body, dict) and "kind" in body:
        version = json.loads(made.text)["metadata"]["resourceVersion"]
        body["metadata"] = {"name": name, "annotations": {REQUESTED_BY: "mallory"}}
        body["metadata"] |= {"resourceVersion": version} if method == "PUT" else {}
    there = f"{IMAGING}/imagejobs/{name}"
    query = "?fieldManager=mallory&force=true" if method == "APPLY" else ""

    answer = alice.send(method, there + path + query, body)

    assert answer.status == (FORBIDDEN if path else OK), answer.text
    kept = json.loads(alice.send("GET", there).text)["metadata"]["annotations"]
    assert kept == {REQUESTED_BY: alice.user}


def claims_by_managed_fields() -> Body:
    body = image_job("managed")
    entry = {
        "manager": "imagejob-operator",
        "operation": "Apply",
        "apiVersion": "imagejob.dev/v1alpha1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:metadata": {"f:annotations": {f"f:{REQUESTED_BY}": {}}}},
    }
    body["metadata"] |= {"managedFields": [entry], "annotations": {REQUESTED_BY: "mallory"}}
    return body


def test_managed_fields_lend_no_right(alice: Attacker) -> None:
    answer = alice.send("POST", f"{IMAGING}/imagejobs", claims_by_managed_fields())

    assert json.loads(answer.text)["metadata"]["annotations"] == {REQUESTED_BY: alice.user}
