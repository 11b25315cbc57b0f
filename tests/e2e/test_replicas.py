"""Two operators; the leader is killed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from imagejob_dev.client import OPERATOR_NAMESPACE
from imagejob_dev.errors import DevError
from support.burst import Burst
from support.conditions import until

if TYPE_CHECKING:
    from imagejob_dev.client import Client
    from support.release import Release

KILL = """
import resource, urllib.request
resource.prlimit(1, resource.RLIMIT_CPU, (1, 1))
while True:
    urllib.request.urlopen("http://127.0.0.1:8080/metrics").read()
"""
"""SIGKILL by the kernel: the process is kept busy until it exceeds its CPU limit.
A signal from inside the container wouldn't reach process 1.
"""


def test_the_leader_is_killed_and_nothing_is_lost(
    cluster: Client, installed: Release, namespace: str
) -> None:
    burst = Burst(cluster, namespace, count=40, at_once=8)
    burst.wait_finished(5)
    leader = installed.leader()

    with suppress(DevError):  # processes beside process 1 die with it
        cluster.kubectl(
            "exec", f"--namespace={OPERATOR_NAMESPACE}", leader, "--", "python", "-c", KILL
        )
    until(lambda: was_killed(installed, leader), seconds=30.0, every=0.2)
    assert burst.unfinished()
    burst.assert_nothing_was_lost()
    assert burst.dispatches() == dict.fromkeys(burst.names, 1)


def was_killed(release: Release, pod: str) -> bool:
    (found,) = [each for each in release.pods() if each["metadata"]["name"] == pod]
    (container,) = found["status"]["containerStatuses"]
    ends = [container[state].get("terminated") for state in ("state", "lastState")]
    return any(end and end["exitCode"] == 137 for end in ends)
