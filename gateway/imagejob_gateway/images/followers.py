"""Who waits for changes of an image."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Followers:
    """Events by the name of an image, each of which is set when the image changes.

    However much changes while a follower is busy, it has one event to look at.
    """

    def __init__(self) -> None:
        self._events: dict[str, set[asyncio.Event]] = {}

    def changed(self, name: str) -> None:
        """Wake those who follow the image."""
        for event in self._events.get(name, ()):
            event.set()

    @contextmanager
    def follow(self, name: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set with each change; the caller clears it."""
        event = asyncio.Event()
        followers = self._events.setdefault(name, set())
        followers.add(event)
        try:
            yield event
        finally:
            followers.discard(event)
            if not followers:
                self._events.pop(name, None)
