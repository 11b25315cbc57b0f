"""A source that takes more memory than its worker has: another worker follows, at no cost.

The photo is decoded at 1/8, so its pixels are few, and its worker a small one; its coefficients,
which a progressive JPEG's decoder keeps, are not few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.phone_photos import Photo, jpeg
from support.tenant import Tenant, image_job

if TYPE_CHECKING:
    from imagejob_dev.client import Client

pytestmark = pytest.mark.kubelet

PHOTO = Photo("", 7000, 7000, progressive=True, subsampling="4:4:4")
THUMB = {"name": "thumb", "width": 64, "height": 64, "format": "jpeg"}
MIB = 1 << 20


def wanted(name: str) -> dict[str, Any]:
    return image_job(name, "photo.jpg", outputs=[THUMB], limits={"maxPixels": 1_000_000}, retries=0)


def told(status: dict[str, Any]) -> list[str]:
    """The reasons that it has had: they stay, however soon others follow."""
    return [entry["reason"] for entry in status.get("audit", ())]


def memory_of(team: Tenant, since: str) -> list[str]:
    """The memory of each worker that was created, in order."""
    return [
        event["object"]["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"][
            "memory"
        ]
        for event in team.history("jobs", since)
        if event["type"] == "ADDED"
    ]


def test_it_gets_one_even_if_the_operator_is_killed_in_between(
    cluster: Client, namespace: str
) -> None:
    team = Tenant(cluster, namespace)
    team.open()
    team.put("photo.jpg", jpeg(PHOTO))
    before = team.version("jobs")
    with cluster.operator("killed-operator") as operator:
        team.apply(wanted("photo"))
        team.wait("photo", lambda status: "Dispatched" in told(status))
        operator.kill()
        operator.start()
        shown = team.wait("photo", lambda status: "memoryBytes" in status)
        operator.kill()
        operator.start()
        ended = team.wait_finished("photo")
        team.wait_for_no_workers()

    assert (ended["phase"], ended["attempts"]) == ("Succeeded", 1)
    assert "lastFailure" not in ended
    assert "NeedsMemory" in told(ended)
    assert 280 * MIB < ended["memoryBytes"] == shown["memoryBytes"] < 340 * MIB
    assert memory_of(team, before) == [str(384 * MIB), str(1024 * MIB)]
