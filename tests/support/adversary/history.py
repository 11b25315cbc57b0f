"""What is known of a run when it is over; times are of `time.time()`, sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from support.audit_log import Line


class Write(NamedTuple):
    """An object that the store took; `picture` is the number of the source that it shows."""

    at: float
    key: str
    digest: str
    picture: int | None


class Life(NamedTuple):
    """A worker's process: alive last at `alive`, gone at `ended`, and the folders that it fills."""

    pod: str
    uids: frozenset[str]
    folders: frozenset[str]
    alive: float
    ended: float


class Finish(NamedTuple):
    """A finished status, as it was seen at `at`; key of an output → digest."""

    at: float
    uid: str
    phase: str
    reason: str
    outputs: tuple[tuple[str, str], ...]
    pod: str


class Dispatch(NamedTuple):
    """A worker Job that was created."""

    at: float
    namespace: str
    uids: frozenset[str]


class Meeting(NamedTuple):
    """Processes of several pods, all alive at `at`, that share a UID or a folder."""

    at: float
    what: str
    pods: tuple[str, ...]


class Told(NamedTuple):
    """An Event that says to be the operator's, about the ImageJob of a UID."""

    uid: str
    event: str
    reason: str


@dataclass
class History:
    """Of one tenant and one neighbour, under the tenant's limit of so many in any window, with so
    many `places` for workers that are not kept for who has none.

    `audit` are all lines printed of their ImageJobs, `shown` is UID → the status at the end.
    """

    namespace: str
    neighbour: str
    limit: int
    window: timedelta
    most_between: int
    places: int
    memory_budget: int
    audit: list[Line] = field(default_factory=list)
    shown: dict[str, dict[str, Any]] = field(default_factory=dict)
    namespaces: dict[str, str] = field(default_factory=dict)
    """UID of an ImageJob → its namespace."""
    finishes: list[Finish] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    meetings: list[Meeting] = field(default_factory=list)
    most_at_once: int = 0
    """Of the tenant's workers, alive at the same time."""
    dispatches: list[Dispatch] = field(default_factory=list)
    memory: dict[str, int] = field(default_factory=dict)
    """A life of an operator → its largest resident set."""
    told: list[Told] = field(default_factory=list)
    unsettled: dict[str, str] = field(default_factory=dict)
    """UID → where it stands, of those that should have ended long ago."""
