"""What the API server was asked to write, by its own account, and what that cost the operator."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from imagejob_dev.rest import Rest

TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 1.0
SETTLE_SECONDS = 1800.0

_SAMPLE = re.compile(r"^apiserver_request_total\{(.*)\} (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')

Request = tuple[str, str, str, str]
"""Verb, group, resource, subresource."""


@dataclass(frozen=True)
class Writes:
    """Requests of the kinds that the operator makes. Conflicts and refusals count too."""

    statuses: int
    events: int
    ledgers: int
    workers: int

    @property
    def total(self) -> int:
        return sum(getattr(self, field.name) for field in fields(self))

    def __sub__(self, other: Writes) -> Writes:
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return Writes(*(mine - theirs for mine, theirs in pairs))


def writes(rest: Rest) -> Writes:
    """Since the API server started."""
    counts: dict[Request, int] = {}
    for labels, value in _SAMPLE.findall(_metrics(rest)):
        named = dict(_LABEL.findall(labels))
        request = (named["verb"], named["group"], named["resource"], named["subresource"])
        counts[request] = counts.get(request, 0) + int(float(value))

    def of(group: str, resource: str, subresource: str, *verbs: str) -> int:
        return sum(counts.get((verb, group, resource, subresource), 0) for verb in verbs)

    return Writes(
        statuses=of("imagejob.dev", "imagejobs", "status", "PATCH"),
        events=of("events.k8s.io", "events", "", "POST"),
        ledgers=of("", "configmaps", "", "POST", "PUT"),
        workers=of("batch", "jobs", "", "POST", "DELETE"),
    )


def settled(rest: Rest, quiet: float) -> Writes:
    """Once nothing has been written for `quiet` seconds. Raises TimeoutError."""
    last, since = writes(rest), time.monotonic()
    deadline = since + SETTLE_SECONDS
    while time.monotonic() < since + quiet:
        time.sleep(POLL_SECONDS)
        now = writes(rest)
        if now != last:
            last, since = now, time.monotonic()
        if since > deadline:
            raise TimeoutError(f"there was no end of writes in {SETTLE_SECONDS:.0f} s")
    return last


@dataclass(frozen=True)
class Spent:
    """By a process so far: CPU in seconds, of user and system; memory in bytes."""

    cpu: float
    rss: int
    peak: int


def spent(pid: int) -> Spent:
    """`peak` is the largest resident set that the kernel has seen."""
    process = psutil.Process(pid)
    times = process.cpu_times()
    return Spent(times.user + times.system, process.memory_info().rss, _peak(pid))


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def _metrics(rest: Rest) -> str:
    with rest.session(TIMEOUT_SECONDS) as session:
        return session.send("GET", "/metrics").text
