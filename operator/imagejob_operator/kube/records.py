"""What the operator writes down in the cluster: Events and ledgers, as manifests."""

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
"""Who reports our Events. policies/events.yaml keeps others from saying so."""


def ledger_name(tenant: str) -> str:
    """Of the ConfigMap that holds a namespace's ledger, in the operator's own."""
    return f"ledger-{tenant}"


def ledger(namespace: str, tenant: str, data: dict[str, str], version: str | None) -> Manifest:
    """The ledger of the namespace `tenant`; to replace that version of it, if one is given."""
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


def told(
    about: ObjectMeta, kind: str, instance: str, *, at: datetime, note: str, **told: str
) -> Manifest:
    """An Event about an object of ours, but for its name. `told`: its type, reason and action."""
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
        **told,
        "note": note[:1024],
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": REPORTER,
        "reportingInstance": instance[:128],
    }


def event(job: ImageJob, entry: AuditEntry, instance: str) -> Manifest:
    """The Event that goes with a status write.

    Named by UID, sequence number and all that it says, its microsecond included: so a repeat meets
    itself, whichever operator sends it, and nobody can take the name before.
    """
    made = told(
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
    """The same Event, where somebody else has its name."""
    meta = event["metadata"]
    return {**event, "metadata": {**meta, "name": f"{meta['name']}.{_digest(salt)}"}}


def _digest(data: bytes) -> str:
    return base64.b32encode(hashlib.sha256(data).digest())[:16].decode().lower()
