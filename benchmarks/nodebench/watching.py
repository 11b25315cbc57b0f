"""When each object of a collection was done, as a watch tells it, while it happens."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from http.client import HTTPException
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from collections.abc import Set as AbstractSet

    from imagejob_dev.rest import Object, Rest

IDLE_SECONDS = 120.0
SLICE_SECONDS = 60.0


class FailedError(Exception):
    """Something that was to succeed has failed, or two sides have made different things."""


class Watch:
    """Every object of a collection as it comes to be from now on, until `close`."""

    def __init__(self, rest: Rest, path: str) -> None:
        self._rest = rest
        self._path = path
        self._closed = False
        self.changed = threading.Condition()
        version: str = rest.get(path)["metadata"]["resourceVersion"]
        threading.Thread(target=self._follow, args=(version,), daemon=True).start()

    def close(self) -> None:
        """What comes later is of no interest."""
        self._closed = True

    def take(self, new: Object) -> None:
        """An object that was added or has changed; `changed` is held."""
        raise NotImplementedError

    def _follow(self, version: str) -> None:
        with suppress(OSError, HTTPException):  # the cluster was let go
            while not self._closed:
                version = self._slice(version)

    def _slice(self, version: str) -> str:
        """The API server ends a watch after this time."""
        with self._rest.watch(self._path, version, SLICE_SECONDS) as events:
            for event in events:
                if self._closed or event["type"] == "ERROR":
                    self._closed = True  # whoever waits runs into their deadline
                    break
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] != "DELETED":
                    with self.changed:
                        self.take(event["object"])
                        self.changed.notify_all()
        return version


class Arrivals(Watch):
    """Which objects are done, and since when.

    `is_done` says it of an object; raises FailedError for one that never will be. They go by
    `name_of`, their own name unless told otherwise.
    """

    def __init__(
        self,
        rest: Rest,
        path: str,
        is_done: Callable[[Object], bool],
        name_of: Callable[[Object], str] = lambda new: str(new["metadata"]["name"]),
    ) -> None:
        self._is_done = is_done
        self._name_of = name_of
        self._at: dict[str, float] = {}
        self._unfinished: dict[str, Object] = {}
        self._failure: FailedError | None = None
        super().__init__(rest, path)

    def take(self, new: Object) -> None:
        name = self._name_of(new)
        try:
            if name not in self._at and self._is_done(new):
                self._at[name] = time.monotonic()
                self._unfinished.pop(name, None)
            elif name not in self._at:
                self._unfinished[name] = new
        except FailedError as failure:
            self._failure = failure

    def wait(self, names: Collection[str]) -> Mapping[str, float]:
        """time.monotonic() of each, once all are done.

        FailedError if one fails, TimeoutError when nothing has happened for two minutes.
        """
        wanted = set(names)
        with self.changed:
            while not wanted <= self._at.keys():
                if self._failure:
                    raise self._failure
                if not self.changed.wait(IDLE_SECONDS):
                    raise TimeoutError(self._lateness(wanted - self._at.keys()))
            return {name: self._at[name] for name in names}

    def _lateness(self, missing: AbstractSet[str]) -> str:
        told = [_conditions(self._unfinished[name]) for name in missing & self._unfinished.keys()]
        return f"{len(missing)} of {self._path} were not done; {max(told, default='none is there')}"


class Workers(Watch):
    """The worker Jobs of a namespace as the operator made them, by name."""

    def __init__(self, rest: Rest, path: str) -> None:
        self.jobs: dict[str, Object] = {}
        super().__init__(rest, path)

    def take(self, new: Object) -> None:
        self.jobs.setdefault(new["metadata"]["name"], new)

    @property
    def sizes(self) -> list[int]:
        """How many ImageJobs each had, the largest first."""
        owners = [job["metadata"].get("ownerReferences", []) for job in self.jobs.values()]
        return sorted(map(len, owners), reverse=True)


def image_job_is_done(image_job: Object) -> bool:
    """Ready. Raises FailedError."""
    status = image_job.get("status", {})
    if status.get("phase") == "Failed":
        raise FailedError(f"ImageJob {image_job['metadata']['name']}: {_conditions(image_job)}")
    return _is_true(image_job, "Ready")


def job_is_done(job: Object) -> bool:
    """Complete. Raises FailedError."""
    if _is_true(job, "Failed"):
        raise FailedError(f"Job {job['metadata']['name']}: {_conditions(job)}")
    return _is_true(job, "Complete")


def pod_is_done(pod: Object) -> bool:
    """Its only container has ended, however it did."""
    states = [each["state"] for each in pod.get("status", {}).get("containerStatuses", [])]
    return any("terminated" in state for state in states)


def job_of(pod: Object) -> str:
    """The Job that made the pod."""
    return str(pod["metadata"]["labels"]["batch.kubernetes.io/job-name"])


def _is_true(thing: Object, kind: str) -> bool:
    conditions = thing.get("status", {}).get("conditions", [])
    return any(each["type"] == kind and each["status"] == "True" for each in conditions)


def _conditions(thing: Object) -> str:
    conditions = thing.get("status", {}).get("conditions", [])
    return "; ".join(f"{each['type']}: {each.get('message', '')}" for each in conditions)
