"""An operator that starts among many namespaces: what it asks for, and who waits for it."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

from imagebench.processes import cpu_clock, peak_rss
from imagejob_dev.ports import LOOPBACK, free_ports
from operatorbench import accounting, crowd, finish, sides

from proofs import probing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_dev.rest import Object, Rest
    from operatorbench.plane import Plane

NAMESPACES = "/api/v1/namespaces"
JOBS = "/apis/batch/v1/jobs"
ALL_QUOTAS = f"{crowd.API}/imagequotas"
UNFINISHED = (
    f"{crowd.ALL_IMAGE_JOBS}?limit=1&fieldSelector="
    "status.phase%21%3DSucceeded,status.phase%21%3DFailed"
)
PATIENCE, QUIET = 900.0, 3.0


class Start(NamedTuple):
    """One start of an operator. Times in seconds.

    `first` is from the launch to the first worker Job, of an ImageJob that was there, `next` from
    the apply of another, as soon as the operator is ready, to its worker Job; None where it would
    wait for its share of the workers. `overtaken` are the statuses of ImageQuotas that were written
    between the creation of that other and that of its worker Job. `gets` are all reads but watches,
    `statuses` the writes of ImageQuotas' statuses, until nothing is written any more; `watches` are
    renewed after half a minute.
    """

    ready: float
    first: float
    next: float | None
    overtaken: int | None
    gets: int
    watches: int
    statuses: int
    ledgers: int
    seconds: float
    cpu: float
    peak: int


class Dispatch(NamedTuple):
    """When a worker Job was created: time.monotonic(), and the resource version."""

    at: float
    version: int


class Dispatches:
    """When new worker Jobs were created, by a watch of metadata only."""

    def __init__(self, rest: Rest) -> None:
        self._first: dict[str, Dispatch] = {}
        self._changed = threading.Condition()
        version = rest.get(f"{JOBS}?limit=1")["metadata"]["resourceVersion"]
        self._rest = rest.with_headers(Accept=finish.BARE)
        self._thread = threading.Thread(target=self._follow, args=(version,), daemon=True)
        self._thread.start()

    def first_in(self, namespace: str) -> Dispatch:
        """Its first one; TimeoutError if there is none for too long."""
        with self._changed:
            if not self._changed.wait_for(lambda: namespace in self._first, PATIENCE):
                raise TimeoutError(f"no worker Job of {namespace} in {PATIENCE:.0f} s")
            return self._first[namespace]

    @property
    def first(self) -> Dispatch:
        """The first one of all, once there is one."""
        return min(self._first.values())

    def _follow(self, version: str) -> None:
        with self._rest.watch(JOBS, version, PATIENCE) as events:
            for event in events:
                if event["type"] == "ADDED":
                    with self._changed:
                        meta = event["object"]["metadata"]
                        found = Dispatch(time.monotonic(), int(meta["resourceVersion"]))
                        self._first.setdefault(meta["namespace"], found)
                        self._changed.notify_all()


def make_namespaces(rest: Rest, names: Sequence[str]) -> None:
    """Make them, and nothing in them."""
    made = [
        crowd.Post(NAMESPACES, json.dumps({"metadata": {"name": name}}).encode()) for name in names
    ]
    crowd.create(rest, made)


def remove_quotas(rest: Rest, names: Sequence[str]) -> None:
    """Remove the ImageQuota of each namespace, if it has one."""
    with rest.session(PATIENCE) as session:
        for name in names:
            session.send("DELETE", f"{_quotas(name)}/default")


def make_quotas(rest: Rest, names: Sequence[str]) -> None:
    """Make an ImageQuota in each namespace, which has none."""
    quota = json.dumps(crowd.ours("ImageQuota", "default", crowd.OPEN_QUOTA)).encode()
    crowd.create(rest, [crowd.Post(_quotas(name), quota) for name in names])


def make_stores(rest: Rest, names: Sequence[str]) -> None:
    """Make the ImageStore that ImageJobs name, in each namespace."""
    store = json.dumps(crowd.ours("ImageStore", "uploads", crowd.STORE)).encode()
    paths = (f"{crowd.API}/namespaces/{name}/imagestores" for name in names)
    crowd.create(rest, [crowd.Post(path, store) for path in paths])


def start(plane: Plane, name: str, *, are_workers_free: bool = True) -> Start:
    """Start an operator, with two ImageJobs in namespaces of their own, until it comes to rest."""
    early, late = namespaces = (f"{name}-early", f"{name}-late")
    make_namespaces(plane.rest, namespaces)
    make_quotas(plane.rest, namespaces)
    make_stores(plane.rest, namespaces)
    crowd.create(plane.rest, crowd.image_jobs([early], 1))
    (port,) = free_ports(1)
    operator = plane.operator(name, listen=f"{LOOPBACK}:{port}", **sides.SETTINGS)
    dispatches, before = Dispatches(plane.rest), accounting.settled(plane.rest, QUIET, PATIENCE)
    began = time.monotonic()
    operator.launch()
    try:
        probing.wait_for(operator, lambda: probing.readiness(port).status == 200, PATIENCE)
        ready = time.monotonic()
        created = _version(plane.rest.post(*crowd.image_jobs([late], 1)[0]))
        later = dispatches.first_in(late) if are_workers_free else None
        probing.wait_for(operator, lambda: not _unfinished(plane.rest), PATIENCE)
        found = accounting.settled(plane.rest, QUIET, PATIENCE).since(before).operator
        asked = {
            verb: found[accounting.Request(verb, accounting.REST)] for verb in accounting.READS
        }
        assert operator.pid  # noqa: S101 (it runs)
        return Start(
            ready=ready - began,
            first=dispatches.first.at - began,
            next=later.at - ready if later else None,
            overtaken=_written(plane.rest, created, later.version) if later else None,
            gets=asked["get"] + asked["list"],
            watches=asked["watch"],
            statuses=found[accounting.Request("update", "imagequotas/status")],
            ledgers=found[accounting.Request("create", "configmaps")],
            seconds=time.monotonic() - QUIET - began,
            cpu=cpu_clock(operator.pid),
            peak=peak_rss(operator.pid),
        )
    finally:
        operator.stop()


def _unfinished(rest: Rest) -> list[Object]:
    found: list[Object] = rest.get(UNFINISHED)["items"]
    return found


def _written(rest: Rest, after: int, before: int) -> int:
    """How many ImageQuotas were last written between those resource versions."""
    return sum(after < _version(each) < before for each in rest.get(ALL_QUOTAS)["items"])


def _version(thing: Object) -> int:
    return int(thing["metadata"]["resourceVersion"])


def _quotas(namespace: str) -> str:
    return f"{crowd.API}/namespaces/{namespace}/imagequotas"
