"""An ImageJob as the demo reads it.

Not the operator's own model: a check must not share its errors.
"""

from __future__ import annotations

import msgspec

FINISHED = ("Succeeded", "Failed")


class Camel(msgspec.Struct, frozen=True, rename="camel"):
    """Named as in the API."""


class Source(Camel, frozen=True):
    """What was read."""

    bytes: int = 0
    format: str = ""
    width: int = 0
    height: int = 0


class Output(Camel, frozen=True):
    """One file that was made."""

    name: str
    key: str
    format: str
    width: int
    height: int
    bytes: int
    sha256: str


class Condition(Camel, frozen=True):
    """Only `Ready` is read: its reason says at any time why, or why not."""

    type: str
    reason: str
    message: str


class Status(Camel, frozen=True):
    """All fields may be absent: at first there is no status."""

    phase: str = ""
    conditions: tuple[Condition, ...] = ()
    source: Source = Source()
    outputs: tuple[Output, ...] = ()
    removed_metadata: tuple[str, ...] = ()
    processing_millis: int = 0


class Metadata(Camel, frozen=True):
    """Whose status it is."""

    name: str


class ImageJob(Camel, frozen=True):
    """One of the twelve."""

    metadata: Metadata
    status: Status = Status()

    @property
    def name(self) -> str:
        """The ImageJob's name."""
        return self.metadata.name

    @property
    def is_finished(self) -> bool:
        """Whether its phase never changes again."""
        return self.status.phase in FINISHED

    @property
    def reason(self) -> str:
        """Why it stands where it stands, in one word; empty before the operator has seen it."""
        return next((each.reason for each in self.status.conditions if each.type == "Ready"), "")

    @property
    def message(self) -> str:
        """The same in words."""
        return next((each.message for each in self.status.conditions if each.type == "Ready"), "")


class Event(Camel, frozen=True):
    """One line of a watch. The object of a BOOKMARK is no whole ImageJob."""

    type: str
    object: msgspec.Raw
