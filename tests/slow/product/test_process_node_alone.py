"""Where the process node differs from a kubelet: its processes, its outages, what it rejects."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from support.node_pods import IGNORE_SIGTERM, Pods, pod, python, shell, terminated

if TYPE_CHECKING:
    from imagejob_dev.cluster import Cluster

pytestmark = pytest.mark.laptop

SECONDS = 5.0


def test_a_process_has_nothing_of_the_node_s_environment(pods: Pods) -> None:
    command = python(
        "import json, os; open(os.environ['REPORT'], 'w').write(json.dumps(list(os.environ)))"
    )

    found = pods.report_of(pod(command))

    # Python itself sets LC_CTYPE where there is no locale.
    assert sorted(found) == ["HOME", "HOSTNAME", "LC_CTYPE", "PATH", "REPORT"]


def test_killed_process_shows_137(pods: Pods) -> None:
    pods.create(pod(["sleep", "1000"]))
    os.kill(process_of(pods).pid, signal.SIGKILL)

    status = pods.over()

    assert (status["phase"], terminated(status)["exitCode"]) == ("Failed", 137)


def test_deletion_kills_the_whole_group_after_the_grace_period(pods: Pods) -> None:
    pods.create(pod(python(IGNORE_SIGTERM), spec={"terminationGracePeriodSeconds": 1}))
    pods.until_log("ready")
    process = process_of(pods)
    (child,) = process.children()

    pods.delete()

    assert not process.is_running()
    gone, _ = psutil.wait_procs([child], timeout=SECONDS)
    assert gone == [child]


def test_forced_deletion_kills_immediately(cluster: Cluster, pods: Pods) -> None:
    pods.create(pod(python(IGNORE_SIGTERM)))
    process = process_of(pods)

    cluster.rest.delete(f"{pods.path}/subject?gracePeriodSeconds=0")

    gone, _ = psutil.wait_procs([process], timeout=SECONDS)
    assert gone == [process]


def test_a_log_outlives_its_pod(pods: Pods) -> None:
    pods.create(pod(shell("echo so it was")))
    pods.over()

    pods.delete()

    assert pods.log() == "so it was\n"


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        (
            {"spec": {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}},
            "volume host is of kind hostPath",
        ),
        (
            {"spec": {"initContainers": [{"name": "i", "image": "none", "command": ["true"]}]}},
            "init containers",
        ),
        ({"spec": {"automountServiceAccountToken": True}}, "automountServiceAccountToken: false"),
        ({"container": {"command": []}}, "container main has no command"),
    ],
    ids=["hostPath", "initContainers", "service account token", "no command"],
)
def test_unsupported_fields_fail_immediately(
    pods: Pods, fields: dict[str, Any], complaint: str
) -> None:
    status = pods.run(pod(shell("exit 0"), **fields))

    assert (status["phase"], status["reason"]) == ("Failed", "Unsupported")
    assert complaint in status["message"]


def test_pods_of_a_node_that_restarted_are_lost(cluster: Cluster, pods: Pods) -> None:
    pods.create(pod(["sleep", "1000"]))
    process = process_of(pods)

    cluster.node.stop()
    gone, _ = psutil.wait_procs([process], timeout=SECONDS)
    cluster.node.start()
    status = pods.over()

    assert gone == [process]
    assert (status["phase"], status["reason"]) == ("Failed", "NodeRestarted")
    assert terminated(status)["exitCode"] == 137


def test_pods_outlast_an_outage_of_the_api_server(cluster: Cluster, pods: Pods) -> None:
    pods.create(pod(shell("trap 'exit 0' TERM; sleep 1000 & echo ready; wait")))
    pods.until_log("ready")
    process = process_of(pods)

    cluster.apiserver.stop()
    process.terminate()
    gone, _ = psutil.wait_procs([process], timeout=SECONDS)
    cluster.apiserver.start()

    assert gone == [process]
    assert pods.over()["phase"] == "Succeeded"


def process_of(pods: Pods) -> psutil.Process:
    """The pod's process, once it runs."""
    (container,) = pods.until_running()["containerStatuses"]
    return psutil.Process(int(container["containerID"].removeprefix("process://")))
