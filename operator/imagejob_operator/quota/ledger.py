"""The ledger of a namespace: its admissions, and the dispatches in progress.

It is the data of one ConfigMap in the operator's namespace, replaced as a whole by compare-and-swap
on its resource version. A ledger may be combined only with ImageJobs that were read *after* it: a
charge is recorded here or in the ImageJob's own status, and is removed from the one only when the
other shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from . import history as histories
from .history import History
from .rates import Rate

MAX_CHARGED = 256
"""UIDs that may be charged but not yet shown as admitted; further ones wait."""

MAX_UNKNOWN = 1024
"""How many more may be charged because what became of an ImageJob is unknown: nothing would drop
their charges for as long as their namespace exceeds its memory budget. It bounds the ConfigMap."""

STANDSTILL = 5_000
"""Milliseconds by which clocks may disagree before we conclude that one was set back."""

FORMAT = "1"
"""The data's format version. An operator that knows only others must not write it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Time = Annotated[datetime, Meta(tz=True)]
T = TypeVar("T")


class LedgerError(ValueError):
    """Data that is not a valid ledger."""


class DispatchRecord(msgspec.Struct, frozen=True):
    """A worker Job that may not exist yet: one or more UIDs, and the digest of its order."""

    uids: tuple[str, ...]
    digest: str


class Ledger(msgspec.Struct, frozen=True):
    """One namespace's ledger. `as_of` and the times of `charged` (by UID) are µs since the epoch.

    `number` counts dispatches; `dispatches` is keyed by the name of the worker Job.
    """

    as_of: int
    number: int = 0
    history: History = History()
    charged: dict[str, int] = {}
    dispatches: dict[str, DispatchRecord] = {}

    @property
    def now(self) -> int:
        """The ledger's clock, in whole milliseconds."""
        return self.as_of // 1000

    @property
    def time(self) -> datetime:
        """The ledger's clock in microseconds: the time of the next charge."""
        return time_of(self.as_of)

    @property
    def uids(self) -> set[str]:
        """The UIDs that are charged or dispatched."""
        dispatched = (uid for each in self.dispatches.values() for uid in each.uids)
        return {*self.charged, *dispatched}

    def at(self, now: datetime, rates: Sequence[Rate]) -> Ledger:
        """Advance the clock to `now`.

        Clocks of two replicas differ a little, so the clock stops rather than go back by up to 5 s,
        or the shortest window if that is less. If it is behind by more, the clock was set back:
        later admissions then count as now, which blocks for one window at most. Such a ledger must
        be written even if it charges nothing, or that window would begin again each time.
        """
        as_of = micros(now)
        if as_of >= self.as_of:
            return msgspec.structs.replace(self, as_of=as_of)
        if self.as_of - as_of <= 1000 * min([STANDSTILL, *(rate.window for rate in rates)]):
            return self
        return msgspec.structs.replace(
            self, as_of=as_of, history=self.history.clamped(as_of // 1000)
        )

    def charge(self, uids: Collection[str]) -> Ledger:
        """Charge these UIDs, none of which is charged yet, at the ledger's time."""
        history = self.history.add(self.now, len(uids)).compacted(self.now)
        charged = self.charged | dict.fromkeys(uids, self.as_of)
        return msgspec.structs.replace(self, history=history, charged=charged)

    def dispatch(self, name: str, record: DispatchRecord) -> Ledger:
        """Record that a worker Job is about to be created."""
        dispatches = self.dispatches | {name: record}
        return msgspec.structs.replace(self, number=self.number + 1, dispatches=dispatches)

    def redispatch(self, name: str, record: DispatchRecord) -> Ledger:
        """Record another order for a worker Job that was not created."""
        return msgspec.structs.replace(self, dispatches=self.dispatches | {name: record})

    def without(self, *, uids: Collection[str] = (), names: Collection[str] = ()) -> Ledger:
        """Remove UIDs that show as admitted or are deleted, and worker Jobs that were observed.

        Their admissions stay in the history.
        """
        return msgspec.structs.replace(
            self,
            charged={uid: at for uid, at in self.charged.items() if uid not in uids},
            dispatches={
                name: record for name, record in self.dispatches.items() if name not in names
            },
        )

    def encode(self) -> dict[str, str]:
        """Return the data of its ConfigMap: lines of text, except for the history."""
        charged = (f"{uid} {_text(at)}\n" for uid, at in self.charged.items())
        dispatches = (
            f"{name} {record.digest} {' '.join(record.uids)}\n"
            for name, record in self.dispatches.items()
        )
        return {
            "format": FORMAT,
            "asOf": _text(self.as_of),
            "number": str(self.number),
            "history": self.history.encode(self.now),
            "charged": "".join(charged),
            "dispatches": "".join(dispatches),
        }


def decode(data: Mapping[str, str]) -> Ledger:
    """Decode a ledger from the data of its ConfigMap. Raises LedgerError."""
    version = _parse(data, "format", str)
    if version != FORMAT:
        raise LedgerError(f"field 'format' is {version!r}, but this operator knows {FORMAT!r} only")
    as_of = _parse(data, "asOf", _moment)
    return Ledger(
        as_of=as_of,
        number=_parse(data, "number", _number),
        history=_parse(data, "history", lambda text: histories.decode(text, as_of // 1000)),
        charged=_parse(data, "charged", lambda text: dict(map(_charge, text.splitlines()))),
        dispatches=_parse(data, "dispatches", lambda text: dict(map(_dispatch, text.splitlines()))),
    )


def _parse(data: Mapping[str, str], field: str, parse: Callable[[str], T]) -> T:
    """Parse one field. Raises LedgerError, which names it."""
    if field not in data:
        raise LedgerError(f"field {field!r} is missing")
    try:
        return parse(data[field])
    except ValueError as error:  # HistoryError and msgspec's among them
        raise LedgerError(f"field {field!r}: {error}") from error


def rebuilt(
    admitted: Iterable[datetime], now: datetime, charged: Mapping[str, datetime] | None = None
) -> Ledger:
    """Rebuild a missing ledger from the times at which ImageJobs show that they were admitted.

    Kubernetes truncates times to seconds, so each counts from the end of its second. `charged` are
    those, by UID, that only their worker shows: `admitted` includes them. If there are any
    admissions, dispatches are numbered from the seconds since the epoch, far from the lost ledger's
    numbers.
    """
    ledger = Ledger(micros(now))
    shown = histories.of(micros(time) // 1_000_000 * 1000 + 999 for time in admitted)
    history = shown.clamped(ledger.now).compacted(ledger.now)
    marks = {uid: micros(at) for uid, at in (charged or {}).items()}
    number = micros(now) // 1_000_000 if history.slots else 0
    return msgspec.structs.replace(ledger, number=number, history=history, charged=marks)


def _number(text: str) -> int:
    number: int = msgspec.convert(text, Annotated[int, Meta(ge=0)], strict=False)
    return number


def _charge(line: str) -> tuple[str, int]:
    match line.split(" "):
        case [uid, time]:
            return uid, _moment(time)
    raise ValueError(f"line {line!r} is not a UID and a time")


def _dispatch(line: str) -> tuple[str, DispatchRecord]:
    match line.split(" "):
        case [name, digest, first, *others]:
            return name, DispatchRecord((first, *others), digest)
    raise ValueError(f"line {line!r} is not a worker Job, a digest and UIDs")


def micros(time: datetime) -> int:
    """Convert to microseconds since the epoch, as ledgers keep time."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def time_of(micros: int) -> datetime:
    """Convert from microseconds since the epoch, as ledgers keep time."""
    return _EPOCH + timedelta(microseconds=micros)


def _text(micros: int) -> str:
    return time_of(micros).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _moment(text: str) -> int:
    return micros(msgspec.convert(text, _Time))
