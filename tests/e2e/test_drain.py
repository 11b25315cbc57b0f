"""A node is drained while workers run on it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from support.burst import Burst
from support.conditions import until

if TYPE_CHECKING:
    from imagejob_dev.client import Client
    from support.release import Release

DRAIN = ("--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=120s")
COUNT = 100


def test_every_imagejob_survives_a_drain(
    cluster: Client, installed: Release, namespace: str
) -> None:
    """The operators are evicted, too, one after the other, because of their PodDisruptionBudget: on
    a one-node cluster the second one waits until the node is back.
    """
    burst = Burst(cluster, namespace, count=COUNT, at_once=32)
    began = burst.team.version("pods")
    burst.wait_finished(10)
    node = until(lambda: node_of_a_worker(burst), seconds=30.0)

    with draining(cluster, node) as drain:
        until(lambda: not workers_on(burst, node), seconds=60.0, every=0.2)
        assert burst.unfinished()
        cluster.kubectl("uncordon", node)
        drained = drain.wait(120.0)

    assert drained == 0
    burst.assert_nothing_was_lost()
    assert evicted(burst, began)
    assert len(installed.pods()) == 2


@contextmanager
def draining(cluster: Client, node: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `kubectl drain`; the node can be used again afterwards, whatever the outcome."""
    command = [cluster.kubectl_program, "drain", node, *DRAIN]
    environment = {"KUBECONFIG": str(cluster.kubeconfig), "HOME": str(cluster.folder)}
    with (cluster.folder / "log" / "drain.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            cluster.kubectl("uncordon", node)


def node_of_a_worker(burst: Burst) -> str:
    running = [pod for pod in pods(burst) if pod["status"]["phase"] == "Running"]
    return running[0]["spec"]["nodeName"] if running else ""


def workers_on(burst: Burst, node: str) -> list[dict[str, Any]]:
    """The worker pods that have not ended."""
    return [
        pod
        for pod in pods(burst)
        if pod["spec"].get("nodeName") == node
        and pod["status"]["phase"] not in ("Succeeded", "Failed")
    ]


def pods(burst: Burst) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = burst.team.cluster.rest.get(burst.team.path("pods"))["items"]
    return found


def evicted(burst: Burst, since: str) -> set[str]:
    """The worker pods that the drain evicted."""
    return {
        event["object"]["metadata"]["name"]
        for event in burst.team.history("pods", since)
        for condition in event["object"]["status"].get("conditions", [])
        if condition["type"] == "DisruptionTarget" and condition["status"] == "True"
    }
