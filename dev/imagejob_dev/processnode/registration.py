"""Makes this machine a Node, and keeps telling that it is alive."""

from __future__ import annotations

import asyncio
import http
import os
import platform
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imagejob_dev.processnode.api import MERGE, UNREACHABLE, Refused, persist
from imagejob_dev.processnode.status import ADDRESS, stamp

if TYPE_CHECKING:
    from imagejob_dev.processnode.api import Api, Object

HEARTBEAT_SECONDS = 10.0  # a kubelet's; the node controller gives up after 50 s without one
LEASE_SECONDS = 40
PODS = 110
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
NODES = "/api/v1/nodes"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


async def register(api: Api, name: str) -> None:
    """Create the Node, or take over the one that an earlier node program left."""
    await _create(api, NODES, node(name, datetime.now(UTC)))
    await _create(api, LEASES, {"metadata": {"name": name}, "spec": _lease_spec(name)})
    await _beat(api, name)


async def keep_alive(api: Api, name: str) -> None:
    """Send heartbeats until cancelled; after a failure too, so a suspended laptop recovers."""
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        try:
            await _beat(api, name)
        except (Refused, *UNREACHABLE):
            continue


def node(name: str, now: datetime) -> Object:
    """The whole of this machine, as far as the scheduler may fill it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
    resources = {"cpu": str(os.cpu_count()), "memory": f"{memory}Ki", "pods": str(PODS)}
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": _architecture(),
    }
    began = {"lastTransitionTime": stamp(now)}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {
            "capacity": resources,
            "allocatable": resources,
            "conditions": [condition | began for condition in conditions(now)],
            "addresses": [
                {"type": "InternalIP", "address": ADDRESS},
                {"type": "Hostname", "address": socket.gethostname()},
            ],
            "nodeInfo": _info(),
        },
    }


def conditions(now: datetime) -> list[Object]:
    """All well: this node has no way to be half ready. Times of transition are left as they are."""
    good = {
        "MemoryPressure": "False",
        "DiskPressure": "False",
        "PIDPressure": "False",
        "Ready": "True",
    }
    return [
        {
            "type": kind,
            "status": value,
            "reason": "ProcessNode",
            "message": "runs pods as processes",
            "lastHeartbeatTime": stamp(now),
        }
        for kind, value in good.items()
    ]


def _info() -> Object:
    return {
        "architecture": _architecture(),
        "operatingSystem": "linux",
        "osImage": platform.freedesktop_os_release().get("PRETTY_NAME", "Linux"),
        "kernelVersion": platform.release(),
        "containerRuntimeVersion": "process://1",
        "kubeletVersion": "v0.0.0-process-node",
        **dict.fromkeys(("kubeProxyVersion", "machineID", "systemUUID", "bootID"), ""),
    }


def _architecture() -> str:
    machine = platform.machine()
    return ARCHITECTURES.get(machine, machine)


def _lease_spec(name: str) -> Object:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {
        "holderIdentity": name,
        "leaseDurationSeconds": LEASE_SECONDS,
        "renewTime": now,
    }


async def _beat(api: Api, name: str) -> None:
    """Status and Lease: the one undoes a node controller's "unknown", the other prevents it."""
    status = {"conditions": conditions(datetime.now(UTC))}
    await api.patch(f"{NODES}/{name}/status", {"status": status})
    await api.patch(f"{LEASES}/{name}", {"spec": _lease_spec(name)}, MERGE)


async def _create(api: Api, path: str, body: Object) -> None:
    try:
        await persist(lambda: api.post(path, body))
    except Refused as refusal:
        if refusal.status != http.HTTPStatus.CONFLICT:
            raise
