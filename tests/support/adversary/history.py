"""What is known of a run at its end; times are of `time.time()`, sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from support.audit_log import Line


class Write(NamedTuple):
    """An object that the store accepted; `picture` is the number of the source that it shows."""

    at: float
    key: str
    digest: str
    picture: int | None


class Life(NamedTuple):
    """A worker's process: last alive at `alive`, gone at `ended`, and its output folders."""

    pod: str
    uids: frozenset[str]
    folders: frozenset[str]
    alive: float
    ended: float


class Finish(NamedTuple):
    """A finished status, as observed at `at`; key of an output → digest."""

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
    """An Event that claims to be the operator's, about the ImageJob of a UID."""

    uid: str
    event: str
    reason: str


@dataclass
class History:
    """The history of one tenant and one neighbour. The tenant's quota is `limit` per `window`;
    `places` are the worker slots that are not reserved for namespaces without one.

    `audit` are all audit lines of their ImageJobs, `shown` is UID → the final status.
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
    """The number of the tenant's workers that were alive at the same time."""
    dispatches: list[Dispatch] = field(default_factory=list)
    memory: dict[str, int] = field(default_factory=dict)
    """A life of an operator → its largest resident set."""
    told: list[Told] = field(default_factory=list)
    unsettled: dict[str, str] = field(default_factory=dict)
    """UID → phase and reason, of those that should have ended long ago."""
