"""Tests where ImageStores may point."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from imagejob_dev.client import OPERATOR_NAMESPACE
from imagejob_dev.rest import ApiError

from support.conditions import until
from support.tenant import Body, ours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client

ADDRESSES, ALLOWED = "imagejob-store-addresses", "imagejob-stores-allowed"
UNLISTED = "https://not-on-any-list.test"


def bucket(endpoint: str, name: str = "team-a", **s3: Any) -> Body:
    """A store of a bucket."""
    credentials = {"secretRef": {"name": "uploads-s3"}}
    s3 = {"endpoint": endpoint, "bucket": name, "credentials": credentials, **s3}
    return ours("ImageStore", "uploads", {"s3": s3})


def claim(name: str) -> Body:
    """A store on a volume."""
    return ours("ImageStore", "uploads", {"volume": {"claimName": name}})


def refusal(cluster: Client, namespace: str, store: Body) -> str:
    """The API server's objection to it; empty if there is none."""
    path = f"/apis/imagejob.dev/v1alpha1/namespaces/{namespace}/imagestores"
    try:
        cluster.rest.post(f"{path}?dryRun=All&fieldValidation=Strict", store)
    except ApiError as error:
        return str(error)
    return ""


@contextmanager
def allow_list(cluster: Client, namespace: str, data: dict[str, str] | None) -> Iterator[None]:
    """Make the policy also use a ConfigMap with this data, in this namespace alone.

    It must not allow UNLISTED. None: the ConfigMap doesn't exist.
    """
    name = f"imagejob-test-{namespace}"
    parameters, binding = _parameters(name, data or {}), _binding(name, namespace)
    bodies = [binding] if data is None else [parameters, binding]
    text = "\n---\n".join(json.dumps(body) for body in bodies)
    cluster.kubectl("apply", "-f", "-", stdin=text)
    try:
        unlisted = bucket(UNLISTED)
        until(lambda: f"binding '{name}' denied" in refusal(cluster, namespace, unlisted))
        yield
    finally:
        cluster.kubectl("delete", "-f", "-", stdin=text)


def _parameters(name: str, data: dict[str, str]) -> Body:
    meta = {"name": name, "namespace": OPERATOR_NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def _binding(name: str, namespace: str) -> Body:
    only = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    parameters = {"name": name, "namespace": OPERATOR_NAMESPACE}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": ALLOWED,
            "paramRef": {**parameters, "parameterNotFoundAction": "Deny"},
            "matchResources": {"namespaceSelector": only},
            "validationActions": ["Deny"],
        },
    }
