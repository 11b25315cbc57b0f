"""Files for slots, and what became of them."""

from __future__ import annotations

import hashlib
from typing import Any

from imagejob_gateway.state.shared_key import GATEWAY

from support.slot_gateway import SlotGateway
from support.tenant import picture

CAT, DOG = picture(64, 48), picture(48, 64)
PNG = picture(64, 48, "PNG")
LEASE = 30_000
"""Milliseconds."""


def file(data: bytes = CAT, **changes: object) -> dict[str, object]:
    """A file as a client announces it."""
    digest = hashlib.sha256(data).hexdigest()
    announced = {"contentType": "image/jpeg", "length": len(data), "sha256": digest}
    return announced | changes


def complete(gateway: SlotGateway, slot: Any, token: str = "") -> tuple[int, str]:
    """Complete by the slot's own token, or another; return the status, and the reason or name."""
    answer = gateway.request("POST", slot["links"]["complete"], token or slot["token"])
    body = answer.json()
    return answer.status, body["reason"] if answer.status >= 400 else body["name"]


def source(gateway: SlotGateway) -> dict[str, Any]:
    """The source of the only ImageJob."""
    (job,) = gateway.jobs
    found: dict[str, Any] = job["spec"]["source"]
    return found


def in_quarantine(gateway: SlotGateway) -> set[str]:
    return {key for key in gateway.objects() if key.startswith("in/here/quarantine/")}


def originals(gateway: SlotGateway) -> set[str]:
    return {key for key in gateway.objects() if key.startswith("in/here/uploads/")}


def overwrite(gateway: SlotGateway, slot: Any, data: bytes) -> None:
    """Put an object as no client can: past what the slot's URL allows."""
    gateway.client.put_object(
        Bucket=gateway.bucket, Key=f"in/here/quarantine/{slot['id']}", Body=data
    )


def admitted(gateway: SlotGateway) -> int:
    """How many uploads of the only owner were charged."""
    known = {owner for data in gateway.shards.data.values() for owner in data}
    (owner,) = known - {GATEWAY}
    history = gateway.run(gateway.state.read(owner)).admissions.history
    return sum(count for _, count in history.slots)
