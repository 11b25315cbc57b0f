"""The ledger of a namespace: what it was charged for, and which dispatches are under way.

It is the data of one ConfigMap in the operator's namespace, replaced as a whole by compare-and-swap
on its resource version. A ledger that was read is to be used only with ImageJobs that were read
*after* it: who is charged stands here or in the ImageJob's own status, and leaves the one only
when it shows in the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from . import history as histories
from .history import History
from .rates import Rate

MAX_CHARGED = 256
"""UIDs that may be charged and not yet shown as admitted; more wait their turn."""

STANDSTILL = 5_000
"""Milliseconds by which clocks may disagree before we believe that one was put back."""

FORMAT = "1"
"""Of the data. An operator that knows only another must not touch it."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Time = Annotated[datetime, Meta(tz=True)]


class LedgerError(ValueError):
    """Data that is no ledger of ours."""


class DispatchRecord(msgspec.Struct, frozen=True):
    """A worker Job that may not exist yet: for whom (one or more UIDs), and its order's digest."""

    uids: tuple[str, ...]
    digest: str


class Ledger(msgspec.Struct, frozen=True):
    """One namespace's. `as_of` and the times of `charged` (by UID) are µs since the epoch.

    `number` counts dispatches; `dispatches` goes by the name of the worker Job.
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
        """The ledger's clock, to the microsecond: the time of whatever is charged next."""
        return time_of(self.as_of)

    def at(self, now: datetime, rates: Sequence[Rate]) -> Ledger:
        """Its clock moved to `now`.

        Two replicas' clocks differ a little, so it stands still rather than go back by 5 s, or by
        the shortest window if that is less. If it is behind by more, the clock was put back: all
        that would be later counts as now, which blocks for one window at most. Such a ledger has
        to be written even if it charges nobody, or that window would begin anew each time.
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
        """Charge for those, none of which is charged yet, at the ledger's time."""
        history = self.history.add(self.now, len(uids)).compacted(self.now)
        charged = self.charged | dict.fromkeys(uids, self.as_of)
        return msgspec.structs.replace(self, history=history, charged=charged)

    def dispatch(self, name: str, record: DispatchRecord) -> Ledger:
        """Write down that a worker Job is about to be created."""
        dispatches = self.dispatches | {name: record}
        return msgspec.structs.replace(self, number=self.number + 1, dispatches=dispatches)

    def redispatch(self, name: str, record: DispatchRecord) -> Ledger:
        """The worker Job of that name has not been created, and will be by another order."""
        return msgspec.structs.replace(self, dispatches=self.dispatches | {name: record})

    def without(self, *, uids: Collection[str] = (), names: Collection[str] = ()) -> Ledger:
        """Forget who is shown as admitted or has gone, and the worker Jobs that have been seen.

        What was charged stays in the history.
        """
        return msgspec.structs.replace(
            self,
            charged={uid: at for uid, at in self.charged.items() if uid not in uids},
            dispatches={
                name: record for name, record in self.dispatches.items() if name not in names
            },
        )

    def encode(self) -> dict[str, str]:
        """The data of its ConfigMap: lines of text, but for the history."""
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
    """Read a ledger from the data of its ConfigMap. Raises LedgerError."""
    try:
        if data["format"] != FORMAT:
            raise LedgerError(f"its format is {data['format']!r}, not {FORMAT!r}")
        as_of = _moment(data["asOf"])
        return Ledger(
            as_of=as_of,
            number=msgspec.convert(data["number"], Annotated[int, Meta(ge=0)], strict=False),
            history=histories.decode(data["history"], as_of // 1000),
            charged=dict(map(_charge, data["charged"].splitlines())),
            dispatches=dict(map(_dispatch, data["dispatches"].splitlines())),
        )
    except KeyError as error:
        raise LedgerError(f"it has no {error}") from error
    except ValueError as error:  # HistoryError and msgspec's among them
        raise LedgerError(str(error)) from error


def rebuilt(
    admitted: Iterable[datetime], now: datetime, charged: Mapping[str, datetime] | None = None
) -> Ledger:
    """A ledger in place of one that is missing, from when ImageJobs show that they were admitted.

    Kubernetes keeps whole seconds, cut off, so each counts from the end of its second. `charged`
    are those, by UID, that only their worker shows: they are among `admitted` too. If there are
    any, dispatches are counted from the seconds since the epoch on, far from the lost ledger's.
    """
    ledger = Ledger(micros(now))
    shown = histories.of(micros(time) // 1_000_000 * 1000 + 999 for time in admitted)
    history = shown.clamped(ledger.now).compacted(ledger.now)
    marks = {uid: micros(at) for uid, at in (charged or {}).items()}
    number = micros(now) // 1_000_000 if history.slots else 0
    return msgspec.structs.replace(ledger, number=number, history=history, charged=marks)


def _charge(line: str) -> tuple[str, int]:
    uid, time = line.split(" ")
    return uid, _moment(time)


def _dispatch(line: str) -> tuple[str, DispatchRecord]:
    name, digest, first, *others = line.split(" ")
    return name, DispatchRecord((first, *others), digest)


def micros(time: datetime) -> int:
    """Microseconds since the epoch, as ledgers keep time."""
    return (time - _EPOCH) // timedelta(microseconds=1)


def time_of(micros: int) -> datetime:
    """From microseconds since the epoch, as ledgers keep time."""
    return _EPOCH + timedelta(microseconds=micros)


def _text(micros: int) -> str:
    return time_of(micros).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _moment(text: str) -> int:
    return micros(msgspec.convert(text, _Time))
