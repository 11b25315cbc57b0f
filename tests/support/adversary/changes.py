"""How the tenant changes existing objects: every class of field, as merge patches."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from support.adversary.bodies import GONE, HOLD, HUGE, KEYS, LABEL, PROFILE, pick, secrets, stores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Body = dict[str, Any]


def change(
    resource: str, field: str, value: int, world: Mapping[str, str], targets: Sequence[Body]
) -> Body:
    """A merge patch for one class of field."""
    if field == "spec":
        wanted = pick(SPECS.get(resource, ({"spec": {}},)), value)
        return wanted(world) if callable(wanted) else wanted  # type: ignore[no-any-return]
    if field == "status":
        return {"status": {"phase": pick(("Succeeded", "Failed"), value)}}
    values = {
        "labels": (
            {"tier": "batch"},
            {LABEL: "worker"},
            {LABEL: None},
            {"batch.kubernetes.io/job-name": "x"},
        ),
        "annotations": (
            {"a": "b"},
            {"huge": HUGE},
            {"imagejob.dev/requested-by": "mallory"},
            {"imagejob.dev/order": "x", "batch.kubernetes.io/job-tracking": None},
        ),
        "finalizers": ([HOLD], [], ["orphan"], ["foregroundDeletion"]),
        "ownerReferences": (
            [],
            [_owner(GONE)],
            *(
                [
                    [_owner(each["metadata"]["uid"], each["metadata"]["name"])]
                    for each in targets[:2]
                ]
            ),
        ),
    }
    return {"metadata": {field: pick(values[field], value)}}


def _owner(uid: str, name: str = "gone") -> Body:
    return {"apiVersion": "imagejob.dev/v1alpha1", "kind": "ImageJob", "name": name, "uid": uid}


def _encoded(data: Mapping[str, str]) -> dict[str, str]:
    return {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}


SPECS: dict[str, Sequence[Any]] = {
    "imagejobs": (
        {"spec": {"suspend": True}},
        {"spec": {"suspend": False}},
        {"spec": {"priority": 9}},
        {"spec": {"ttlSecondsAfterFinished": 0}},
        {"spec": {"retries": 9}},
        {"spec": {"source": {"key": KEYS[0]}}},
    ),
    "imageprofiles": (
        {"spec": PROFILE},
        {"spec": {"outputs": [{"name": "thumb", "format": "png", "width": 8}]}},
    ),
    "imagestores": tuple(
        (lambda world, index=index: {"spec": stores(world)[index]}) for index in range(8)
    ),
    "imagequotas": ({"spec": {"maxRunning": 999}},),
    "secrets": tuple(
        (lambda world, index=index: {"data": _encoded(secrets(world)[index])}) for index in range(4)
    ),
    "jobs": (
        {"spec": {"suspend": True}},
        {"spec": {"suspend": False}},
        {"spec": {"parallelism": 3}},
        {"spec": {"parallelism": 0}},
        {"spec": {"activeDeadlineSeconds": 1}},
        {"spec": {"ttlSecondsAfterFinished": 0}},
        {"spec": {"backoffLimit": 6}},
        {"spec": {"template": {"metadata": {"labels": {LABEL: "else"}}}}},
    ),
    "pods": (
        {"spec": {"activeDeadlineSeconds": 1}},
        {"spec": {"terminationGracePeriodSeconds": 1}},
        {"spec": {"tolerations": []}},
    ),
    "events": ({"message": "forged", "reason": "Succeeded"}, {"type": "Warning", "note": "x"}),
    "poddisruptionbudgets": ({"spec": {"maxUnavailable": 1}},),
    "serviceaccounts": ({"automountServiceAccountToken": True}, {"secrets": []}),
}
