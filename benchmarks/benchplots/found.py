"""What the benchmarks have written, as far as it is drawn. Seconds and bytes; requests by kind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

F = TypeVar("F")
T = TypeVar("T")

_LINE = re.compile(r"line of ([\d,]+) to ([\d,]+)$")


class Run(msgspec.Struct, frozen=True, rename="camel"):
    """One side's way through `count` ImageJobs, as `operatorbench.burst.as_json` gives it."""

    side: str
    count: int
    seconds: float
    per_second: float
    cpu_seconds: dict[str, float]
    writes: dict[str, int]
    operator_requests: dict[str, int]
    operator_peak_bytes: int


class Target(msgspec.Struct, frozen=True):
    """What a figure was held against."""

    what: str
    limit: float


class Part(msgspec.Struct, Generic[F], frozen=True):
    """One question of the operator's benchmark."""

    figures: F
    targets: list[Target]

    def limit(self, what: str) -> float:
        """Of the target whose name begins so. Raises LookupError."""
        for target in self.targets:
            if target.what.startswith(what):
                return target.limit
        raise LookupError(f"there is no target {what!r}")


class Burst(msgspec.Struct, frozen=True):
    """All runs of each side."""

    runs: dict[str, list[Run]]

    def middle(self, side: str) -> Run:
        """The run that counts, as the benchmark chooses it: of the median rate, or just below."""
        runs = sorted(self.runs[side], key=lambda run: run.per_second)
        return runs[(len(runs) - 1) // 2]


class Growth(msgspec.Struct, frozen=True, rename="camel"):
    """One run of each size, the smallest first; the peak with as many as the last, all unfinished.

    The second smallest is what the last is held against.
    """

    runs: list[Run]
    unfinished_peak_bytes: int

    @property
    def base(self) -> Run:
        return self.runs[min(1, len(self.runs) - 1)]


class History(msgspec.Struct, frozen=True):
    """An operator that starts among so many finished ImageJobs."""

    finished: int
    peak: int


class Throttled(msgspec.Struct, frozen=True):
    """An operator while so many wait for the quota, and nothing changes."""

    throttled: int
    peak: int


class Calm(msgspec.Struct, frozen=True):
    """An operator that has little to do."""

    history: History
    calm: Throttled


class Parts(msgspec.Struct, frozen=True):
    """Those that were measured."""

    burst: Part[Burst] | None = None
    growth: Part[Growth] | None = None
    calm: Part[Calm] | None = None


class Operator(msgspec.Struct, frozen=True):
    """What benchmarks/operator.py wrote."""

    machine: str
    parts: Parts


class Photos(msgspec.Struct, frozen=True):
    """One side's way through `count` photos on a real node."""

    count: int
    seconds: float


class Latency(msgspec.Struct, frozen=True):
    """Of each of many, done one by one. All in seconds."""

    p50: float
    p95: float
    seconds: list[float]


class Idle(msgspec.Struct, frozen=True):
    """One at a time: an ImageJob, a bare Job."""

    ours: Latency = msgspec.field(name="ImageJob")
    bare: Latency = msgspec.field(name="bare Job")


class Trickle(msgspec.Struct, frozen=True):
    """One ImageJob a second: as ever, and with no two of the same stores."""

    batched: Latency
    single: Latency = msgspec.field(name="batches of 1")


class NodeParts(msgspec.Struct, frozen=True):
    """Those that were measured; of `burst` all runs of each side, ours first."""

    burst: Part[dict[str, list[Photos]]] | None = None
    idle: Part[Idle] | None = None
    trickle: Part[Trickle] | None = None


class Node(msgspec.Struct, frozen=True):
    """What benchmarks/node.py wrote."""

    machine: str
    parts: NodeParts


class Cost(msgspec.Struct, frozen=True):
    """One row of what waiting costs."""

    what: str
    value: float


class Step(msgspec.Struct, frozen=True):
    """A line of waiting ImageJobs grew so far: milliseconds of the operator's CPU for each."""

    before: int
    after: int
    millis: float


class Waiting(msgspec.Struct, frozen=True):
    """What benchmarks/waiting.py wrote."""

    machine: str
    costs: list[Cost]

    def steps(self) -> Sequence[Step]:
        """None at all if that part was left out."""
        matches = ((_LINE.search(cost.what), cost.value) for cost in self.costs)
        return [Step(*_numbers(found), value) for found, value in matches if found]


def _numbers(found: re.Match[str]) -> tuple[int, int]:
    before, after = (int(text.replace(",", "")) for text in found.groups())
    return before, after


def read(path: Path, kind: type[T]) -> T | None:
    """None if there is no such file. Raises msgspec.ValidationError for one of another shape."""
    return msgspec.json.decode(path.read_bytes(), type=kind) if path.exists() else None
