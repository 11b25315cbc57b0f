"""What the process node rejects, and its message."""

from __future__ import annotations

from typing import Any

import pytest
from imagejob_dev.processnode.unsupported import unsupported

Object = dict[str, Any]


def pod(container: Object | None = None, **spec: Any) -> Object:
    main = {"name": "main", "command": ["true"]} | (container or {})
    return {"spec": {"restartPolicy": "Never", "containers": [main]} | spec}


def volume(**source: Any) -> Object:
    return pod(volumes=[{"name": "v"} | source])


def variable(**origin: Any) -> Object:
    return pod({"env": [{"name": "X", "valueFrom": origin}]})


@pytest.mark.parametrize(
    "given",
    [
        pod(),
        pod(restartPolicy="OnFailure"),
        volume(emptyDir={}),
        volume(secret={"secretName": "s"}),
        variable(fieldRef={"fieldPath": "metadata.uid"}),
        variable(secretKeyRef={"name": "s", "key": "k"}),
        variable(configMapKeyRef={"name": "s", "key": "k"}),
        pod({"securityContext": {"readOnlyRootFilesystem": True}, "resources": {"limits": {}}}),
    ],
)
def test_honoured(given: Object) -> None:
    assert unsupported(given) is None


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (pod(restartPolicy="Always"), "restartPolicy Always"),
        (pod(initContainers=[{"name": "i"}]), "init containers"),
        (pod(resourceClaims=[{"name": "gpu"}]), "resource claims"),
        (volume(persistentVolumeClaim={"claimName": "c"}), "kind persistentVolumeClaim"),
        (volume(hostPath={"path": "/"}), "kind hostPath"),
        (volume(projected={"sources": []}), "kind projected"),
        (
            pod(volumes=[{"name": "kube-api-access-x", "projected": {}}]),
            "automountServiceAccountToken: false",
        ),
        (pod({"command": []}), "container main has no command"),
        (pod({"livenessProbe": {"exec": {}}}), "livenessProbe"),
        (pod({"lifecycle": {"preStop": {}}}), "lifecycle"),
        (
            pod({"volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "s"}]}),
            "subPath at /v",
        ),
        (variable(resourceFieldRef={"resource": "limits.cpu"}), "X comes from resourceFieldRef"),
        (variable(fieldRef={"fieldPath": "status.podIP"}), "the field status.podIP"),
    ],
)
def test_refused(given: Object, complaint: str) -> None:
    assert complaint in (unsupported(given) or "")
