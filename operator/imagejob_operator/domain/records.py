"""What the operator writes down in the cluster: Events and ledgers, as manifests."""

from __future__ import annotations

from .manifests import COMPONENT_LABEL, Manifest
from .model import API_VERSION, AuditEntry, ImageJob
from .reasons import WORRYING

LEDGER_SELECTOR = f"{COMPONENT_LABEL}=ledger"
TENANT_LABEL = "imagejob.dev/tenant"


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

    Named by UID and sequence number, so that a repeat after a crash meets itself.
    """
    meta = job.metadata
    return {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": f"{meta.uid}.{entry.seq}", "namespace": meta.namespace},
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
        "reportingController": "imagejob.dev/operator",
        "reportingInstance": instance[:128],
    }
