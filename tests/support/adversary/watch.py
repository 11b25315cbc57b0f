"""Observes a run with an administrator's rights: objects by watches, workers by their processes on
the node.
"""

from __future__ import annotations

import base64
import http.client
import json
import math
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from imagejob_dev.rest import ApiError
from imagejob_operator.contract.order import Order

from support.adversary.bodies import NO_BUCKET, NOWHERE
from support.adversary.history import Dispatch, Finish, Life, Meeting

if TYPE_CHECKING:
    from imagejob_dev.rest import Rest

Body = dict[str, Any]

COLLECTIONS = {
    "imagejobs": "/apis/imagejob.dev/v1alpha1/namespaces/{}/imagejobs",
    "jobs": "/apis/batch/v1/namespaces/{}/jobs",
    "pods": "/api/v1/namespaces/{}/pods",
}
WORKER = ("imagejob.dev/component", "worker")
ORDER = "IMAGEJOB_ORDER"
ORDERS = msgspec.json.Decoder(Order)  # made once: in threads, msgspec can't learn a type at once
SLICE_SECONDS = 60.0
POLL_SECONDS = 0.025


class Task(NamedTuple):
    """The content of a worker's order: its ImageJobs, and their output folders, by UID."""

    uids: frozenset[str]
    folders: dict[str, str]
    """UID → folder of the tenant's bucket; a folder elsewhere is named with its bucket."""
    prefixes: dict[str, str]
    """UID → the prefix of its output store."""


@dataclass
class Process:
    """A worker pod, and its process once the node has reported it; `born` tells PIDs apart."""

    pod: str
    namespace: str
    task: Task
    seen: float
    pid: int = 0
    born: bytes = b""
    alive: float = 0.0
    gone: float = 0.0
    """When the process was first found missing."""
    over: float = 0.0
    """When the node first reported the end."""


@dataclass
class Watcher:
    """Observes the tenant's and the neighbour's namespaces while it runs."""

    rest: Rest
    namespaces: tuple[str, ...]
    finishes: list[Finish] = field(default_factory=list)
    dispatches: list[Dispatch] = field(default_factory=list)
    meetings: list[Meeting] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    """UID of an ImageJob → its namespace."""
    processes: dict[str, Process] = field(default_factory=dict)
    """UID of a pod → its process."""
    events: int = 0
    most: Counter[str] = field(default_factory=Counter)
    """Namespace → the largest number of workers that were alive at once."""

    def __post_init__(self) -> None:
        self.changed = threading.Condition()
        self._over = threading.Event()
        self._met: set[tuple[str, ...]] = set()
        self._tasks: dict[str, Task] = {}
        self._ended: set[Finish] = set()

    def start(self) -> None:
        for namespace in self.namespaces:
            for plural, path in COLLECTIONS.items():
                self._thread(self._follow, plural, path.format(namespace), namespace)
        self._thread(self._poll)

    def stop(self) -> None:
        """Threads end by themselves; what they still find is ignored."""
        self._over.set()

    @property
    def lives(self) -> list[Life]:
        return [
            Life(
                each.pod,
                each.task.uids,
                frozenset(each.task.folders.values()),
                each.alive or each.seen,
                each.gone or each.over or math.inf,
            )
            for each in list(self.processes.values())
        ]

    def running(self) -> int:
        return sum(1 for each in list(self.processes.values()) if each.pid and not each.over)

    def _thread(self, target: Any, *arguments: Any) -> None:
        threading.Thread(target=target, args=arguments, daemon=True).start()

    def _follow(self, plural: str, path: str, namespace: str) -> None:
        see = getattr(self, f"_see_{plural}")
        version = ""
        while not self._over.is_set():
            try:
                if not version:
                    listed = self.rest.get(path)
                    version = listed["metadata"]["resourceVersion"]
                    for item in listed["items"]:
                        see("ADDED", item, namespace)
                with self.rest.watch(path, version, SLICE_SECONDS) as events:
                    for event in events:
                        if self._over.is_set():
                            return
                        if event["type"] == "ERROR":
                            version = ""
                            break
                        version = event["object"]["metadata"]["resourceVersion"]
                        see(event["type"], event["object"], namespace)
                        with self.changed:
                            self.events += 1
                            self.changed.notify_all()
            except (OSError, ApiError, http.client.HTTPException, json.JSONDecodeError):
                self._over.wait(POLL_SECONDS)

    def _see_imagejobs(self, _: str, body: Body, namespace: str) -> None:
        uid, status = body["metadata"]["uid"], body.get("status", {})
        self.known[uid] = namespace
        if status.get("phase") not in ("Succeeded", "Failed"):
            return
        reasons = [c["reason"] for c in status.get("conditions", []) if c["type"] == "Ready"]
        outputs = [(each["key"], each["sha256"]) for each in status.get("outputs", [])]
        pod = status.get("worker", {}).get("pod", "")
        finish = Finish(
            time.time(), uid, status["phase"], "".join(reasons), tuple(sorted(outputs)), pod
        )
        same = finish._replace(at=0.0)
        if same not in self._ended:
            self._ended.add(same)
            self.finishes.append(finish)

    def _see_jobs(self, kind: str, body: Body, namespace: str) -> None:
        if kind == "ADDED" and (task := _task(body["spec"]["template"], body)):
            self.dispatches.append(Dispatch(time.time(), namespace, task.uids))

    def _see_pods(self, _: str, body: Body, namespace: str) -> None:
        task = _task(body, body)
        if task is None:
            return
        uid = body["metadata"]["uid"]
        process = self.processes.get(uid)
        if process is None:
            process = Process(body["metadata"]["name"], namespace, task, time.time())
        for container in body["status"].get("containerStatuses", []):
            state = container.get("state", {})
            if "running" in state and not process.pid:
                pid = int(container["containerID"].removeprefix("process://"))
                process.born = _born(pid)
                process.pid = pid  # last, because it is observed from now on
            if "terminated" in state:
                process.over = process.over or time.time()
        self.processes[uid] = process

    def _poll(self) -> None:
        while not self._over.wait(POLL_SECONDS):
            living = []
            for each in list(self.processes.values()):
                if not each.pid or each.gone:
                    continue
                if each.born and _born(each.pid) == each.born:
                    each.alive = time.time()
                    living.append(each)
                else:
                    each.gone = time.time()
            self._compare(living)

    def _compare(self, living: list[Process]) -> None:
        sharing: dict[str, list[Process]] = defaultdict(list)
        # The first may have ended while the others were examined.
        living = [each for each in living if _born(each.pid) == each.born]
        self.most |= Counter(each.namespace for each in living)
        for each in living:
            for uid, folder in each.task.folders.items():
                sharing[f"uid {uid}"].append(each)
                sharing[f"folder {folder}"].append(each)
        for what, those in sharing.items():
            if len(those) < 2:
                continue
            pods = tuple(sorted(each.pod for each in those))
            if (what, *pods) not in self._met:
                self._met.add((what, *pods))
                self.meetings.append(Meeting(time.time(), what, pods))


def task_prefixes(watcher: Watcher) -> dict[str, str]:
    """UID → the prefix of its store in its last order."""
    return {
        uid: prefix
        for process in watcher.processes.values()
        for uid, prefix in process.task.prefixes.items()
    }


def _task(template: Body, labelled: Body) -> Task | None:
    """The task of a worker pod, or of its Job; None if it isn't ours."""
    label, value = WORKER
    if labelled["metadata"].get("labels", {}).get(label) != value:
        return None
    environment = template["spec"]["containers"][0].get("env", [])
    text = next((each.get("value", "") for each in environment if each["name"] == ORDER), "")
    try:
        work = ORDERS.decode(base64.b64decode(text))
    except (ValueError, msgspec.DecodeError):
        return None
    folders, prefixes = {}, {}
    for item in work.items:
        s3 = work.stores[item.destination.store].s3
        prefix = (s3.prefix or "") if s3 else ""
        prefixes[item.uid] = prefix
        folder = f"{prefix}/{item.destination.prefix}".lstrip("/")
        astray = s3 and (s3.bucket == NO_BUCKET or s3.endpoint == NOWHERE)
        folders[item.uid] = f"{s3.endpoint} {s3.bucket}: {folder}" if s3 and astray else folder
    return Task(frozenset(folders), folders, prefixes)


def _born(pid: int) -> bytes:
    """When a process started, in ticks since boot; empty if none is running."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return b""
    fields = stat.rpartition(b")")[2].split()
    return b"" if fields[0] in (b"Z", b"X") else fields[19]
