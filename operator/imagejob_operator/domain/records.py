"""What the operator writes down in the cluster: Events and ledgers, as manifests."""

from __future__ import annotations

import base64
import hashlib

import msgspec

from .manifests import COMPONENT_LABEL, Manifest
from .model import API_VERSION, AuditEntry, ImageJob
from .reasons import WORRYING

LEDGER_SELECTOR = f"{COMPONENT_LABEL}=ledger"
TENANT_LABEL = "imagejob.dev/tenant"

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


def event(job: ImageJob, entry: AuditEntry, instance: str) -> Manifest:
    """The Event that goes with a status write.

    Named by UID, sequence number and all that it says, its microsecond included: so a repeat meets
    itself, whichever operator sends it, and nobody can take the name before.
    """
    meta = job.metadata
    name = f"{meta.uid}.{entry.seq}.{_digest(msgspec.json.encode(entry))}"
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": meta.namespace},
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": "ImageJob",
            "namespace": meta.namespace,
            "name": meta.name,
            "uid": meta.uid,
        },
        "type": "Warning" if entry.reason in WORRYING else "Normal",
        "reason": entry.reason,
        "action": entry.event,
        "note": entry.message[:1024],
        "eventTime": entry.time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "reportingController": REPORTER,
        "reportingInstance": instance[:128],
    }


def renamed(event: Manifest, salt: bytes) -> Manifest:
    """The same Event, where somebody else has its name."""
    meta = event["metadata"]
    return {**event, "metadata": {**meta, "name": f"{meta['name']}.{_digest(salt)}"}}


def _digest(data: bytes) -> str:
    return base64.b32encode(hashlib.sha256(data).digest())[:16].decode().lower()
