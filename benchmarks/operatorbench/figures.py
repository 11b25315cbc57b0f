"""What a benchmark of the operator found out: plain values, as printed and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MIB = 1024 * 1024


@dataclass(frozen=True)
class Target:
    """A figure that must not be on the wrong side of its limit."""

    what: str
    value: float
    sense: Literal["at least", "at most"]
    limit: float
    unit: str

    @property
    def met(self) -> bool:
        if self.sense == "at least":
            return self.value >= self.limit
        return self.value <= self.limit

    def __str__(self) -> str:
        verdict = "met   " if self.met else "MISSED"
        return f"{verdict} {self.what}: {self.value:.2f} {self.unit}, {self.sense} {self.limit:g}"

    def as_json(self) -> dict[str, object]:
        return asdict(self) | {"met": self.met}


@dataclass(frozen=True)
class Part:
    """One question: a table, notes below it, the targets, and all figures for the JSON."""

    name: str
    title: str
    table: list[list[str]]
    notes: list[str]
    targets: list[Target]
    figures: object

    def as_json(self) -> dict[str, object]:
        targets = [target.as_json() for target in self.targets]
        return {"title": self.title, "figures": self.figures, "targets": targets}


def lines(part: Part) -> list[str]:
    """As it is printed."""
    return [
        f"== {part.name}: {part.title}",
        *_aligned(part.table),
        *(f"   {note}" for note in part.notes),
        *(f"   {target}" for target in part.targets),
        "",
    ]


def conclude(
    parts: Sequence[Part], machine: str, path: Path, program: str = "bench-operator"
) -> bool:
    """Write the JSON and print the last line; whether all targets are met."""
    met = all(target.met for part in parts for target in part.targets)
    path.parent.mkdir(parents=True, exist_ok=True)
    found = {
        "machine": machine,
        "parts": {part.name: part.as_json() for part in parts},
        "met": met,
    }
    path.write_text(json.dumps(found, indent=2) + "\n")
    print(f"figures: {path}")
    print(closing(parts, program))
    return met


def closing(parts: Sequence[Part], program: str = "bench-operator") -> str:
    """All targets on one line."""
    targets = [target for part in parts for target in part.targets]
    missed = sum(not target.met for target in targets)
    verdict = f"{missed} of {len(targets)} targets missed" if missed else "all targets met"
    said = ", ".join(f"{target.what} {target.value:.2f} {target.unit}" for target in targets)
    return f"{program}: {verdict} ({said})"


def _aligned(table: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "   "
        + "  ".join(
            [first.ljust(widths[0]), *(c.rjust(w) for c, w in zip(rest, widths[1:], strict=True))]
        ).rstrip()
        for first, *rest in table
    ]
