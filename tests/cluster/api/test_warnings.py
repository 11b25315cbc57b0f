"""What the operator reads from an object's Events; tenants may post some, too."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from imagejob_operator.api.meta import ObjectMeta
from imagejob_operator.kube import client as api
from imagejob_operator.kube.events import WARNINGS

if TYPE_CHECKING:
    import pytest
    from imagejob_dev.client import Client

UID = "11111111-1111-1111-1111-111111111111"


def test_however_many_are_posted_only_some_are_read(
    cluster: Client, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(WARNINGS + 5):
        post(cluster, namespace, number)

    found = warnings(cluster, namespace, monkeypatch)

    assert found == [f"warning {number}" for number in range(WARNINGS)]


def test_only_those_that_warn_of_that_very_object_are_read(
    cluster: Client, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(cluster, namespace, 0)
    post(cluster, namespace, 1, type="Normal")
    post(cluster, namespace, 2, uid="22222222-2222-2222-2222-222222222222")

    assert warnings(cluster, namespace, monkeypatch) == ["warning 0"]


def test_of_a_node_trouble_is_told_that_is_no_older_than_the_pod(
    cluster: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, now = f"node-{secrets.token_hex(4)}", datetime.now(UTC)
    for why, kind, age in (
        ("NodeNotReady", "Normal", 60),
        ("Starting", "Normal", 0),
        ("InvalidDiskCapacity", "Warning", 0),
        ("NodeNotReady", "Normal", 0),
    ):
        told = (now - timedelta(seconds=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {
            "metadata": {"generateName": "node-"},
            "involvedObject": {"kind": "Node", "name": node, "uid": node},
            "type": kind,
            "reason": why,
            "message": f"{why}, {age}",
            "lastTimestamp": told,
        }
        cluster.rest.post("/api/v1/namespaces/default/events", event)
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))

    async def read() -> list[str]:
        async with api.connect() as connected:
            return await connected.events.troubles_of_node(node, now - timedelta(seconds=30))

    assert asyncio.run(read()) == ["InvalidDiskCapacity, 0", "NodeNotReady, 0"]


def post(
    cluster: Client,
    namespace: str,
    number: int,
    *,
    type: str = "Warning",  # noqa: A002 (the field's name)
    uid: str = UID,
) -> None:
    about = {"kind": "Pod", "namespace": namespace, "name": "pod", "uid": uid}
    event = {
        "metadata": {"name": f"pod.{number:03}"},
        "involvedObject": about,
        "type": type,
        "message": f"warning {number}",
    }
    cluster.rest.post(f"/api/v1/namespaces/{namespace}/events", event)


def warnings(cluster: Client, namespace: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The warnings that the operator reads, in the order in which they were posted."""
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))

    async def read() -> list[str]:
        async with api.connect() as connected:
            return await connected.events.warnings_about(
                ObjectMeta(name="pod", namespace=namespace, uid=UID)
            )

    return asyncio.run(read())
