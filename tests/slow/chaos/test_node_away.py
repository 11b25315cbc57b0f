"""A node that freezes, with its worker in the middle, and returns when another has done the work.

Two nodes of this machine; the first is stopped with its worker, as a hypervisor or a shortage of
memory would, and goes on later. The source is another picture each time that it is read.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import psutil
import pytest
from support.conditions import alive, until
from support.hostile_store import HostileStore
from support.ledgers import charges
from support.recorder import recording
from support.tenant import Body, Tenant, image_job
from support.worker_pods import process_of, running_pod

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.cluster import Cluster
    from imagejob_dev.program import Program

pytestmark = [pytest.mark.laptop, pytest.mark.usefixtures("operator")]

TIMEOUT = 10
PROMISED = timedelta(seconds=TIMEOUT + 125)
SECONDS = PROMISED.total_seconds() + 60.0
OUTPUTS = [{"name": name, "width": 64, "format": "webp"} for name in ("first", "second")]


@pytest.fixture
def elsewhere(cluster: Cluster) -> Iterator[Program]:
    node = cluster.another_node("node-elsewhere")
    yield node
    node.stop()
    cluster.kubectl("delete", "node", "node-elsewhere", "--ignore-not-found")


@contextmanager
def frozen(node: Program, worker: psutil.Process) -> Iterator[None]:
    """The node's agent and all processes of its pod; the worker goes on first."""
    everything = [worker, *worker.children(recursive=True)]
    node.pause()
    for process in everything:
        process.suspend()
    try:
        yield
    finally:
        for process in everything:
            process.resume()
        until(lambda: not alive(worker.pid))
        node.resume()


def stored(store: HostileStore) -> dict[str, str]:
    """Key → digest of what is in the store."""
    return {
        path.partition("/derived/")[2]: sha256(data).hexdigest()
        for path, data in store.objects.items()
    }


def test_a_worker_that_returns_with_its_node_changes_nothing(
    cluster: Cluster, hosted: Tenant, hostile: HostileStore, elsewhere: Program
) -> None:
    hosted.apply(image_job("cat", timeoutSeconds=TIMEOUT, outputs=OUTPUTS))
    pod = running_pod(hosted, "cat")
    until(lambda: len(hostile.stored) == 1)  # its first output is taken, and no answer comes
    elsewhere.start()

    with recording(cluster.rest, hosted.path("jobs")) as workers:
        with frozen(cluster.node, psutil.Process(process_of(pod))):
            hostile.answers.set()
            ended = hosted.wait_finished("cat", SECONDS)
            by_then = stored(hostile)
        hosted.wait_for_no_workers(SECONDS)
        until_gone(hosted, pod)

    made = [event.object["metadata"] for event in workers if event.type == "ADDED"]
    began = pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
    took = datetime.fromisoformat(made[-1]["creationTimestamp"]) - datetime.fromisoformat(began)
    assert len(made) == 1
    assert took <= PROMISED
    assert (ended["phase"], ended["attempts"], ended["disruptions"]) == ("Succeeded", 1, 1)
    assert charges(cluster, hosted.namespace) == 1
    assert hostile.reads == 2
    shown = {
        output["key"].removeprefix("derived/"): output["sha256"] for output in ended["outputs"]
    }
    assert shown == by_then == stored(hostile)
    assert hosted.status("cat") == ended


def until_gone(team: Tenant, pod: Body) -> None:
    name = pod["metadata"]["name"]

    def gone(pods: list[Body]) -> bool | None:
        return None if name in {each["metadata"]["name"] for each in pods} else True

    team.cluster.wait_for(team.path("pods"), gone, SECONDS)
