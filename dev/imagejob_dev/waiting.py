"""Waits for something to become true of the cluster's objects, without polling or sleeping."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_dev.rest import Object, Rest

T = TypeVar("T")


def wait_for(
    rest: Rest, path: str, found: Callable[[list[Object]], T | None], seconds: float = 20.0
) -> T:
    """What `found` makes of the objects of a collection, as soon as that is not None.

    `path` is the collection's, with a fieldSelector or labelSelector if wanted. TimeoutError, with
    the objects as they stood, after `seconds`.
    """
    deadline = time.monotonic() + seconds
    objects: dict[str, Object] = {}
    while (remaining := deadline - time.monotonic()) > 0:
        listing = rest.get(path)
        objects = {item["metadata"]["uid"]: item for item in listing["items"]}
        if (answer := found(list(objects.values()))) is not None:
            return answer
        with rest.watch(path, listing["metadata"]["resourceVersion"], remaining) as events:
            for event in events:
                if event["type"] == "ERROR":
                    break  # too old: list again
                _apply(objects, event)
                if (answer := found(list(objects.values()))) is not None:
                    return answer
    shown = json.dumps(list(objects.values()), indent=1)
    raise TimeoutError(f"not within {seconds:.0f} s; {path} has {shown}")


def _apply(objects: dict[str, Object], event: Object) -> None:
    uid = event["object"]["metadata"]["uid"]
    if event["type"] == "DELETED":
        objects.pop(uid, None)
    else:
        objects[uid] = event["object"]
