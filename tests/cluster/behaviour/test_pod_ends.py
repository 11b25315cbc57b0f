"""How a pod may end: each row of the table in docs/lifecycle.md, on a real API server.

The node is one without a kubelet: the test writes the pods' statuses as a kubelet would. All rows
are walked at once, each in a namespace of its own.
"""

from __future__ import annotations

import json
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from support import namespaces
from support.pod_ends import End, statuses, table
from support.recorder import recording
from support.tenant import Body, image_job, ours, reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client
    from support.recorder import Event

SECONDS = 120.0
AT_ONCE = 16
SOON = '{"patience": 1, "refused_for": 1, "replaced_after": 60}'
ENDS = table()
STORE = {
    "endpoint": "http://127.0.0.1:1",
    "bucket": "none",
    "credentials": {"secretRef": {"name": "none"}},
}


class Stage(NamedTuple):
    """The namespace of one row."""

    cluster: Client
    namespace: str
    end: End

    def path(self, plural: str, name: str = "", more: str = "") -> str:
        api = {"jobs": "apis/batch/v1", "pods": "api/v1"}.get(plural, "apis/imagejob.dev/v1alpha1")
        parts = ["", api, "namespaces", self.namespace, plural, name, more]
        return "/".join(part for at, part in enumerate(parts) if part or not at)

    def open(self) -> None:
        post = self.cluster.rest.post
        post(self.path("imagestores"), ours("ImageStore", "uploads", {"s3": STORE}))
        post(self.path("imagejobs"), image_job())

    def play(self) -> None:
        """Do what the kubelet and the cluster do."""
        rest, written = self.cluster.rest, self.end.written
        pod = self.cluster.wait_for(self.path("pods"), _bound, SECONDS)
        if "job" in written:
            name = pod["metadata"]["labels"]["batch.kubernetes.io/job-name"]
            rest.send("PATCH", self.path("jobs", name), {"spec": written["job"]}, "merge").json()
        if "event" in written:
            rest.post(f"/api/v1/namespaces/{self.namespace}/events", _event(pod, written["event"]))
        if "nodeEvent" in written:
            rest.post("/api/v1/namespaces/default/events", _node_event(pod, written["nodeEvent"]))
        now = datetime.now(UTC)
        stamps = [_stamp(now), _stamp(now - timedelta(hours=1))]
        for status in statuses(self.end, *stamps):
            status["conditions"] += pod["status"]["conditions"]
            where = self.path("pods", pod["metadata"]["name"], "status")
            rest.send("PATCH", where, {"status": status}, "merge").json()
            if status["phase"] == "Running":
                self.until_running()

    def until_running(self) -> None:
        """Until the operator has seen that the pod runs, or is gone with its node."""

        def is_seen(jobs: list[Body]) -> bool | None:
            return any(reason(job.get("status", {})) in SEEN for job in jobs) or None

        self.cluster.wait_for(self.path("imagejobs"), is_seen, SECONDS)


SEEN = ("Processing", "Evicted")


@pytest.fixture
def node(cluster: Client) -> Iterator[str]:
    """The name of a node without a kubelet, which is also a label of it."""
    name = f"played-{secrets.token_hex(4)}"
    room = {"cpu": "100", "memory": "1Ti", "pods": "1000"}
    status = {"capacity": room, "allocatable": room, "conditions": _ready()}
    cluster.rest.post(
        "/api/v1/nodes", {"metadata": {"name": name, "labels": {"played": name}}, "status": status}
    )
    yield name
    cluster.kubectl("delete", "node", name)  # its pods are collected then


def beat(cluster: Client, node: str) -> None:
    """Let the node say that it is ready: the cluster would remove its pods otherwise."""
    path, change = f"/api/v1/nodes/{node}/status", {"status": {"conditions": _ready()}}
    cluster.rest.send("PATCH", path, change, "merge").json()


def _ready() -> list[Body]:
    said = {"status": "True", "reason": "Test", "message": ""}
    return [{"type": "Ready", **said, "lastHeartbeatTime": _stamp(datetime.now(UTC))}]


@pytest.fixture
def stages(cluster: Client) -> Iterator[list[Stage]]:
    with ExitStack() as stack, ThreadPoolExecutor(AT_ONCE) as pool:
        entered = pool.map(stack.enter_context, [namespaces.fresh(cluster) for _ in ENDS])
        made = [Stage(cluster, name, end) for name, end in zip(entered, ENDS, strict=True)]
        list(pool.map(Stage.open, made))
        yield made


def test_each_end_has_the_reason_the_cost_and_the_words_of_its_row(
    cluster: Client, stages: list[Stage], node: str
) -> None:
    settings = {"timings": SOON, "max_workers": "200", "backoff_seconds": "300"}
    selector = json.dumps({"played": node})
    jobs = "/apis/imagejob.dev/v1alpha1/imagejobs"
    with (
        recording(cluster.rest, jobs) as events,
        cluster.operator("ends-operator", worker_node_selector=selector, **settings),
        ThreadPoolExecutor(len(stages)) as pool,
    ):
        played = [pool.submit(stage.play) for stage in stages]
        deadline = time.monotonic() + SECONDS
        while wrong := _wrong(stages, events):
            assert time.monotonic() < deadline, "\n".join(wrong)
            beat(cluster, node)
            # Between two checks of all rows, which take as long. Not by `until`, which couldn't
            # say in the end which rows are wrong.
            time.sleep(0.5)
        for each in played:
            each.result()


def _wrong(stages: list[Stage], events: list[Event]) -> list[str]:
    """The rows whose ImageJob has not yet shown what it should, and what it shows."""
    shown: dict[str, list[Body]] = {}
    for event in list(events):
        shown.setdefault(event.object["metadata"]["namespace"], []).append(event.object)
    return [
        f"{stage.end}: {[_told(job) for job in shown.get(stage.namespace, [])][-3:]}"
        for stage in stages
        if not any(_agrees(job, stage.end) for job in shown.get(stage.namespace, []))
    ]


def _agrees(job: Body, end: End) -> bool:
    found, cost, message = _told(job)
    return (found, cost) == (end.reason, end.attempts) and end.words in message


def _told(job: Body) -> tuple[str, int, str]:
    status = job.get("status", {})
    conditions = {each["type"]: each for each in status.get("conditions", [])}
    cost = status.get("lastFailure", {}).get("attempt", 0)
    return reason(status), cost, conditions.get("Ready", {}).get("message", "")


def _bound(pods: list[Body]) -> Body | None:
    return next((pod for pod in pods if pod["spec"].get("nodeName")), None)


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _event(pod: Body, message: str) -> Body:
    meta = pod["metadata"]
    about = {
        "kind": "Pod",
        "namespace": meta["namespace"],
        "name": meta["name"],
        "uid": meta["uid"],
    }
    return _about(about, meta["namespace"], "FailedCreatePodSandBox", "Warning", message)


def _node_event(pod: Body, message: str) -> Body:
    name = pod["spec"]["nodeName"]
    about = {"kind": "Node", "name": name, "uid": name}
    return _about(about, "default", "NodeNotReady", "Normal", message)


def _about(about: Body, namespace: str, why: str, kind: str, message: str) -> Body:
    now = _stamp(datetime.now(UTC))
    times: dict[str, Any] = {"firstTimestamp": now, "lastTimestamp": now}
    return {
        "metadata": {"generateName": "played-", "namespace": namespace},
        "involvedObject": about,
        "reason": why,
        "type": kind,
        "message": message,
        **times,
    }
