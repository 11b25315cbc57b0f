"""Warm processes: each side is started once, then given the same work in turn, many times.

So interpreters' and node's start-up isn't in the figures, and whatever disturbs the machine for a
second disturbs all sides. A side's cost is what its process's CPU clock, read from here, went on
by: all its threads, in any language. While one side works the others wait.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from imagebench.figures import Row
from imagebench.processes import children, cpu_clock, peak_rss

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagebench.quality import References

HERE = Path(__file__).parent
SHARP = HERE.parent / "sharp"


@dataclass(frozen=True)
class Side:
    """One of those who are compared."""

    name: str
    command: tuple[str, ...]


OURS = Side("imagejob", (sys.executable, str(HERE / "sides" / "ours.py")))
PILLOW = Side("Pillow thumbnail", (sys.executable, str(HERE / "sides" / "pillow.py")))
VIPS = Side("pyvips thumbnail", (sys.executable, str(HERE / "sides" / "vips.py")))
SHARP_PLAIN = Side("sharp", ("node", str(SHARP / "side.mjs")))
SHARP_CHAINED = Side("sharp, one decode", ("node", str(SHARP / "side.mjs"), "--chained"))


@dataclass(frozen=True)
class Work:
    """What every side is asked for."""

    source: Path
    format: str
    widths: tuple[int, ...]
    quality: int


def compare(
    sides: Sequence[Side], work: Work, rounds: int, folder: Path, references: References
) -> list[Row]:
    """Each side's row. The first round is a rehearsal."""
    with ExitStack() as stack:
        running = [stack.enter_context(Running(side, folder / side.name)) for side in sides]
        for number in range(rounds + 1):
            start = number % len(running)  # nobody always comes after the same neighbour
            for each in running[start:] + running[:start]:
                each.do(work, count=number > 0)
        return [each.row(references) for each in running]


class Running:
    """A side's process."""

    def __init__(self, side: Side, folder: Path) -> None:
        self._side = side
        self._folder = folder
        self._cpu: list[float] = []
        self._files: list[Path] = []
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        environment = {key: value for key, value in os.environ.items() if key != "VIPS_CONCURRENCY"}
        self._process = subprocess.Popen(
            self._side.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment | {"VIPS_CONCURRENCY": "1"},
        )
        assert self._process.stdin  # noqa: S101 (two pipes were asked for)
        assert self._process.stdout  # noqa: S101
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self._versions: dict[str, str] = self._answer()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def do(self, work: Work, *, count: bool) -> None:
        """Have the work done once."""
        for file in self._files:
            file.unlink()
        request = {
            "source": str(work.source),
            "folder": str(self._folder),
            "format": work.format,
            "widths": work.widths,
            "quality": work.quality,
        }
        before = cpu_clock(self._process.pid)
        self._requests.write(json.dumps(request).encode() + b"\n")
        self._requests.flush()
        self._files = [Path(file) for file in self._answer()]
        after = cpu_clock(self._process.pid)
        if children(self._process.pid):
            raise RuntimeError(
                f"{self._side.name} has child processes, whose CPU time isn't counted"
            )
        if count:
            self._cpu.append(after - before)

    def row(self, references: References) -> Row:
        """What it took, and what it made last. Call it before the process ends."""
        peak = peak_rss(self._process.pid)
        outputs = [references.judge(file) for file in self._files]
        return Row(self._side.name, self._cpu, peak, self._versions, outputs)

    def _answer(self) -> Any:  # noqa: ANN401 (JSON)
        line = self._answers.readline()
        if not line:
            raise RuntimeError(f"{self._side.name} ended: see its message above")
        return json.loads(line)
