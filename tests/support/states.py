"""The gateway's state of a namespace, as it is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagejob_gateway.state.owner import OwnerState, decode
from imagejob_gateway.state.shards import NAME, SHARDS

if TYPE_CHECKING:
    from support.tenant import Tenant


def stored(team: Tenant) -> dict[str, OwnerState]:
    """By owner."""
    found = {}
    for shard in range(SHARDS):
        path = f"/api/v1/namespaces/{team.namespace}/configmaps/{NAME.format(shard)}"
        data = team.cluster.rest.get(path).get("data", {})
        found |= {owner: decode(text) for owner, text in data.items()}
    return found


def charged(team: Tenant) -> int:
    """The ImageJobs that count for limits."""
    return sum(
        count for state in stored(team).values() for _, count in state.admissions.history.slots
    )


def uploads_in_progress(team: Tenant) -> list[str]:
    return [upload for state in stored(team).values() for upload in state.uploads]
