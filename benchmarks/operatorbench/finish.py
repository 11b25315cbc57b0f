"""When the last one is done: a watch that costs next to nothing, beside the run that it times."""

from __future__ import annotations

import json
import threading
import time
from http.client import HTTPException
from typing import TYPE_CHECKING

from imagejob_dev.rest import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_dev.rest import Rest

SUCCEEDED = "/apis/imagejob.dev/v1alpha1/imagejobs?fieldSelector=status.phase%3DSucceeded"
JOBS = "/apis/batch/v1/jobs?fieldSelector=status.successful%3D1"
BARE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
WHOLE = "application/json"
IDLE_SECONDS = 180.0


class Finish:
    """Counts the distinct objects of a watched collection, from an empty one on.

    `complete` says of an event's line whether its object is done.
    """

    def __init__(
        self, rest: Rest, path: str, accept: str, complete: Callable[[bytes], bool]
    ) -> None:
        self._rest = rest
        self._path = path
        self._accept = accept
        self._complete = complete
        self._seen: set[str] = set()
        self._last = time.monotonic()
        self._connected = threading.Event()
        self._changed = threading.Condition()
        self._closed = False
        threading.Thread(target=self._follow, daemon=True).start()
        self._connected.wait()

    @property
    def count(self) -> int:
        return len(self._seen)

    def wait(self, count: int) -> float:
        """time.monotonic() of the `count`th; TimeoutError when none has come for minutes."""
        with self._changed:
            while (seen := len(self._seen)) < count:
                self._changed.wait(IDLE_SECONDS)
                if len(self._seen) == seen:
                    self._closed = True
                    raise TimeoutError(f"{seen} of {count} were done, and no further one")
            self._closed = True
            return self._last

    def _follow(self) -> None:
        """The API server ends a watch by itself after some minutes: then it goes on."""
        version = "0"
        try:
            while not self._closed:
                version = self._watch(version)
        except (OSError, HTTPException, ApiError):
            self._closed = True  # the control plane is gone
        finally:
            self._connected.set()

    def _watch(self, version: str) -> str:
        rest = self._rest.with_headers(Accept=self._accept)
        url = f"{self._path}&watch=1&resourceVersion={version}&timeoutSeconds=1800"
        with rest.session(IDLE_SECONDS * 2) as session, session.stream(url) as response:
            self._connected.set()
            for line in response:
                if self._closed:
                    break
                if self._complete(line):
                    version = self._take(line)
        return version

    def _take(self, line: bytes) -> str:
        meta = json.loads(line)["object"]["metadata"]
        with self._changed:
            self._seen.add(meta["uid"])
            self._last = time.monotonic()
            self._changed.notify_all()
        version: str = meta["resourceVersion"]
        return version


def image_jobs(rest: Rest) -> Finish:
    """ImageJobs that have succeeded: the selector lets no others pass."""
    return Finish(rest, SUCCEEDED, BARE, lambda line: b'"type":"ADDED"' in line)


def jobs(rest: Rest) -> Finish:
    """Jobs whose condition Complete is true."""
    return Finish(rest, JOBS, WHOLE, lambda line: b'"type":"Complete","status":"True"' in line)
