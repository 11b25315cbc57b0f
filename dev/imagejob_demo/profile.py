"""What the demo's ImageProfile asks for, read from its file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

UNITS = {"": 1, "k": 1000, "M": 10**6, "G": 10**9, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30}
Size = tuple[int, int]


@dataclass(frozen=True)
class Wanted:
    """One output of the profile. Understands fit `inside` and `cover`, with no `enlarge`."""

    name: str
    width: int | None = None
    height: int | None = None
    fit: str = "inside"
    max_bytes: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the image is cut off."""
        return self.fit == "inside"

    def fits(self, size: Size, source: Size) -> bool:
        """Whether `size` is what has to come of a source of that size, give or take rounding."""
        boxes = [
            (side / full)
            for side, full in zip((self.width, self.height), source, strict=True)
            if side
        ]
        if not self.is_whole and min(boxes) <= max(boxes) <= 1:
            return size == (self.width, self.height)
        scale = min([1.0, *boxes])
        return all(abs(a - b * scale) <= 1 for a, b in zip(size, source, strict=True))


def read(file: Path) -> list[Wanted]:
    """The outputs of the ImageProfile in `file`."""
    outputs: list[dict[str, Any]] = yaml.safe_load(file.read_text())["spec"]["outputs"]
    return [
        Wanted(
            each["name"],
            each.get("width"),
            each.get("height"),
            each.get("fit", "inside"),
            _bytes(each.get("maxBytes")),
        )
        for each in outputs
    ]


def _bytes(quantity: str | int | None) -> int | None:
    found = re.fullmatch(r"(\d+)([kMG]i?|)", str(quantity))
    return int(found[1]) * UNITS[found[2]] if found else None
