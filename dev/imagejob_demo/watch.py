"""The ImageJobs as they change, from `kubectl get --watch`."""

from __future__ import annotations

import queue
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from imagejob_demo.statuses import Event, ImageJob

COLLECTION = (
    "/apis/imagejob.dev/v1alpha1/namespaces/{}/imagejobs?watch=true"
    "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true"
)
"""What is there, then a bookmark, then what changes."""

BEGIN_SECONDS = 15.0
LOOK_SECONDS = 0.1


class Watch:
    """`jobs` is how they stand; `seen` and `ended` say when, on the monotonic clock."""

    def __init__(self, lines: queue.SimpleQueue[bytes | None]) -> None:
        self.jobs: dict[str, ImageJob] = {}
        self.seen: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.has_begun = False
        self._lines = lines

    def next_change(self, seconds: float = LOOK_SECONDS) -> ImageJob | None:
        """The next change, or None if there is none for `seconds`. Raises EOFError at its end."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return None
        if line is None:
            raise EOFError("the watch has ended")
        event = msgspec.json.decode(line, type=Event)
        if event.type == "BOOKMARK":
            self.has_begun = True
            return None
        return self._take(msgspec.json.decode(event.object, type=ImageJob))

    def wait_for_begin(self) -> None:
        """Until it sees everything from now on. Raises EOFError if that doesn't come about."""
        deadline = time.monotonic() + BEGIN_SECONDS
        while not self.has_begun:
            self.next_change()
            if time.monotonic() > deadline:
                raise EOFError("the watch has not begun")

    def _take(self, job: ImageJob) -> ImageJob:
        now = time.monotonic()
        self.jobs[job.name] = job
        self.seen.setdefault(job.name, now)
        if job.is_finished:
            self.ended.setdefault(job.name, now)
        return job

    def seconds(self, name: str) -> float:
        """From apply to the end, as seen from here."""
        return self.ended[name] - self.seen[name]


@contextmanager
def watching(kubectl: str, kubeconfig: str, namespace: str) -> Iterator[Watch]:
    """A watch of all ImageJobs of a namespace."""
    command = [kubectl, "--kubeconfig", kubeconfig, "get", "--raw", COLLECTION.format(namespace)]
    # A session of its own: Ctrl-C is for this process, which then ends the watch.
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=_read, args=(process, lines), daemon=True).start()
        try:
            watch = Watch(lines)
            watch.wait_for_begin()
            yield watch
        finally:
            process.terminate()


def _read(process: subprocess.Popen[bytes], lines: queue.SimpleQueue[bytes | None]) -> None:
    for line in process.stdout or ():
        lines.put(line)
    lines.put(None)
