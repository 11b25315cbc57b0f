"""Manifests of the Events and ledgers that the operator writes."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime

import msgspec

from imagejob_operator.api.imagejob import AuditEntry, ImageJob
from imagejob_operator.api.labels import COMPONENT_LABEL, TENANT_LABEL
from imagejob_operator.api.meta import API_VERSION, Manifest, ObjectMeta
from imagejob_operator.api.reasons import WORRYING

REPORTER = "imagejob.dev/operator"
"""The reporting controller of our Events. policies/events.yaml keeps others from using it."""


def ledger_name(tenant: str) -> str:
    """Return the name of the ConfigMap, in the operator's namespace, with a namespace's ledger."""
    return f"ledger-{tenant}"


def ledger(namespace: str, tenant: str, data: dict[str, str], version: str | None) -> Manifest:
    """Build the ledger of the namespace `tenant`; with `version`, to replace exactly that
    version."""
    metadata: Manifest = {
        "name": ledger_name(tenant),
        "namespace": namespace,
        "labels": {
            "app.kubernetes.io/managed-by": "imagejob-operator",
            COMPONENT_LABEL: "ledger",
            TENANT_LABEL: tenant,
        },
    }
    if version is not None:
        metadata["resourceVersion"] = version
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def build_event(
    about: ObjectMeta, kind: str, instance: str, *, at: datetime, note: str, **fields: str
) -> Manifest:
    """Build an Event about one of our objects, without a name.

    `fields`: its type, reason and action.
    """
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"namespace": about.namespace},
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": kind,
            "namespace": about.namespace,
            "name": about.name,
            "uid": about.uid,
        },
        **fields,
        "note": note[:1024],
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": REPORTER,
        "reportingInstance": instance[:128],
    }


def event(job: ImageJob, entry: AuditEntry, instance: str) -> Manifest:
    """Build the Event that goes with a status write.

    Its name is made of UID, sequence number and a digest of its content, including its microsecond.
    So a repetition meets itself, whichever operator sends it, and no one can take the name first.
    """
    made = build_event(
        job.metadata,
        "ImageJob",
        instance,
        at=entry.time,
        note=entry.message,
        type="Warning" if entry.reason in WORRYING else "Normal",
        reason=entry.reason,
        action=entry.event,
    )
    digest = _digest(msgspec.json.encode(entry))
    made["metadata"]["name"] = f"{job.metadata.uid}.{entry.seq}.{digest}"
    return made


def renamed(event: Manifest, salt: bytes) -> Manifest:
    """Return the same Event under another name, if its name is taken."""
    meta = event["metadata"]
    return {**event, "metadata": {**meta, "name": f"{meta['name']}.{_digest(salt)}"}}


def _digest(data: bytes) -> str:
    return base64.b32encode(hashlib.sha256(data).digest())[:16].decode().lower()
