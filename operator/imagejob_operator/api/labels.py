"""The labels by which the operator selects the objects that it created."""

from __future__ import annotations

COMPONENT_LABEL = "imagejob.dev/component"
TENANT_LABEL = "imagejob.dev/tenant"

WORKER_SELECTOR = f"{COMPONENT_LABEL}=worker"
LEDGER_SELECTOR = f"{COMPONENT_LABEL}=ledger"
