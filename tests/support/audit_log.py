"""The audit log: the JSON lines in the operators' output."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
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


def printed(*logs: Path) -> list[Line]:
    """Every line, including repeats after a crash or by a second operator."""
    return [line for log in logs for line in _lines(log)]


def read(*logs: Path) -> list[Line]:
    """The valid lines by docs/audit.md: after a crash, numbers are assigned again, for what is true
    by then. Sorted by UID and number.
    """
    known: dict[str, dict[int, Line]] = defaultdict(dict)
    for line in sorted(printed(*logs), key=lambda line: (line.time, line.seq)):
        before = known[line.uid]
        known[line.uid] = {seq: each for seq, each in before.items() if seq < line.seq}
        known[line.uid][line.seq] = line
    return [line for uid in sorted(known) for line in known[uid].values()]


def times_of(lines: Iterable[Line], reason: str) -> dict[str, list[datetime]]:
    """UID → the times at which it got that reason."""
    found: dict[str, list[datetime]] = defaultdict(list)
    for line in lines:
        if line.reason == reason:
            found[line.uid].append(line.time)
    return found


def holes(lines: Iterable[Line]) -> list[tuple[str, int]]:
    """UIDs and their missing sequence numbers, below the highest of each."""
    seqs: dict[str, set[int]] = defaultdict(set)
    for line in lines:
        seqs[line.uid].add(line.seq)
    return [(uid, seq) for uid, has in seqs.items() for seq in range(1, max(has)) if seq not in has]


def places(log: Path, namespace: str) -> dict[str, str]:
    """Name → the bucket in the final line, for the ImageJobs of a namespace."""
    raws = [line for line in log.read_bytes().splitlines() if line.startswith(MARK)]
    told = [line for line in map(json.loads, raws) if line["namespace"] == namespace]
    ends = {line["name"]: line["destination"].get("place", {}) for line in told}
    return {name: place["bucket"] for name, place in ends.items()}


def _lines(log: Path) -> Iterator[Line]:
    for raw in log.read_bytes().splitlines():
        if raw.startswith(MARK):
            entry = json.loads(raw)
            time = datetime.fromisoformat(entry["time"])
            said = {key: entry[key] for key in ("uid", "seq", "name", "event", "reason", "message")}
            yield Line(time=time, **said)
