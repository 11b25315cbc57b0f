"""What is under way, what waits for room, and what is to be looked at once more when it is done."""

from __future__ import annotations

from .domain.subjects import Subject


class Agenda:
    """At most one action a subject, and so many in all; but for those that are urgent."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._busy: set[Subject] = set()
        self._again: set[Subject] = set()
        self._put_off: dict[Subject, None] = {}

    @property
    def has_room(self) -> bool:
        return len(self._busy) < self._room

    def defers(self, subject: Subject) -> bool:
        """Whether it has to be looked at again later, as an action of its own is under way."""
        if subject not in self._busy:
            return False
        self._again.add(subject)
        return True

    def begin(self, subject: Subject) -> None:
        """An action of its own is under way."""
        self._busy.add(subject)
        self._put_off.pop(subject, None)

    def end(self, subject: Subject) -> bool:
        """Its action has ended. Says whether it is to be looked at again."""
        self._busy.discard(subject)
        if subject not in self._again:
            return False
        self._again.discard(subject)
        return True

    def put_off(self, subject: Subject) -> None:
        """There is something to do for it, and no room. It keeps its place if it had one."""
        self._put_off[subject] = None

    def drop(self, subject: Subject) -> None:
        """There is nothing to do for it any more."""
        self._put_off.pop(subject, None)

    def next_put_off(self) -> Subject | None:
        """What has waited longest for room, if there is room."""
        subject = next(iter(self._put_off), None) if self.has_room else None
        if subject is not None:
            del self._put_off[subject]
        return subject
