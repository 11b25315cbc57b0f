"""Records everything that happens to a collection of objects, while it happens."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.rest import Rest

SLICE_SECONDS = 2.0
END_SECONDS = 30.0


class Event(NamedTuple):
    """An event of a watch: `type` is ADDED, MODIFIED or DELETED, `at` of `time.monotonic`."""

    at: float
    type: str
    object: dict[str, Any]


def owners(events: list[Event]) -> Counter[str]:
    """Name of an owner → the number of created objects that it owns."""
    return Counter(
        owner["name"]
        for event in events
        for owner in event.object["metadata"]["ownerReferences"]
        if event.type == "ADDED"
    )


@contextmanager
def recording(rest: Rest, path: str) -> Iterator[list[Event]]:
    """The events of a collection from now on; complete when the block ends.

    The API server forgets old events while a test runs for minutes, so they are read continuously.
    """
    version: str = rest.get(path)["metadata"]["resourceVersion"]
    events: list[Event] = []
    over = threading.Event()

    def record(version: str) -> None:
        complete = False
        while not complete:
            complete = over.is_set()  # then everything so far is in this last slice
            with rest.watch(path, version, SLICE_SECONDS) as watched:
                for event in watched:
                    assert event["type"] != "ERROR", event["object"]
                    events.append(Event(time.monotonic(), event["type"], event["object"]))
                    version = event["object"]["metadata"]["resourceVersion"]

    thread = threading.Thread(target=record, args=(version,), name=f"recording of {path}")
    thread.start()
    try:
        yield events
    finally:
        over.set()
        thread.join(END_SECONDS)
    assert not thread.is_alive(), "the recording doesn't end"
