"""The audit log: the lines of JSON among what operators have printed."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MARK = b'{"kind":"ImageJobAudit"'


class Line(NamedTuple):
    """One transition of one ImageJob."""

    uid: str
    seq: int
    name: str
    time: datetime
    event: str
    reason: str
    message: str


def read(*logs: Path) -> list[Line]:
    """Each transition once, as whoever keeps the log does: by UID and sequence number, in order."""
    known: dict[tuple[str, int], Line] = {}
    for line in (line for log in logs for line in _lines(log)):
        known.setdefault((line.uid, line.seq), line)
    return [known[key] for key in sorted(known)]


def times_of(lines: Iterable[Line], reason: str) -> dict[str, list[datetime]]:
    """UID → when it came to have that reason."""
    found: dict[str, list[datetime]] = defaultdict(list)
    for line in lines:
        if line.reason == reason:
            found[line.uid].append(line.time)
    return found


def holes(lines: Iterable[Line]) -> list[tuple[str, int]]:
    """UIDs and sequence numbers that are missing below the highest of their UID."""
    seqs: dict[str, set[int]] = defaultdict(set)
    for line in lines:
        seqs[line.uid].add(line.seq)
    return [(uid, seq) for uid, has in seqs.items() for seq in range(1, max(has)) if seq not in has]


def most_in_any(window: timedelta, times: Iterable[datetime]) -> int:
    """The most of `times` that lie in any half-open window `(t - window, t]`."""
    ordered = sorted(times)
    most = first = 0
    for last, time in enumerate(ordered):
        while ordered[first] <= time - window:
            first += 1
        most = max(most, last - first + 1)
    return most


def _lines(log: Path) -> Iterator[Line]:
    for raw in log.read_bytes().splitlines():
        if raw.startswith(MARK):
            entry = json.loads(raw)
            time = datetime.fromisoformat(entry["time"])
            said = {key: entry[key] for key in ("uid", "seq", "name", "event", "reason", "message")}
            yield Line(time=time, **said)
