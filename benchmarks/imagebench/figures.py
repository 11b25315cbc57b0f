"""What a benchmark found out: plain values, as they are printed and written as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from statistics import median, quantiles


@dataclass(frozen=True)
class Output:
    """One picture that was made: `psnr` in dB."""

    width: int
    bytes: int
    psnr: float


@dataclass(frozen=True)
class Row:
    """One side. CPU in seconds, one value a run; memory in bytes, 0 if it doesn't matter."""

    side: str
    cpu: list[float]
    peak: int
    versions: dict[str, str] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)

    @property
    def median(self) -> float:
        return median(self.cpu)

    @property
    def quartiles(self) -> tuple[float, float]:
        low, _, high = quantiles(self.cpu, n=4)
        return low, high

    def as_json(self) -> dict[str, object]:
        return {
            "side": self.side,
            "versions": self.versions,
            "cpuSeconds": {"median": self.median, "quartiles": self.quartiles, "runs": self.cpu},
            "peakBytes": self.peak,
            "outputs": [asdict(output) for output in self.outputs],
        }


@dataclass(frozen=True)
class Target:
    """A figure that must not be above its limit."""

    what: str
    value: float
    limit: float
    unit: str = "x"

    @property
    def met(self) -> bool:
        return self.value <= self.limit

    def __str__(self) -> str:
        verdict = "met   " if self.met else "MISSED"
        return f"{verdict} {self.what}: {self.value:.2f} {self.unit}, limit {self.limit:g}"

    def as_json(self) -> dict[str, object]:
        return asdict(self) | {"met": self.met}


@dataclass(frozen=True)
class Comparison:
    """One table, ours first, and what it must show."""

    name: str
    title: str
    notes: list[str]
    rows: list[Row]
    targets: list[Target]

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "title": self.title,
            "notes": self.notes,
            "rows": [row.as_json() for row in self.rows],
            "targets": [target.as_json() for target in self.targets],
        }
